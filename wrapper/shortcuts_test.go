package dingtalk

import (
	"encoding/json"
	"reflect"
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

// The fast path reads the same as encoding/json, or leaves the body to it.
func FuzzEnvelope(f *testing.F) {
	for body, plain := range map[string]bool{
		`{"code":"a"}`: true,
		`{"requestid":"30EE8654-1AA2-7D88-8248-9518547248AA","Code":"invalideChatId","MESSAGE":"群主不在应用可见性内"}`: true,
		`{"x":"y","CODE":"b","code":"c"}`: true, `{"me\u017f\u017fage":"a"}`: false, `{"meſſage":"a"}`: true,
		`{}`: false, `{"code":"a",}`: false, `{"code":"a"}}`: false, `{"code" :"a"}`: false, `{"code":"a","x":1}`: false,
		`{"code":"a","accessdenieddetail":"b"}`: false, `{"code":"a","AccessDeniedDetail":{"RequiredScopes":["a"]}}`: false,
		"{\"code\":\"a\x7f\xff\"}": false, "{\"code\":\"a\tb\"}": false, `{"code":"a\\b"}`: false, `{"status":"1111"}`: true,
	} {
		var e envelope
		if e.plain(body) != plain {
			f.Errorf("%s: plain is %t", body, !plain)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var quick, decoded envelope
		if !quick.plain(body) {
			return
		}
		if err := json.Unmarshal([]byte(body), &decoded); err != nil || !reflect.DeepEqual(quick, decoded) {
			t.Errorf("%+v was read; encoding/json reads %+v, %v", quick, decoded, err)
		}
	})
}
