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
	client, err := generated.NewClient(server.URL + "/pre fix/")
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

func TestRequest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build func(*generated.Request)
		want  sent
	}{
		{"plain", func(r *generated.Request) { r.SetPath("a", "1"); r.SetPath("b", "2") }, sent{path: "/1/x/2"}},
		{"escaped path", func(r *generated.Request) { r.SetPath("a", "a/b?c#d%e {b}"); r.SetPath("b", "群", "..") },
			sent{path: "/a%2Fb%3Fc%23d%25e%20%7Bb%7D/x/%E7%BE%A4,.."}},
		{"three dots", func(r *generated.Request) { r.SetPath("a", "..."); r.SetPath("b", ".a") }, sent{path: "/.../x/.a"}},
		{"query", func(r *generated.Request) {
			r.SetPath("a", "1")
			r.SetPath("b", "2")
			r.AddQuery("q", "a b&c=d+群")
			r.AddQuery("l", "1,2", "3")
			r.AddQuery("e", "")
		}, sent{path: "/1/x/2", query: "q=a+b%26c%3Dd%2B%E7%BE%A4&l=1%2C2,3&e="}},
		{"header and body", func(r *generated.Request) {
			r.SetPath("a", "1")
			r.SetPath("b", "2")
			r.AddHeader("x-list", "a", "b")
			r.SetBody(map[string]int{"n": 1})
		}, sent{path: "/1/x/2", header: "a,b", body: `{"n":1}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := generated.NewRequest(&testOperation)
			tt.build(&r)
			got, err := record(t, r)
			tt.want.method, tt.want.path = http.MethodPut, "/pre%20fix/v1.0"+tt.want.path
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func filled(r *generated.Request) {
	r.SetPath("a", "1")
	r.SetPath("b", "2")
}

// TestRequestNotSent: what cannot be sent as it was meant is not sent at all.
func TestRequestNotSent(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		build      func(*generated.Request)
	}{
		{"empty", "parameter a is empty or made of dots", func(r *generated.Request) { r.SetPath("a", ""); r.SetPath("b", "2") }},
		{"dot", "parameter a is empty or made of dots", func(r *generated.Request) { r.SetPath("a", "."); r.SetPath("b", "2") }},
		{"two dots", "parameter b is empty or made of dots", func(r *generated.Request) { r.SetPath("a", "1"); r.SetPath("b", "..") }},
		{"no value", "parameter b is empty or made of dots", func(r *generated.Request) { r.SetPath("a", "1"); r.SetPath("b") }},
		{"not set", "a parameter of the path is not set", func(r *generated.Request) { r.SetPath("a", "1") }},
		{"unknown", "the path has no parameter c", func(r *generated.Request) { r.SetPath("a", "1"); r.SetPath("b", "2"); r.SetPath("c", "3") }},
		{"the token's header", "every request has it already", func(r *generated.Request) { filled(r); r.AddHeader(generated.TokenHeader, "mine") }},
		{"the host's header", "every request has it already", func(r *generated.Request) { filled(r); r.AddHeader("host", "other") }},
		{"line break in a header's name", "a character that a header cannot carry", func(r *generated.Request) { filled(r); r.AddHeader("a\r\nb", "x") }},
		{"line break in a header", "a character that a header cannot carry", func(r *generated.Request) {
			r.SetPath("a", "1")
			r.SetPath("b", "2")
			r.AddHeader("x-list", "a\r\nHost: other")
		}},
		{"a body that is no JSON", "the body: ", func(r *generated.Request) {
			r.SetPath("a", "1")
			r.SetPath("b", "2")
			r.SetBody(func() {})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := generated.NewRequest(&testOperation)
			tt.build(&r)
			got, err := record(t, r)
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != (sent{}) {
				t.Errorf("sent %+v, error %v, want %s", got, err, tt.want)
			}
		})
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
	if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%d", "s3cret"[0])) || strings.Contains(text, "733363726574") {
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
		filled(&r)
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
