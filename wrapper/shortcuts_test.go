package dingtalk

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// A fast path replaces encoding/json. For any bytes, both must agree.

func FuzzConverted(f *testing.F) {
	for _, seed := range []string{
		`{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`, `{"openConversationId":""}`, `{"openConversationId":"a\u0041"}`,
		`{"openConversationId":"a","openConversationId":"b"}`, `{"openConversationId":"a"},"}`, `{"openConversationId": "a"}`,
		`{"openConversationId":"a"}}`, `{"openConversationId":"é"}`, "{\"openConversationId\":\"\xff\"}", `{"openConversationId":"}`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want generated.ChatIDToOpenConversationIDResponseBody
		err := json.Unmarshal(body, &want)
		id, ok := converted(body)
		if ok != (err == nil && strings.TrimSpace(want.OpenConversationID) != "") || ok && id != want.OpenConversationID {
			t.Errorf("%q: %q, %v; encoding/json: %q, %v", body, id, ok, want.OpenConversationID, err)
		}
	})
}
