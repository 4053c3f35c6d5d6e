package dingtalk_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// No network is used here (see roundTripper), so that a fuzzer is fast.

func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		`{"code":"InvalidAuthentication","requestid":"30EE8654-1AA2-7D88-8248-9518547248AA","message":"不合法的access_token"}`,
		`{"Code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","AccessDeniedDetail":{"RequiredScopes":["a","b"]}}`,
		`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`, `{"errcode":90020,"errmsg":"m"}`, `{"errcode":0}`,
		`{"code":7}`, `{"code":{}}`, `{"code":null}`, `{"message":"` + staticToken + `"}`, staticToken, `{"code":"a\nb\u001b"}`, "\xff\xfe{}", "[1]", "",
		`{"requestid":"` + strings.Repeat("9", 5000) + `","code":"c"}`, "<html>punish</html>", `{"accessdenieddetail":{"requiredScopes":"x"}}`,
	} {
		f.Add(400, "application/json", body)
		f.Add(403, "text/html", body)
	}
	f.Add(500, "", "")
	f.Add(302, "text/plain;;;", "moved")
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		if status < 201 || status > 999 {
			t.Skip("not an error that net/http passes on")
		}
		client := newStatic(t, "http://127.0.0.1:1", newHandClock().option(), through(roundTripper(func(r *http.Request) (*http.Response, error) {
			header := http.Header{"Content-Type": {contentType}, "Location": {body}, http.CanonicalHeaderKey(generated.RequestIDHeader): {body}, "Retry-After": {body}}
			return &http.Response{StatusCode: status, Header: header, Body: bodyOf(body), Request: r}, nil
		})))
		id, err := client.OpenConversationID(t.Context(), "chat1")
		var e *dingtalk.Error
		if !errors.As(err, &e) {
			t.Fatalf("%q, %v; want an *Error", id, err)
		}
		asError(t, id, err, e.Kind)
		text := err.Error()
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 12<<10 {
			t.Errorf("%d bytes are not fit for a log: %q", len(text), text)
		}
		if e.StatusCode != status || e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || e.Attempts < 1 || e.Attempts > 3 || len(e.RequiredScopes) > 20 {
			t.Errorf("%+v", *e)
		}
	})
}

// Any id that is accepted arrives as one segment of the path that decodes to it, in the documented place.
func FuzzChatIDPath(f *testing.F) {
	for _, id := range []string{
		"chatfaabe59a460527f5fb72fbbdfe3f061e", "4555", "", ".", "..", "...", "a/b", "../x", "a%2Fb", "%", "%2e%2e", "a b", "a?b#c", "a;b", "a+b", "a:b", "群", "a\x00",
		"a\nb", "\xff", "cid==", "cidl1B8RVUFmkO50OC9uEbySQ==", "{chatId}", "\\", "a&b=c", "@", "//", "\u2028", "\u202e", strings.Repeat("x", 256), strings.Repeat("x", 257),
	} {
		f.Add(id, "")
		f.Add(id, "/prefix")
	}
	f.Fuzz(func(t *testing.T, chatID, prefix string) {
		var got *url.URL
		if prefix != "" && prefix != "/prefix" {
			t.Skip("another base URL")
		}
		client := newStatic(t, "http://127.0.0.1:1"+prefix, oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r.URL
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: bodyOf(successBody), Request: r}, nil
		})))
		_, err := client.OpenConversationID(context.WithoutCancel(t.Context()), chatID)
		var e *dingtalk.Error
		if err != nil {
			if !errors.As(err, &e) || !e.Local || !errors.Is(err, dingtalk.ErrInvalidChatID) || got != nil {
				t.Fatalf("%q: %v, sent to %v", chatID, err, got)
			}
			return
		}
		segments := strings.Split(got.EscapedPath(), "/")
		if prefix != "" {
			if len(segments) < 2 || segments[1] != "prefix" {
				t.Fatalf("%q: the prefix is lost in %s", chatID, got)
			}
			segments = segments[1:]
		}
		if len(segments) != 6 || strings.Join(segments[1:4], "/") != "v1.0/im/chat" || segments[5] != "convertToOpenConversationId" || got.RawQuery != "" || got.ForceQuery || got.Fragment != "" || got.Host != "127.0.0.1:1" {
			t.Fatalf("%q: sent to %s", chatID, got)
		}
		if back, err := url.PathUnescape(segments[4]); err != nil || back != chatID || back == "." || back == ".." {
			t.Fatalf("%q: arrives as %q, %v", chatID, back, err)
		}
		if again, err := url.ParseRequestURI(got.RequestURI()); err != nil || again.EscapedPath() != got.EscapedPath() {
			t.Fatalf("%q: the request line %q reads as %v, %v", chatID, got.RequestURI(), again, err)
		}
	})
}
