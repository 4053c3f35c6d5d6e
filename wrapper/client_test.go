package dingtalk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
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
		"Accept": "application/json", "User-Agent": "my app/1.2 openconversation-go/" + dingtalk.Version,
		"Content-Type": "", "Authorization": "", generated.TokenHeader: dingtalktest.Redacted, // it is there
	} {
		errorIf(t, got.Header.Get(name) != value, "%s: %q, want %q", name, got.Header.Get(name), value)
	}
	errorIf(t, got.ContentLength != 0 || token.Header.Get(generated.TokenHeader) != "", "%+v, %+v", got, token)
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
			errorIf(t, !errors.As(err, &e) || !e.MayBeDone || errors.Is(err, context.Canceled) != leaves, "%s, %t: %+v", what, leaves, err)
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
		`{"requestid":"` + strings.Repeat("9", 5000) + `","code":"c"}`, "<html>punish", `{"accessdenieddetail":{"requiredScopes":"x"}}`,
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
		client := newForeign(t, func(*http.Request) (*http.Response, error) {
			answer, id := answerOf(status, body), http.CanonicalHeaderKey(generated.RequestIDHeader)
			answer.Header = http.Header{"Content-Type": {contentType}, "Location": {body}, id: {body}, "Retry-After": {body}}
			return answer, nil
		}, newHandClock().option(), dingtalk.WithRetry(dingtalk.Retry{}))
		id, err := client.OpenConversationID(t.Context(), "chat1")
		var e *dingtalk.Error
		if !errors.As(err, &e) {
			t.Fatalf("%q, %v; want an *Error", id, err)
		}
		_ = asError(t, id, err, e.Kind)
		text := err.Error()
		odd := func(r rune) bool { return !unicode.IsPrint(r) }
		errorIf(t, !utf8.ValidString(text) || strings.ContainsFunc(text, odd) || len(text) > 12<<10, "not fit for a log: %q", text)
		errorIf(t, e.StatusCode != status || e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || e.Attempts < 1 || e.Attempts > 3, "%+v", *e)
		errorIf(t, len(e.Message) > 1100 || len(e.Code) > 210 || len(e.RequestID) > 210 || len(e.RequiredScopes) > 20, "%+v", *e)
	})
}

// Any id that is accepted arrives as one segment of the path that decodes to it, in the documented place.
func FuzzChatIDPath(f *testing.F) {
	for _, id := range []string{
		"chatfaabe59a460527f5fb72fbbdfe3f061e", "4555", "", "a&b=c", "//host", "~a-b_c.d", "👍", "a/../b", `a\b`, ".", "..", "...", "a/b",
		"../x", "a%2Fb", "%", "%2e%2e", "a b", "a?b#c", "a;b", "a+b", "a:b", "群", "a\x00", "a\nb", "\xff", "cid==",
		"cidl1B8RVUFmkO50OC9uEbySQ==", "{chatId}", "\\", "@", "//", "\u2028", "\u202e", strings.Repeat("x", 256), strings.Repeat("x", 257),
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
		bare := got.RawQuery == "" && !got.ForceQuery && got.Fragment == "" && got.Host == "127.0.0.1:1"
		errorIf(t, !fits || !ends || !bare || strings.Contains(id, "/") || err != nil || back != chatID ||
			back == "." || back == "..", "%q: sent to %s: %v", chatID, got, err)
		if again, err := url.ParseRequestURI(got.RequestURI()); err != nil || again.EscapedPath() != got.EscapedPath() {
			t.Fatalf("%q: the request line %q reads as %v, %v", chatID, got.RequestURI(), again, err)
		}
	})
}

// TestSuccess: what counts as a success of an operation, and what does not.
func TestSuccess(t *testing.T) {
	object := dingtalk.Operation{ID: "get", Method: http.MethodGet, Path: "/v1.0/get", Status: 200, Required: []string{"id", "n"}}
	free, created, empty := object, object, object
	free.Required = nil
	created.Status = 201
	empty.Status, empty.Empty, empty.Required = 204, true, nil
	anyEmpty := empty
	anyEmpty.Status = 200
	for _, test := range []struct {
		op        *dingtalk.Operation
		status    int
		good, bad []string
	}{
		{&object, 200, []string{`{"id":"a","n":0,"new":{}}`, `{"ID":"a","N":0}`}, []string{
			`{"id":"a"}`, `{"id":"","n":1}`, `{"id":" ","n":1}`, `{"id":null,"n":1}`, `{"id":"a","n":1} x`, `[]`, `null`, ``, `<html>`,
		}},
		{&object, 201, nil, []string{`{"id":"a","n":0}`}}, {&object, 204, nil, []string{``}},
		{&created, 201, []string{`{"id":"a","n":0}`}, nil}, {&created, 200, nil, []string{`{"id":"a","n":0}`}},
		{&free, 200, []string{
			`{}`, `{"errcode":0,"errmsg":"ok"}`, `{"errcode":0.0,"errmsg":"ok"}`, `{"errcode":"0","errmsg":"ok"}`,
			`{"code":"a code of its own"}`, `{"code":"200","message":"ok","requestid":"r"}`, `{"punish":"deny","status":3}`,
		}, []string{
			`null`, `{"errcode":404,"errmsg":"m"}`, `{"status":1111,"punish":"deny"}`, `{"code":"c","message":"m","requestid":"r"}`,
		}},
		{&empty, 204, []string{``}, nil}, {&empty, 200, nil, []string{``}},
		{&anyEmpty, 200, []string{``, `{}`}, []string{`{"errcode":404}`, `<html>`, `<script>a="/login"</script>`, "\n\n <!-- -->"}},
	} {
		for i, body := range append(test.good, test.bad...) {
			client := newClient(t, serve(t, answers(test.status, body)), dingtalk.StaticToken("t0ken"), oneAttempt)
			_, err := dingtalk.Do[map[string]any](within(t), client, dingtalk.NewRequest(test.op))
			errorIf(t, (err == nil) != (i < len(test.good)), "%d %s of %+v: %v", test.status, body, test.op, err)
			failed := new(dingtalk.Error)
			errorIf(t, err != nil && (!errors.As(err, &failed) || failed.Op != "get"), "%d %s: %v", test.status, body, err)
		}
	}
}

