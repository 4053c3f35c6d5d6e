package dingtalk_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestOneCall(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t, dingtalk.WithUserAgent("my app/1.2"))
	convert(t, client, dingtalktest.ChatID)
	wantRequests(t, server.Emulator, 1, 1)
	token, got := server.Requests()[0], server.Requests()[1]
	for name, value := range map[string]string{
		"Accept": "application/json", "User-Agent": "my app/1.2 openconversation-go/" + dingtalk.Version, "Content-Type": "", "Authorization": "",
		generated.TokenHeader: dingtalktest.Redacted, // it is there
	} {
		errorIf(t, got.Header.Get(name) != value, "%s: %q, want %q", name, got.Header.Get(name), value)
	}
	errorIf(t, got.ContentLength != 0 || token.Header.Get(generated.TokenHeader) != "", "a body of %d bytes was sent, or a token with the token call", got.ContentLength)
}

// testSentOnce: a message or group exists even if its caller left before the answer, or the answer is lost. The error says
// that it may exist. TestCases has what else becomes of an answer.
func testSentOnce(t *testing.T) {
	for what, call := range map[string]func(context.Context, *dingtalk.Client) error{
		"message": func(ctx context.Context, c *dingtalk.Client) error {
			_, err := c.OrgGroupSend(ctx, textMessage)
			return err
		},
		"group": func(ctx context.Context, c *dingtalk.Client) error {
			_, err := c.CreateGroup(ctx, generated.CreateGroupRequest{Name: "once", Owner: "user1", UserIDs: []string{"user1"}})
			return err
		},
	} {
		for _, leaves := range []bool{true, false} {
			server := dingtalktest.NewServer(t)
			ctx, leave := context.WithCancel(within(t))
			address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				server.ServeHTTP(httptest.NewRecorder(), r)
				if leaves {
					leave()
					<-r.Context().Done()
				}
				panic(http.ErrAbortHandler)
			})
			err := call(ctx, newClient(t, address, dingtalk.StaticToken(server.IssueToken()), newHandClock().option()))
			var e *dingtalk.Error
			errorIf(t, !errors.As(err, &e) || !e.MayBeDone || errors.Is(err, context.Canceled) != leaves, "%s, the caller leaves: %t: %+v", what, leaves, err)
			errorIf(t, len(server.Messages())+len(server.Groups()) != 1, "%s: done other than once", what)
			leave()
		}
	}
}

// No network is used here (see roundTripper), so that a fuzzer is fast.

func FuzzErrorBody(f *testing.F) {
	long := strings.Repeat("长", 10_000)
	for _, body := range []string{
		`{"code":"InvalidAuthentication","requestid":"30EE8654-1AA2-7D88-8248-9518547248AA","message":"不合法的access_token"}`,
		`{"Code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","AccessDeniedDetail":{"RequiredScopes":["a","b"]}}`,
		`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`, `{"errcode":90020,"errmsg":"m"}`, `{"errcode":0}`,
		`{"code":7}`, `{"code":{}}`, `{"code":null}`, `{"message":"` + staticToken + `"}`, staticToken, `{"code":"a\nb\u001b"}`, "\xff\xfe{}", "[1]", "",
		`{"code":"c` + long + `","message":"a` + long + `","requestid":"r` + long + `","accessdenieddetail":{"requiredScopes":["` + strings.Repeat(`scope","`, 1000) + `"]}}`,
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
		client := newStatic(t, "http://127.0.0.1:1", newHandClock().option(), through(roundTripper(func(*http.Request) (*http.Response, error) {
			answer := answerOf(status, body)
			answer.Header = http.Header{"Content-Type": {contentType}, "Location": {body}, http.CanonicalHeaderKey(generated.RequestIDHeader): {body}, "Retry-After": {body}}
			return answer, nil
		})))
		id, err := client.OpenConversationID(t.Context(), "chat1")
		var e *dingtalk.Error
		if !errors.As(err, &e) {
			t.Fatalf("%q, %v; want an *Error", id, err)
		}
		_ = asError(t, id, err, e.Kind)
		text := err.Error()
		odd := func(r rune) bool { return !unicode.IsPrint(r) }
		errorIf(t, !utf8.ValidString(text) || strings.ContainsFunc(text, odd) || len(text) > 12<<10, "%d bytes are not fit for a log: %q", len(text), text)
		errorIf(t, e.StatusCode != status || e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || e.Attempts < 1 || e.Attempts > 3, "%+v", *e)
		errorIf(t, len(e.Message) > 1100 || len(e.Code) > 210 || len(e.RequestID) > 210 || len(e.RequiredScopes) > 20, "%+v", *e)
	})
}

// Any id that is accepted arrives as one segment of the path that decodes to it, in the documented place.
func FuzzChatIDPath(f *testing.F) {
	for _, id := range []string{
		"chatfaabe59a460527f5fb72fbbdfe3f061e", "4555", "", "a&b=c", "//host", "~a-b_c.d", "👍", "a/../b", `a\b`, ".", "..", "...", "a/b", "../x", "a%2Fb", "%", "%2e%2e", "a b", "a?b#c", "a;b", "a+b", "a:b", "群", "a\x00",
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
			return answerOf(200, successBody), nil
		})))
		_, err := client.OpenConversationID(context.WithoutCancel(t.Context()), chatID)
		var e *dingtalk.Error
		if err != nil {
			if !errors.As(err, &e) || !e.Local || !errors.Is(err, dingtalk.ErrInvalidChatID) || got != nil {
				t.Fatalf("%q: %v, sent to %v", chatID, err, got)
			}
			return
		}
		path, fits := strings.CutPrefix(got.EscapedPath(), prefix+"/v1.0/im/chat/")
		id, ends := strings.CutSuffix(path, "/convertToOpenConversationId")
		back, err := url.PathUnescape(id)
		if !fits || !ends || strings.Contains(id, "/") || err != nil || back != chatID || back == "." || back == ".." || got.RawQuery != "" || got.ForceQuery ||
			got.Fragment != "" || got.Host != "127.0.0.1:1" {
			t.Fatalf("%q: sent to %s: %v", chatID, got, err)
		}
		if again, err := url.ParseRequestURI(got.RequestURI()); err != nil || again.EscapedPath() != got.EscapedPath() {
			t.Fatalf("%q: the request line %q reads as %v, %v", chatID, got.RequestURI(), again, err)
		}
	})
}
