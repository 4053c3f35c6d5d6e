package emulatortest

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestChats(t *testing.T) {
	a := start(t, dingtalktest.WithChat("chat-a", "cidA/+=="), dingtalktest.WithChat("4555", "cidB"),
		func(s *dingtalktest.Settings) { s.OwnersNotVisible = []string{"chat-hidden", "4555"} })
	token := a.token().AccessToken
	a.wantKnown(token)
	a.convert(token, "chat-a").wantID(t, "cidA/+==")
	a.convert(token, "chat-b").wantError(t, generated.CodeInvalidChatID)
	a.convert(token, "chat-hidden").wantError(t, generated.CodeOwnerNotVisible)
	a.convert(token, "4555").wantError(t, generated.CodeOwnerNotVisible)

	a.Configure(dingtalktest.WithChat("chat-b", "cidLater"))
	a.convert(token, "chat-b").wantID(t, "cidLater")
	a.convert(token, "chat-a").wantID(t, "cidA/+==")
}

func TestAnyChat(t *testing.T) {
	a := start(t, dingtalktest.WithAnyChat(), dingtalktest.WithChat("chat-a", "cidA"))
	token := a.IssueToken()
	a.convert(token, "chat-a").wantID(t, "cidA")
	a.wantKnown(token)
	seen, lengths := map[string]bool{}, map[int]int{}
	for _, id := range []string{"chat00000000000000000000000000000000", "4555", "a b", "a/b", "a%2Fb", "a+b", "你好", strings.Repeat("x", 256)} {
		want := dingtalktest.OpenConversationIDOf(id)
		lengths[len(want)]++
		if !strings.HasPrefix(want, "cid") || !strings.HasSuffix(want, "=") || seen[want] {
			t.Errorf("made-up id of %q: %q", id, want)
		}
		seen[want] = true
		a.convert(token, id).wantID(t, want)
		a.convert(token, id).wantID(t, want)
	}
	if len(lengths) != 2 || lengths[27] == 0 || lengths[47] == 0 { // both forms have been seen
		t.Errorf("ids by length: %v", lengths)
	}
	for _, id := range []string{"unknown", "unknown-chat", knownGroup, "a\nb", "\xff", strings.Repeat("x", 257)} {
		a.convert(token, id).wantError(t, generated.CodeInvalidChatID)
	}
}

// TestChatIDIsOnePathSegment checks what arrives, by the record.
func TestChatIDIsOnePathSegment(t *testing.T) {
	for _, id := range []string{"a/b", "a?b", "a%2Fb", "a b", "a+b", "a;b", "a#b", "你好", "...", "a//b", "../x"} {
		a := start(t, dingtalktest.WithChat(id, "cidX"))
		a.convert(a.IssueToken(), id).wantID(t, "cidX")
		got := a.Requests()[0]
		if got.ChatID != id || got.Path != convertPath(id) {
			t.Errorf("%q arrived as %q in %q", id, got.ChatID, got.Path)
		}
	}
}

// TestAcceptedRequests sends the conversion as clients in other languages do.
func TestAcceptedRequests(t *testing.T) {
	a := start(t)
	token := a.token().AccessToken
	path := convertPath(knownChat)
	for name, lines := range map[string]string{
		"no content type, no length":     "\r\n",
		"JSON, no length":                "Content-Type: application/json\r\n\r\n",
		"JSON with a charset":            "Content-Type: application/json; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
		"JSON with an empty object":      "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"chunked and empty":              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunked and ignored":            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"a content type that is not one": "Content-Type: ;;\r\nContent-Length: 0\r\n\r\n",
		"a query":                        "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			target := path
			if name == "a query" {
				target += "?access_token=ignored"
			}
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\n", convertOp.Method, target, strings.ToUpper(generated.TokenHeader), token)
			a.raw(head+lines).wantID(t, knownGroup)
		})
	}
}

