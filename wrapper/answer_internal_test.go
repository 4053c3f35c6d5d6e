package dingtalk

import (
	"bytes"
	"encoding/json"
	"testing"
)

// For any bytes, an object's fields are those that encoding/json finds. What is no JSON touches no value.
func FuzzFields(f *testing.F) {
	for _, body := range []string{
		`{"a":1}x`, `{"a":1} {"b":2}`, `{}]`, `{"a":1},{"b":2}`, "{}\v", `{"errcode":1}x`, `{"errcode":1}`, `{"a"}`, `{"a":}`, `{]}`,
		`{"a":1]`, `"a"x`, `1 2`, `[1]]`, `{{}}`, `{"\x61":1}`, `{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`,
		`{"openConversationId":""}`, `{"a":"a\u0041"}`, `{"a":"a","a":"b"}`, `{"a":"a"},"}`, ` {"a" : "a" } `,
		`{"a":"a"}}`, `{"é":"é"}`, "{\"a\":\"\xff\"}", `{"a":"}`, ``, `{}`, "\v{}", `{"a":1,}`, `{"a":{"b":"}","c":[1,{"d":"]"}]},"b":[],"":null}`, "{\"a\":\"a\tb\"}", `{"a\"\\":"a\\"}`, `[1]`, `{"a":-1.5e3}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, value := objectOf(body), any("untouched")
		e := read(answer)
		is := json.Valid(body) && !e.fails(new(Operation)) && string(bytes.TrimSpace(body)) != "null"
		if decode(new(Operation), answer, body, &value) != is || !is && value != any("untouched") {
			t.Errorf("%q: a success is %t, and the value is %v", body, is, value)
		}
		want, got := map[string]any{}, map[string]any{}
		if !json.Valid(body) || !decodeJSON(body, &want) { // any number, however large
			return
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
		x, _ := json.Marshal(got)
		if y, _ := json.Marshal(want); string(x) != string(y) {
			t.Errorf("%q: %v, want %v", body, got, want)
		}
	})
}