func TestDecodedTypes(t *testing.T) {
	request := dingtalk.NewRequest(&dingtalk.Operation{ID: "get", Method: http.MethodGet, Path: "/v1.0/get", Status: 200})
	const large int64 = 9007199254740993
	of := func(body string) *dingtalk.Client {
		return newForeign(t, func(*http.Request) (*http.Response, error) { return answerOf(200, body), nil })
	}
	number, err := dingtalk.Do[int64](within(t), of(fmt.Sprint(large)), request)
	errorIf(t, number != large || err != nil, "%d, %v", number, err)
	body := fmt.Sprintf(`{"a":[%d,true,"text"]}`, large)
	got, err := dingtalk.Do[any](within(t), of(body), request)
	again, _ := json.Marshal(got)
	errorIf(t, err != nil || string(again) != body, "%s, %v", again, err)
}

// TestDoOfNoContract: an operation without a contract is sent unchanged, and once.
func TestDoOfNoContract(t *testing.T) {
	type seen struct{ method, uri, token, contentType, body string }
	var got []seen
	status, answer := 200, `{"result":{"id":7}}`
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, seen{r.Method, r.RequestURI, r.Header.Get(generated.TokenHeader), r.Header.Get("Content-Type"), string(body)})
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	client := newClient(t, address+"/prefix", dingtalk.StaticToken("t0ken"), newHandClock().option())
	var out struct{ Result struct{ ID int } }
	err := client.Do(within(t), http.MethodPut, "/v1.0/a%2Fb?q=1%262&r=%20", map[string]int{"n": 1}, &out)
	errorIf(t, err != nil || out.Result.ID != 7, "got %+v, %v", out, err)
	want := []seen{{"PUT", "/prefix/v1.0/a%2Fb?q=1%262&r=+", "t0ken", "application/json", `{"n":1}`}}
	errorIf(t, !slices.Equal(got, want), "sent %+v, want %+v", got, want)
	status, answer, got = 204, "", nil
	err = client.Do(within(t), http.MethodDelete, "/v1.0/x", nil, nil)
	errorIf(t, err != nil || len(got) != 1 || got[0].body != "" || got[0].contentType != "", "sent %+v, %v", got, err)
	status, got = 500, nil
	err = client.Do(within(t), http.MethodGet, "/x", nil, &out)
	errorIf(t, !errors.Is(err, dingtalk.ErrUnavailable) || len(got) != 1 || !strings.Contains(err.Error(), "GET /x"), "%v, %v", got, err)
}

// TestServerOfAnOperation: an operation's own server must use HTTPS; WithBaseURL receives its requests, too. A public
// operation sends no token and fetches none.
func TestServerOfAnOperation(t *testing.T) {
	op := dingtalk.Operation{
		ID: "send", Method: http.MethodPost, Server: "https://oapi.dingtalk.com/pre", Path: "/v1.0/test/send", Public: true,
		Body: generated.BodyRequired, Status: 200, Required: []string{"id"},
	}
	send := func(client *dingtalk.Client) (got struct{ ID string }, err error) {
		r := dingtalk.NewRequest(&op)
		r.SetBody(map[string]string{"text": "hello"})
		return dingtalk.Do[struct{ ID string }](within(t), client, r)
	}
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec([]generated.Route{{Operation: &op, Example: `{"id":"m1"}`}}))
	got, err := send(newClient(t, server.URL, appCredentials))
	sent := server.Requests()[0]
	_, has := sent.Header[http.CanonicalHeaderKey(generated.TokenHeader)]
	errorIf(t, err != nil || got.ID != "m1" || sent.Path != "/pre"+op.Path || server.Count(tokenOp) != 0 || has, "%v %v %v", got, err, sent)
	var hosts []string
	client := newStatic(t, "", oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.String())
		return nil, errors.New("no network")
	})))
	for _, op.Server = range []string{op.Server, "http://oapi.dingtalk.com", "https://user:hunter2@oapi.dingtalk.com",
		"https://oapi.dingtalk.com?x=1", "ftp://x"} {
		_, err = send(client)
		errorIf(t, err == nil || strings.Contains(err.Error(), "hunter2"), "%s: %v", op.Server, err)
	}
	errorIf(t, fmt.Sprint(hosts) != "[https://oapi.dingtalk.com/pre/v1.0/test/send]", "sent to %v", hosts)
}