// raw sends bytes and reads one response.
func (a *api) raw(request string) reply {
	a.t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(a.dial(request)), nil)
	if err != nil {
		a.t.Fatal(err)
	}
	got, err := read(response)
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

func TestSloppyPaths(t *testing.T) {
	a := start(t, dingtalktest.WithChat("你好", "cidN"), dingtalktest.WithChat("你/好", "cidS"), dingtalktest.WithChat(`a"<b`, "cidQ"))
	head := " HTTP/1.1\r\nHost: localhost\r\n" + generated.TokenHeader + ": " + a.IssueToken() + "\r\n\r\n"
	bare := func(id string) string { return strings.Replace(convertPath("X"), "X", id, 1) }
	a.raw("POST "+bare("你好")+head).wantID(t, "cidN")
	a.raw("POST "+bare("你%2F好")+head).wantID(t, "cidS")
	a.raw("POST "+bare(`a"<b`)+head).wantID(t, "cidQ")
	if got := a.raw("POST " + bare("a b") + head); got.status != http.StatusBadRequest {
		t.Errorf("a raw space: %d %s", got.status, got.body)
	}
	a.raw("POST http://elsewhere"+bare("你好")+head).wantID(t, "cidN")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	a := start(t, dingtalktest.WithAnyChat())
	token := a.IssueToken()
	for _, c := range []struct{ method, path string }{
		{"GET", convertPath(knownChat)},
		{"post", tokenOp.Path},
		{"POST", tokenOp.Path + "/"},
		{"POST", convertPath("")},
		{"POST", convertPath(".")},
		{"POST", strings.Replace(convertPath("X"), "X", "%2e%2E", 1)},
		{"POST", strings.Replace(convertPath("X"), "X", "a/b", 1)},
		{"POST", convertPath("a") + "/more"},
		{"POST", "/v1.0/im/chat/a"},
		{"POST", "/v1.0/"},
		{"POST", "/v1.0//oauth2/accessToken"},
		{"POST", "/v1.0/x/../oauth2/accessToken"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			a.do(a.request(c.method, c.path, token, nil)).wantError(t, generated.CodeActionNotFound)
		})
	}
	for _, path := range []string{"", "/", "/v1.00/x", "/V1.0/oauth2/accessToken", "/gettoken", "//v1.0/oauth2/accessToken"} {
		got := a.do(a.request("POST", path, token, nil))
		if got.status != http.StatusOK || got.body != `{"errcode":404,"errmsg":"请求的URI地址不存在"}` {
			t.Errorf("%q: %d %s", path, got.status, got.body)
		}
	}
	if got := a.Counts()[""].Requests; got == 0 {
		t.Error("requests that match no operation are not counted")
	}
	head := a.do(a.request("HEAD", tokenOp.Path, "", nil))
	if head.status != http.StatusNotFound || head.body != "" {
		t.Errorf("HEAD: %d %q", head.status, head.body)
	}
}

func TestBannedAddress(t *testing.T) {
	a := start(t, func(s *dingtalktest.Settings) { s.BannedAddress = true })
	for _, got := range []reply{
		a.known(),
		a.fetch(dingtalktest.AppKey, dingtalktest.AppSecret),
		a.do(a.request("GET", "/", "", nil)),
	} {
		if got.status != http.StatusForbidden || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") ||
			!strings.HasPrefix(got.body, "<!DOCTYPE html>") || got.header.Get(generated.RequestIDHeader) != "" {
			t.Errorf("got %d %v %s", got.status, got.header, got.body)
		}
	}
	a.Configure(func(s *dingtalktest.Settings) { s.BannedAddress = false })
	a.known().wantID(t, knownGroup)
}

// TestHandlerCalledDirectly gives the handler requests that no network would: without a body, or with another path.
func TestHandlerCalledDirectly(t *testing.T) {
	e := dingtalktest.New()
	for target, want := range map[string]int{tokenOp.Path: http.StatusBadRequest, "*": http.StatusOK} {
		r := &http.Request{Method: "POST", URL: &url.URL{Path: target}}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}
