package dingtalk

import (
	"encoding/json"
	"maps"
	"testing"
)

// For any bytes, the fields of an object are those that encoding/json finds.
func FuzzFields(f *testing.F) {
	for _, body := range []string{
		`{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`, `{"openConversationId":""}`, `{"a":"a\u0041"}`, `{"a":"a","a":"b"}`, `{"a":"a"},"}`, ` {"a" : "a" } `,
		`{"a":"a"}}`, `{"é":"é"}`, "{\"a\":\"\xff\"}", `{"a":"}`, ``, `{}`, "\v{}", `{"a":1,}`, `{"a":{"b":"}","c":[1,{"d":"]"}]},"b":[],"":null}`, "{\"a\":\"a\tb\"}", `{"a\"\\":"a\\"}`, `[1]`, `{"a":-1.5e3}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, got := map[string]any{}, map[string]any{}
		if !json.Valid(body) || !decodeJSON(body, &want) { // any number, however large
			want = nil
		}
		for name, raw, rest := objectOf(body).next(); name != ""; name, raw, rest = rest.next() {
			var value any
			if !decodeJSON([]byte(raw), &value) {
				t.Errorf("%q: %q is %q", body, name, raw)
			}
			if s, is := value.(string); is && s != scalar(raw) {
				t.Errorf("%q: %q, want %q", raw, scalar(raw), s)
			}
			got[scalar(name)] = value
		}
		if !maps.EqualFunc(got, want, func(a, b any) bool {
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			return string(x) == string(y)
		}) {
			t.Errorf("%q: %v, want %v", body, got, want)
		}
	})
}
