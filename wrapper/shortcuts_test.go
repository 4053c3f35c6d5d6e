package dingtalk

import (
	"encoding/json"
	"net/http"
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

// writer is a round tripper that changes its request, as none should but many do.
type writer struct{ seen []int }

func (w *writer) RoundTrip(req *http.Request) (*http.Response, error) {
	w.seen = append(w.seen, len(req.Header))
	req.Header.Set("X-Trace", "1")
	req.Header["Accept"][0] = "text/html"
	return nil, http.ErrHandlerTimeout
}

func TestForeignRoundTripperGetsItsOwnHeaders(t *testing.T) {
	t.Parallel()
	w := new(writer)
	client, err := NewClient(StaticToken("t0ken"), WithHTTPClient(&http.Client{Transport: w}), WithRetry(Retry{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = client.OpenConversationID(t.Context(), "any")
	}
	if header := client.path.apis.with("t0ken").Header; len(w.seen) != 2 || w.seen[0] != w.seen[1] || header.Get("Accept") != "application/json" {
		t.Errorf("headers of each request: %d; now %v", w.seen, header)
	}
}
