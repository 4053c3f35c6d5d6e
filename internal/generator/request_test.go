package generator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// sent is what a server got.
type sent struct{ method, path, query, header, body string }

// record sends a request to a server, below a prefix, and returns what arrived.
func record(t *testing.T, r generated.Request) (sent, error) {
	t.Helper()
	var got sent
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = sent{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("x-list"), string(body)}
	}))
	defer server.Close()
	client, err := generated.NewClient(server.URL+"/pre fix/", nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Header = http.Header{"X-Shared": {"1"}}
	resp, err := client.Send(t.Context(), r)
	if err == nil {
		resp.Body.Close()
	}
	if len(client.Header) != 1 {
		t.Errorf("the shared header became %v", client.Header)
	}
	return got, err
}

var testOperation = generated.Operation{ID: "test", Method: http.MethodPut, Path: "/v1.0/{a}/x/{b}"}

// path sets the parameters of the path.
func path(a string, b ...string) func(*generated.Request) {
	return func(r *generated.Request) {
		r.SetPath("a", a)
		r.SetPath("b", b...)
	}
}

// TestRequest: what cannot be sent as it was meant is not sent at all.
func TestRequest(t *testing.T) {
	const dots, header = " is empty or made of dots", "a character that a header cannot carry"
	plain := path("1", "2")
	for _, tt := range []struct {
		name   string
		path   func(*generated.Request)
		more   func(*generated.Request)
		want   sent
		reason string // why nothing is sent
	}{
		{name: "plain", path: plain, want: sent{path: "/1/x/2"}},
		{name: "escaped path", path: path("a/b?c#d%e {b}", "群", ".."), want: sent{path: "/a%2Fb%3Fc%23d%25e%20%7Bb%7D/x/%E7%BE%A4,.."}},
		{name: "three dots", path: path("...", ".a"), want: sent{path: "/.../x/.a"}},
		{name: "query", path: plain, more: func(r *generated.Request) {
			r.AddQuery("q", "a b&c=d+群")
			r.AddQuery("l", "1,2", "3")
			r.AddQuery("e", "")
		}, want: sent{path: "/1/x/2", query: "q=a+b%26c%3Dd%2B%E7%BE%A4&l=1%2C2,3&e="}},
		{name: "header and body", path: plain, more: func(r *generated.Request) {
			r.AddHeader("x-list", "a", "b")
			r.SetBody(map[string]int{"n": 1})
		}, want: sent{path: "/1/x/2", header: "a,b", body: `{"n":1}`}},
		{name: "empty", path: path("", "2"), reason: "parameter a" + dots},
		{name: "dot", path: path(".", "2"), reason: "parameter a" + dots},
		{name: "two dots", path: path("1", ".."), reason: "parameter b" + dots},
		{name: "no value", path: path("1"), reason: "parameter b" + dots},
		{name: "not set", path: func(r *generated.Request) { r.SetPath("a", "1") }, reason: "a parameter of the path is not set"},
		{name: "unknown", path: plain, more: func(r *generated.Request) { r.SetPath("c", "3") }, reason: "the path has no parameter c"},
		{name: "the token's header", path: plain, more: func(r *generated.Request) { r.AddHeader(generated.TokenHeader, "mine") }, reason: "every request has it already"},
		{name: "the host's header", path: plain, more: func(r *generated.Request) { r.AddHeader("host", "other") }, reason: "every request has it already"},
		{name: "line break in its name", path: plain, more: func(r *generated.Request) { r.AddHeader("a\r\nb", "x") }, reason: header},
		{name: "line break in a header", path: plain, more: func(r *generated.Request) { r.AddHeader("x-list", "a\r\nHost: other") }, reason: header},
		{name: "a body that is no JSON", path: plain, more: func(r *generated.Request) { r.SetBody(func() {}) }, reason: "the body: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := generated.NewRequest(&testOperation)
			if tt.path(&r); tt.more != nil {
				tt.more(&r)
			}
			got, err := record(t, r)
			if tt.reason != "" {
				if err == nil || !strings.Contains(err.Error(), tt.reason) || got != (sent{}) {
					t.Errorf("sent %+v, error %v, want %s", got, err, tt.reason)
				}
				return
			}
			tt.want.method, tt.want.path = http.MethodPut, "/pre%20fix/v1.0"+tt.want.path
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

// TestParameters: each kind has limits, for each value of a list. A request for a path alone is refused likewise, and may get others.
func TestParameters(t *testing.T) {
	op := generated.Operation{ID: "test", Method: http.MethodGet, Path: "/v1.0/{a}", Parameters: []generated.Field{
		{Name: "a", In: "path", Type: "string", MaxLength: 2}, {Name: "a", In: "query", Type: "integer", Maximum: "9"}, {Name: "a", In: "header", Type: "string", MinLength: 2},
	}}
	for value, want := range map[string]string{"7": "has 1 characters, and at least 2 are allowed", "10": "is 10, and at most 9 is allowed", "777": "has 3 characters, and at most 2 are allowed"} {
		r := generated.NewRequest(&op)
		r.SetPath("a", "1", value)
		r.AddQuery("a", "1", value)
		r.AddHeader("a", "12", value)
		if err := r.Err(); err == nil || err.Error() != "the parameter a "+want {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, id := range []string{"", ".", "..", "\xff"} {
		if got, err := record(t, generated.NewChatIDToOpenConversationIDRequest(id)); err == nil || got != (sent{}) {
			t.Errorf("%q: sent %+v", id, got)
		}
	}
	plain := generated.NewChatIDToOpenConversationIDRequest("a/b {c}")
	more := plain
	more.AddQuery("q", "1")
	more.AddHeader("x-list", "a", "b")
	want := sent{method: http.MethodPost, path: "/pre%20fix/v1.0/im/chat/a%2Fb%20%7Bc%7D/convertToOpenConversationId"}
	for _, r := range []generated.Request{plain, more} {
		if got, err := record(t, r); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
		want.query, want.header = "q=1", "a,b"
	}
}

func TestRequestOfBadPath(t *testing.T) {
	for _, path := range []string{"", "v1.0/x", "//other.example/x", "https://other.example/x", "/a/../b", "/a/%2e%2E/b", "/a/.", "/a?b=c", "/a#b", "/a/%zz", "/a\\b", "/a/}"} {
		r := generated.NewRequest(&generated.Operation{ID: "test", Method: http.MethodGet, Path: path})
		if err := r.CheckPath(); err == nil {
			t.Errorf("%q is taken for a path", path)
		}
	}
}

func TestRequestIsNotPrinted(t *testing.T) {
	r := generated.NewGetAccessTokenRequest(generated.GetAccessTokenRequest{AppKey: "key", AppSecret: "s3cret-of-test"})
	text := fmt.Sprintf("%v %+v %#v %s %q %d %x", r, r, r, r, r, r, &r)
	if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprint("s3cret"[0])) || strings.Contains(text, "733363726574") {
		t.Error(text)
	}
}

// TestJSONString: a value becomes JSON in a string; what is JSON already stays as it is.
func TestJSONString(t *testing.T) {
	for _, tt := range []struct {
		value any
		max   int
		want  string // of the body, or of the error
	}{
		{map[string]string{"content": "a<b & \"c\" 群"}, 0, `{"msgParam":"{\"content\":\"a<b & \\\"c\\\" 群\"}"}`},
		{`{"content":"x"}`, 15, `{"msgParam":"{\"content\":\"x\"}"}`},
		{json.RawMessage(`{"content":1}`), 0, `{"msgParam":"{\"content\":1}"}`},
		{`{"content":"x"}`, 14, "the field msgParam of the body is 15 bytes of JSON, and at most 14 are allowed"},
		{map[string]string{"a": "群"}, 10, "the field msgParam of the body is 11 bytes of JSON, and at most 10 are allowed"},
		{map[string]string{"a": "<"}, 9, `{"msgParam":"{\"a\":\"<\"}"}`},
		{"hello", 0, "the field msgParam of the body is a text that is not JSON"},
		{"", 0, "the field msgParam of the body is a text that is not JSON"},
		{nil, 0, "the field msgParam of the body is not set"},
		{func() {}, 0, "the body: json: unsupported type"},
	} {
		op := testOperation
		op.Content = &generated.Field{Type: "object", Fields: []generated.Field{{Name: "msgParam", Required: true, JSON: true, MaxBytes: tt.max}}}
		r := generated.NewRequest(&op)
		path("1", "2")(&r)
		r.SetBody(map[string]any{"msgParam": tt.value})
		got, err := record(t, r)
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), tt.want) || got != (sent{}) {
				t.Errorf("%v: sent %+v, error %v, want %s", tt.value, got, err, tt.want)
			}
		case got.body != tt.want:
			t.Errorf("%v: sent %s\nwant %s", tt.value, got.body, tt.want)
		}
	}
}