// A throttle's stated end may lengthen a wait, but never shorten it.
func TestThrottleThatSaysItsEnd(t *testing.T) {
	t.Parallel()
	for text, test := range map[string]struct{ in, want time.Duration }{
		"请求过于频繁，限制将在 $ 结束": {20 * sec, 20*sec + 150*ms}, "限制将在 $ 结束": {0, sec + 150*ms}, "处罚将在 $ 结束": {-time.Hour, sec + 150*ms},
		"限制将在 $ 结束 2": {time.Hour, time.Minute}, "2026-99-99 99:99:99": {0, sec + 150*ms}, "20 calls, 2026: $": {5 * sec, 5*sec + 150*ms},
	} {
		clock := newHandClock()
		clock.now = clock.now.Truncate(sec)
		client, server := newEmulated(t, clock.option())
		end := clock.Now().Add(test.in).In(time.FixedZone("", 8*60*60)).Format(time.DateTime)
		server.FailNext(dingtalktest.Fault{Kind: "code", Code: generated.CodeAPIQPSLimit, Message: strings.ReplaceAll(text, "$", end), Operation: convertOp.ID}) // synthetic
		convert(t, client, dingtalktest.ChatID)
		got := clock.waited()
		errorIf(t, len(got) != 1 || got[0] != test.want, "%s: waited %v, want %s", text, got, test.want)
	}
}

// expiring is a context without a known deadline that ends as if one had passed.
type expiring struct{ context.Context }

func (e expiring) Err() error {
	if e.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

// testCallerEnds ends a call's context before it, and at each step but the limiter's, which has its own tests.
func testCallerEnds(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	id, err := newStatic(t, "http://127.0.0.1:1").OpenConversationID(ended, dingtalktest.ChatID)
	_ = asError(t, id, err, context.Canceled)

	reached := make(chan struct{}, 100)
	stopped := dingtalk.WithClock(dingtalk.Clock{Timer: func(time.Duration) (<-chan time.Time, func() bool) { // it never fires
		reached <- struct{}{}
		return nil, func() bool { return true }
	}})
	dials := through(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		reached <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	none := dingtalk.Option(nil)
	for name, stage := range map[string]struct {
		attempts int   // with the one that was cut
		before   error // the previous failure, which the error wraps
		option   dingtalk.Option
		statuses []int // before an answer hangs
		begun    string
	}{
		"in dial": {1, nil, dials, nil, ""}, "in headers": {1, nil, none, nil, ""}, "in body": {1, nil, none, nil, "{"},
		"in the second attempt":   {2, dingtalk.ErrUnavailable, newHandClock().option(), []int{503}, ""},
		"in backoff":              {1, dingtalk.ErrUnavailable, stopped, []int{503}, ""},
		"waiting for the breaker": {0, dingtalk.ErrThrottled, stopped, []int{429}, ""}, "waiting for a token": {0, nil, none, nil, ""},
	} {
		for why, as := range map[error]func(context.Context) context.Context{
			context.Canceled:         func(ctx context.Context) context.Context { return ctx },
			context.DeadlineExceeded: func(ctx context.Context) context.Context { return expiring{ctx} },
		} {
			t.Run(name+" "+why.Error(), func(t *testing.T) {
				var requests atomic.Int64
				address := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client left
					if n := int(requests.Add(1)); n <= len(stage.statuses) {
						w.WriteHeader(stage.statuses[n-1])
						return
					}
					if _, _ = io.WriteString(w, stage.begun); stage.begun != "" {
						_ = http.NewResponseController(w).Flush()
					}
					reached <- struct{}{}
					<-r.Context().Done()
				})
				creds, retry := dingtalk.StaticToken(staticToken), none
				switch name {
				case "waiting for a token":
					creds = appCredentials
				case "waiting for the breaker":
					retry = oneAttempt
				}
				client := newClient(t, address, creds, stage.option, retry, dingtalk.WithTimeout(patience))
				if retry != nil {
					_ = refused(t, client, stage.before)
				}
				before := runtime.NumGoroutine()
				ctx, end := context.WithCancel(t.Context())
				defer end()
				returned := make(chan struct{})
				go func() {
					defer close(returned)
					id, err := client.OpenConversationID(as(ctx), dingtalktest.ChatID)
					e := asError(t, id, err, why)
					errorIf(t, e.Local || e.Attempts != stage.attempts || e.Timeout() != errors.Is(why, context.DeadlineExceeded), "%+v", e)
					errorIf(t, stage.before != nil && !errors.Is(err, stage.before) || stage.before == nil && e.Err != nil, "%v", e.Err)
				}()
				<-reached
				end()
				<-returned
				client.CloseIdleConnections()
				eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
			})
		}
	}
}
