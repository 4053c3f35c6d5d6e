package dingtalk_test

import (
	"context"
	"encoding/json"
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
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// No network is used here (see roundTripper), so that a fuzzer is fast.

// fuzzed makes one call, whose every request gets this answer.
func fuzzed(t *testing.T, status int, contentType, body string, headers ...string) (string, error) {
	t.Helper()
	client := newStatic(t, "http://127.0.0.1:1", newHandClock().option(), through(roundTripper(func(r *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {contentType}}
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: header, Body: bodyOf(body), Request: r}, nil
	})))
	return client.OpenConversationID(t.Context(), "chat1")
}

// checkFuzzed checks what every error must be, whatever the answer.
func checkFuzzed(t *testing.T, id string, err error) *dingtalk.Error {
	t.Helper()
	var e *dingtalk.Error
	if !errors.As(err, &e) || id != "" {
		t.Fatalf("%q, %v; want an *Error without a result", id, err)
	}
	asError(t, id, err, e.Kind)
	text := err.Error()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 12<<10 {
		t.Fatalf("%d bytes are not fit for a log: %q", len(text), text)
	}
	if e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || e.Attempts < 1 || e.Attempts > 3 || len(e.RequiredScopes) > 20 {
		t.Fatalf("%+v", *e)
	}
	return e
}

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
		id, err := fuzzed(t, status, contentType, body, "Location", body, generated.RequestIDHeader, body)
		if e := checkFuzzed(t, id, err); e.StatusCode != status {
			t.Fatalf("status %d is lost: %v", status, err)
		}
	})
}

func FuzzSuccessBody(f *testing.F) {
	for _, body := range []string{
		successBody, "{}", "null", "[]", `""`, "7", "", "{", `{"openConversationId":""}`, `{"openConversationId":" "}`, `{"openConversationId":7}`, `{"openConversationId":null}`,
		`{"openConversationId":"a","openConversationId":7}`, `{"OPENCONVERSATIONID":"a"}`, `{"openConversationId":"\ud800"}`, successBody + "x", "\ufeff" + successBody,
		`{"openConversationId":"a","code":"systemError"}`, `{"openConversationId":7,"code":"systemError"}`, strings.Repeat("[", 20000), `{"errcode":0,"openConversationId":"a"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		id, err := fuzzed(t, http.StatusOK, "application/json", body)
		var want struct{ OpenConversationID string }
		whole := json.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &want) == nil && strings.TrimSpace(want.OpenConversationID) != ""
		if whole != (err == nil) {
			t.Fatalf("%q, %v; the body holds %q", id, err, want.OpenConversationID)
		}
		if err == nil && id != want.OpenConversationID {
			t.Fatalf("%q, want %q", id, want.OpenConversationID)
		} else if err != nil {
			_ = checkFuzzed(t, id, err)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "1", "1.5", "-1", "1e18", "1e400", "NaN", "Inf", "-Inf", "0x1p4", "1_000", " 7 ", "7, 8", "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(value, int64(0))
		f.Add(value, int64(1<<40))
	}
	f.Fuzz(func(t *testing.T, value string, now int64) {
		got := wire.RetryAfter(http.Header{"Retry-After": {value}}, time.Unix(now, 0))
		if got < 0 || got > 24*time.Hour {
			t.Fatalf("%q at %d: %s", value, now, got)
		}
		id, err := fuzzed(t, http.StatusServiceUnavailable, "", "", "Retry-After", value)
		_ = checkFuzzed(t, id, err)
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
