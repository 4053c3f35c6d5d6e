package dingtalk

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Fast paths replace encoding/json. For any bytes they read the same, or leave them to it.
func FuzzFastPaths(f *testing.F) {
	for body, plain := range map[string]bool{
		`{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`: true, `{"openConversationId":""}`: true, `{"openConversationId":"a\u0041"}`: false,
		`{"openConversationId":"a","openConversationId":"b"}`: true, `{"openConversationId":"a"},"}`: false, `{"openConversationId": "a"}`: false,
		`{"openConversationId":"a"}}`: false, `{"openConversationId":"é"}`: true, "{\"openConversationId\":\"\xff\"}": false, `{"openConversationId":"}`: false, ``: false,
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
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want generated.ChatIDToOpenConversationIDResponseBody
		err := json.Unmarshal(body, &want)
		id, ok := converted(body)
		if ok != (err == nil && strings.TrimSpace(want.OpenConversationID) != "") || ok && id != want.OpenConversationID {
			t.Errorf("%q: %q, %v; encoding/json: %q, %v", body, id, ok, want.OpenConversationID, err)
		}
		var quick, decoded envelope
		if !quick.plain(string(body)) {
			return
		}
		if err := json.Unmarshal(body, &decoded); err != nil || !reflect.DeepEqual(quick, decoded) {
			t.Errorf("%+v was read; encoding/json reads %+v, %v", quick, decoded, err)
		}
	})
}
