package dingtalk_test

import (
	"context"
	"errors"
	"net"
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
		generated.TokenHeader: dingtalktest.Redacted, // it is there
		"Accept":              "application/json", "User-Agent": "my app/1.2 openconversation-go/" + dingtalk.Version, "Content-Type": "", "Authorization": "",
	} {
		if got.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if got.ContentLength != 0 || token.Header.Get(generated.TokenHeader) != "" {
		t.Errorf("a body of %d bytes was sent, or a token with the token call", got.ContentLength)
	}
}

// No format is documented: an id that only resembles an openConversationId may be one.
func TestChatIDsThatMayBeOnes(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"cid", "cidA=", "cidenough", "cid" + strings.Repeat("A", 24), "4555", "chat 1", "it's"} {
		if err := dingtalk.CheckChatID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := dingtalk.CheckChatID("chat\xff"); err == nil || !strings.Contains(err.Error(), "it is not UTF-8") {
		t.Errorf("%v", err)
	}
}

// budgetFunc is a budget and a limiter of one function.
type budgetFunc func(context.Context) error

func (f budgetFunc) Spend(ctx context.Context) error { return f(ctx) }
func (f budgetFunc) Wait(ctx context.Context) error  { return f(ctx) }

func asBudget(f budgetFunc) dingtalk.Option  { return dingtalk.WithBudget(f) }
func asLimiter(f budgetFunc) dingtalk.Option { return dingtalk.WithLimiter(f) }

// refuseAfter lets n requests pass.
func refuseAfter(n int, err error) budgetFunc {
	return func(context.Context) error {
		if n--; n < 0 {
			return err
		}
		return nil
	}
}

// A budget is asked before every request, repeats included. Its refusal, like a limiter's, sends nothing; an *Error keeps
// its kind and message.
func TestPartsThatRefuse(t *testing.T) {
	t.Parallel()
	own := &dingtalk.Error{Kind: dingtalk.ErrBlocked, Local: true, Message: "by hand"}
	for _, test := range []struct {
		use       func(budgetFunc) dingtalk.Option
		err, kind error
	}{
		{asBudget, errors.New("enough"), dingtalk.ErrQuotaExhausted}, {asBudget, own, dingtalk.ErrBlocked},
		{asLimiter, own, dingtalk.ErrBlocked}, {asLimiter, errors.New("no"), dingtalk.ErrThrottled},
	} {
		client, server := newEmulated(t, test.use(refuseAfter(3, test.err)))
		convert(t, client, "one")
		server.RejectTokens()
		convert(t, client, "two, sent twice")
		e := refused(t, client, test.kind)
		if !e.Local || e.Op != convertOp.ID || e.StatusCode != 0 || test.err == own && e.Message != own.Message { //nolint:errorlint // it is the one above
			t.Errorf("got %+v", e)
		}
		wantRequests(t, server.Emulator, 3, 2)
	}
}

func sendMessage(ctx context.Context, c *dingtalk.Client) error {
	_, err := c.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
		MsgKey: "sampleText", MsgParam: map[string]string{"content": "once"}, OpenConversationID: dingtalktest.OpenConversationID, RobotCode: dingtalktest.RobotCode,
	})
	return err
}

func createGroup(ctx context.Context, c *dingtalk.Client) error {
	_, err := c.CreateGroup(ctx, generated.CreateGroupRequest{Name: "once", Owner: "user1", UserIDs: []string{"user1"}})
	return err
}

// testSentOnce: a message or group exists even if its caller left before the answer, or the answer is lost. The error says
// that it may exist. TestCases has what else becomes of an answer.
func testSentOnce(t *testing.T) {
	for what, call := range map[string]func(context.Context, *dingtalk.Client) error{"message": sendMessage, "group": createGroup} {
		for _, leaves := range []bool{true, false} {
			server := dingtalktest.NewServer(t)
			ctx, leave := context.WithCancel(within(t))
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == tokenOp.Path {
					server.ServeHTTP(w, r)
					return
				}
				server.ServeHTTP(httptest.NewRecorder(), r)
				if leaves {
					leave()
					<-r.Context().Done()
				}
				panic(http.ErrAbortHandler)
			})
			var e *dingtalk.Error
			err := call(ctx, newClient(t, address, appCredentials, newHandClock().option()))
			if !errors.As(err, &e) || !e.MayBeDone || errors.Is(err, context.Canceled) != leaves {
				t.Errorf("%s, the caller leaves: %t: %+v; want an error that may have been done", what, leaves, err)
			}
			if n := len(server.Messages()) + len(server.Groups()); n != 1 {
				t.Errorf("%s: done %d times, want once", what, n)
			}
			leave()
		}
	}
}

// TestSentAgainWithoutConnection: no connection, no request.
func TestSentAgainWithoutConnection(t *testing.T) {
	t.Parallel()
	server, dials := dingtalktest.NewServer(t), 0
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials == 2 { // the first is the token call's
			address = "127.0.0.1:1"
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	client := newClient(t, server.URL, appCredentials, newHandClock().option(), through(transport))
	if err := sendMessage(within(t), client); err != nil || len(server.Messages()) != 1 || dials != 3 {
		t.Errorf("%v after %d messages and %d dials", err, len(server.Messages()), dials)
	}
}

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
		_ = asError(t, id, err, e.Kind)
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
