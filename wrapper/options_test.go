package dingtalk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]dingtalk.Option{
		"unknown region": dingtalk.WithRegion("https://api.example.com"), "unknown region \"\"": dingtalk.WithRegion(""),
		"WithTimeout: 0s": dingtalk.WithTimeout(0), "WithTimeout: -1ns": dingtalk.WithTimeout(-1), "WithUser": dingtalk.WithUserAgent(""),
		"WithUserAgent: ":   dingtalk.WithUserAgent("app\r\nx-acs-dingtalk-access-token: stolen"),
		"WithUserAgent: it": dingtalk.WithUserAgent("应用"), "WithRetry": dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: -1}),
		"WithRetry: ": dingtalk.WithRetry(dingtalk.Retry{BaseDelay: -1}), "WithRetry: a": dingtalk.WithRetry(dingtalk.Retry{MaxDelay: -1}),
		"WithRetry: a field":  dingtalk.WithRetry(dingtalk.Retry{MaxWait: -1}),
		"WithLimiter: NewLim": dingtalk.WithLimiter(dingtalk.NewLimiter(0)), "WithLimiter: it is": dingtalk.WithLimiter((*dingtalk.AdaptiveLimiter)(nil)),
		"WithBudget: it is": dingtalk.WithBudget((*part)(nil)), "WithLimiter: it": asLimiter(nil), "WithCache: it is": dingtalk.WithCache((*part)(nil)),
		"WithTokenStore: it is": dingtalk.WithTokenStore((*part)(nil)), "WithHTTPClient": dingtalk.WithHTTPClient(nil),
		"WithHTTPClient: the": through((*http.Transport)(nil)), "WithRegion and WithBas": dingtalk.WithRegion(dingtalk.MainlandChina),
	} {
		base := dingtalk.Option(nil)
		if strings.HasSuffix(name, "WithBas") {
			base = dingtalk.WithBaseURL("https://example.com")
		}
		client, err := dingtalk.NewClient(appCredentials, opt, base)
		errorIf(t, client != nil || !strings.HasPrefix(fmt.Sprint(err), "dingtalk: "+name), "%s: %v, %v", name, client, err)
	}
	for _, perSecond := range []float64{math.NaN(), 0, -1} {
		limiter := dingtalk.NewLimiter(perSecond)
		limiter.Answered(true)
		err := limiter.Wait(t.Context())
		errorIf(t, !strings.Contains(fmt.Sprint(err), "NewLimiter"), "NewLimiter(%g): %v", perSecond, err)
	}
}

// TestHTTPClient: of the caller's http.Client, its transport and time limit count; it is not changed, nor are requests
// shared between attempts with a transport that changes them.
// An app that wants no limit gives the largest value.
func TestLargestOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]dingtalk.Option{
		"WithTimeout": dingtalk.WithTimeout(math.MaxInt64), "WithHTTPClient": dingtalk.WithHTTPClient(&http.Client{Timeout: math.MaxInt64}),
		"MaxAttempts": dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: math.MaxInt}), "MaxWait": dingtalk.WithRetry(dingtalk.Retry{MaxWait: math.MaxInt64}),
	} {
		client, _ := newEmulated(t, opt)
		id, err := client.OpenConversationID(within(t), dingtalktest.ChatID)
		errorIf(t, err != nil || id != dingtalktest.OpenConversationID, "%s: %q, %v", name, id, err)
	}
}

func TestHTTPClient(t *testing.T) {
	t.Parallel()
	server, policy := dingtalktest.NewServer(t), 0
	jar, _ := cookiejar.New(nil) // cannot fail
	address, _ := url.Parse(server.URL)
	jar.SetCookies(address, []*http.Cookie{{Name: "own", Value: "x", Path: "/"}})
	transport, seen := &http.Transport{}, []int(nil)
	t.Cleanup(transport.CloseIdleConnections)
	own := &http.Client{Timeout: patience, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { policy++; return nil }}
	own.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, len(r.Header))
		errorIf(t, r.Header.Get("Cookie") != "", "a cookie was sent")
		r.Header.Set("X-Trace", "1")
		r.Header["Accept"][0] = "text/html"
		return transport.RoundTrip(r)
	})
	client := newClient(t, server.URL, dingtalk.StaticToken(server.IssueToken()), dingtalk.WithHTTPClient(own), oneAttempt)
	server.FailNext(
		dingtalktest.Raw(302, "", nil).WithHeader("Location", "/").WithHeader("Set-Cookie", "a=b").For(convertOp),
		dingtalktest.Hang().Times(2).For(convertOp),
	)
	_ = refused(t, client, dingtalk.ErrRedirect)
	errorIf(t, own.Timeout != patience || len(own.Jar.Cookies(address)) != 1 || own.CheckRedirect == nil || policy != 0, "%+v", own)
	own.Timeout = 30 * ms // in which nothing is answered from here on
	for _, opt := range []dingtalk.Option{nil, dingtalk.WithTimeout(20 * ms)} {
		client = newClient(t, server.URL, dingtalk.StaticToken(staticToken), dingtalk.WithHTTPClient(own), oneAttempt, opt)
		e := refused(t, client, dingtalk.ErrUnavailable)
		errorIf(t, !e.Timeout(), "%+v", e)
		own.Timeout = time.Hour
	}
	errorIf(t, len(seen) != 3 || seen[0] != seen[2], "headers %v", seen)
	own = &http.Client{} // gets the SDK's own transport
	client = newClient(t, server.URL, appCredentials, dingtalk.WithHTTPClient(own))
	t.Cleanup(client.CloseIdleConnections)
	convert(t, client, dingtalktest.ChatID)
	errorIf(t, own.Transport != nil || own.Timeout != 0, "the client is %+v now", own)
}

// TestConnectionsAreKept makes 64 requests at once, twice: the second time needs no new connection.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const callers = 64
	arrived, let := make(chan struct{}, callers), make(chan struct{})
	peer := newPeer(t, func(c net.Conn) bool {
		arrived <- struct{}{}
		<-let
		_, err := io.WriteString(c, success)
		return err == nil
	})
	client, err := dingtalk.NewClient(dingtalk.StaticToken(staticToken), dingtalk.WithBaseURL(peer.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	for range 2 {
		go func() {
			for range callers {
				<-arrived
			}
			for range callers {
				let <- struct{}{}
			}
		}()
		together(callers, func() { convert(t, client, dingtalktest.ChatID) })
	}
	errorIf(t, peer.conns.Load() != callers, "%d connections for %d calls at once, twice", peer.conns.Load(), callers)
}

// TestHosts: a conversion goes to the host of the client's region, an operation of the legacy API to that API's.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		opts            []dingtalk.Option
		convert, legacy string
	}{
		{nil, "https://api.dingtalk.io", "https://oapi.dingtalk.io"},
		{[]dingtalk.Option{dingtalk.WithRegion(dingtalk.International), nil, dingtalk.WithRegion(dingtalk.MainlandChina)}, "https://api.dingtalk.com", "https://oapi.dingtalk.com"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://api.dingtalk.io")}, "https://api.dingtalk.io", "https://oapi.dingtalk.io"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://api.dingtalk.com/")}, "https://api.dingtalk.com", "https://oapi.dingtalk.com"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://gateway.example/d/")}, "https://gateway.example/d", "https://gateway.example/d"},
	} {
		var got []string
		trip := roundTripper(func(r *http.Request) (*http.Response, error) {
			got = append(got, r.URL.String()+" "+r.Header.Get(generated.TokenHeader))
			return nil, errors.New("not sent")
		})
		client := newClient(t, "", dingtalk.StaticToken("a+b&c"), append(test.opts, oneAttempt, through(trip))...)
		_, _ = client.OpenConversationID(within(t), "a")
		_, _ = client.GetChat(within(t), describe) // whose token is in the URL alone
		want := []string{test.convert + "/v1.0/im/chat/a/convertToOpenConversationId a+b&c", test.legacy + "/chat/get?chatid=" + dingtalktest.ChatID + "&access_token=a%2Bb%26c "}
		errorIf(t, !slices.Equal(got, want), "sent %q, want %q", got, want)
	}
}

// A header of a client or a call goes with every request, and no output repeats its value, whoever echoes it.
func TestHeadersOfCalls(t *testing.T) {
	var got []http.Header
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		w.Header().Set("X-Acs-Request-Id", "id-"+r.Header.Get("X-Tenant"))
		w.WriteHeader(429)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "odd", "message": fmt.Sprint(r.Header, strings.TrimPrefix(r.Header.Get("X-Gateway"), "Bearer "))})
	})
	var out bytes.Buffer
	client := newClient(t, address, dingtalk.StaticToken("t0ken"), newHandClock().option(), dingtalk.WithUserAgent("myapp/1"),
		dingtalk.WithCallOptions(nil, dingtalk.WithHeader("X-Gateway", "Bearer gateway-"+canary)),
		dingtalk.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	var answer dingtalk.Answer
	_, err := client.OrgGroupSend(within(t), textMessage, dingtalk.WithHeader("x-tenant", "my-"+canary), nil, dingtalk.WithAnswer(&answer))
	errorIf(t, !errors.Is(err, dingtalk.ErrThrottled), "%v", err)
	_, err2 := client.OpenConversationID(within(t), "chat")
	fmt.Fprintf(&out, "%v %+v %v %v %+v %#v", err, err, err2, answer, answer, answer)
	errorIf(t, strings.Contains(out.String(), canary) || !strings.Contains(out.String(), "REDACTED"), "%s", &out)
	errorIf(t, len(got) != 6 || got[2].Get("X-Tenant") != "my-"+canary || got[2].Get("X-Gateway") != "Bearer gateway-"+canary ||
		got[3].Get("X-Tenant") != "" || got[3].Get("X-Gateway") == "" || got[0].Get("Accept-Encoding") != "identity" ||
		!strings.HasPrefix(got[0].Get("User-Agent"), "myapp/1 openconversation-go/"), "sent %v", got)
	errorIf(t, answer.StatusCode != 429 || answer.RequestID != "id-my-"+canary || answer.Header.Get("Content-Type") == "",
		"the raw answer has status %d, %v", answer.StatusCode, answer.Header)
}

func TestCallOptionsThatAreRefused(t *testing.T) {
	sent := 0
	client := newClient(t, serve(t, func(http.ResponseWriter, *http.Request) { sent++ }), dingtalk.StaticToken("t0ken"))
	var options []dingtalk.CallOption
	for _, name := range []string{
		generated.TokenHeader, "X-ACS-Dingtalk-Access-Token", "x_acs_dingtalk_access_token", "Host", "content-length", "Transfer-Encoding",
		"Connection", "Accept-Encoding", "Idempotency-Key", "X-Idempotency-Key", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection",
		"TE", "Trailer", "Upgrade",
		"HTTP2-Settings", "Expect", "Content-Type", "Content-Encoding", "", "a b", "a:b", "a\r\nb", "Größe", ":authority",
	} {
		options = append(options, dingtalk.WithHeader(name, "x"))
	}
	for _, value := range []string{"", "a\r\nb: c", "a\nb", "a\x00", " a", "密", "a\x7f", "\xff"} {
		options = append(options, dingtalk.WithHeader("X-Own", value))
	}
	options = append(options, dingtalk.WithCallTimeout(0), dingtalk.WithCallTimeout(-1), dingtalk.WithAnswer(nil))
	for i, option := range options {
		stale := dingtalk.Answer{StatusCode: 200}
		err := client.Do(within(t), "GET", "/v1.0/x", nil, nil, option, dingtalk.WithAnswer(&stale))
		errorIf(t, stale.StatusCode != 0, "option %d: an earlier call's answer is left", i)
		_, err2 := client.GetChat(within(t), generated.GetChatParams{ChatID: "c"}, option)
		for _, err := range []error{err, err2} {
			e := asError(t, "", err, dingtalk.ErrRejected)
			errorIf(t, !errors.Is(e.Kind, dingtalk.ErrRejected) || !e.Local || sent != 0, "option %d: %v, sent %d", i, err, sent)
		}
	}
	for i, option := range append(options, dingtalk.WithAnswer(new(dingtalk.Answer))) {
		_, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), dingtalk.WithCallOptions(option))
		errorIf(t, err == nil, "option %d is one of a client", i)
	}
}

// The limit covers every wait of a call, and is not the caller's deadline.
func TestLimitOfACall(t *testing.T) {
	hangs := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client left
		<-r.Context().Done()
	})
	limit := dingtalk.WithCallTimeout(30 * ms)
	own, app := newStatic(t, hangs, dingtalk.WithCallOptions(limit)), newClient(t, hangs, appCredentials, dingtalk.WithCallOptions(limit))
	waits := newClient(t, hangs, appCredentials, asLimiter(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
	for name, call := range map[string]func(ctx context.Context) error{
		"of a call":           func(ctx context.Context) error { return newStatic(t, hangs).Do(ctx, "GET", "/v1.0/x", nil, nil, limit) },
		"of a client":         func(ctx context.Context) error { _, err := app.OpenConversationID(ctx, "chat"); return err },
		"of a limiter's wait": func(ctx context.Context) error { _, err := waits.OrgGroupSend(ctx, textMessage, limit); return err },
		"of a run": func(ctx context.Context) error { // whose other chats have limits of their own
			var failures []error
			for _, err := range own.OpenConversationIDs(ctx, slices.Values(chatIDs(2)), dingtalk.WithConcurrency(1)) {
				failures = append(failures, err)
			}
			errorIf(t, len(failures) != 2 || errors.Is(failures[1], dingtalk.ErrNotTried), "one chat's limit ended the run: %v", failures)
			return failures[0]
		},
	} {
		ctx := within(t)
		e := asError(t, "", call(ctx), context.DeadlineExceeded)
		errorIf(t, !e.Timeout() || ctx.Err() != nil || !strings.Contains(e.Message, "limit of 30ms"), "%s: %v", name, e)
	}
}

type sealed struct{ secret string }

// What cannot be meant is refused before anything is sent, and concerns no other call.
func TestDoRefuses(t *testing.T) {
	server := dingtalktest.NewServer(t)
	client := newClient(t, server.URL, appCredentials)
	typedNil, hides := (*user)(nil), &sealed{"x"}
	var reader io.Reader
	var out struct{ A int }
	calls := map[string]func() error{
		"no operation": func() error { _, err := dingtalk.Do[any](within(t), client, dingtalk.Request{}); return err },
		"typed, into a reader": func() error {
			_, err := dingtalk.Do[io.Reader](within(t), client, dingtalk.NewRequest(&getUser))
			return err
		},
		"typed, into bytes": func() error {
			r := dingtalk.NewRequest(&getUser)
			r.SetPath("userId", "a")
			_, err := dingtalk.Do[[]byte](within(t), client, r)
			return err
		},
		"a parameter, not UTF-8": func() error { _, err := client.GetChat(within(t), generated.GetChatParams{ChatID: "\xff"}); return err },
	}
	for i, in := range []any{
		strings.NewReader("{}"), bytes.NewBufferString("{}"), *bytes.NewBufferString("{}"), &io.LimitedReader{}, typedNil, map[string]int(nil), []int(nil), []byte("{}"),
		"{}", 7, time.Now(), json.RawMessage("null"), json.RawMessage(nil), sealed{"x"}, &hides, &reader, func() {}, make(chan int),
		struct{ *sealed }{}, &struct{ sync.Mutex }{}, &struct{ io.Reader }{}, struct {
			A int `json:"-"`
		}{}, map[string]string{"a": "\xff"}, map[string]int{"\xff": 1}, json.RawMessage("{\"a\":\"\xff\"}"), // not UTF-8
	} {
		calls[fmt.Sprintf("body %d, %T", i, in)] = func() error { return client.Do(within(t), "POST", "/v1.0/x", in, &out) }
	}
	for i, into := range []any{
		out, typedNil, new([]byte), new(func()), new(chan int), &reader, new(bytes.Buffer), bufio.NewWriter(io.Discard), new(map[sealed]int), new(*func()), "x",
	} {
		calls[fmt.Sprintf("into %d, %T", i, into)] = func() error { return client.Do(within(t), "GET", "/v1.0/x", nil, into) }
	}
	for _, content := range []string{"\xff", "x"} {
		calls["a message, not UTF-8: "+content] = func() error {
			message := textMessage // of which one field is not UTF-8, or one in JSON in a text
			if message.MsgParam = map[string]string{"content": content}; content == "x" {
				message.MsgKey = "\xc3("
			}
			_, err := client.OrgGroupSend(within(t), message)
			return err
		}
	}
	for _, method := range []string{"", "PO ST", "post", "Get", "GET\r\nX: y", "CONNECT", "TRACE", "PRI", "方法"} {
		calls[fmt.Sprintf("method %q", method)] = func() error { return client.Do(within(t), method, "/v1.0/x", nil, &out) }
	}
	for _, path := range []string{
		"", "v1.0/x", "//other.example/x", "https://other.example/x", "/a/../b", "/a/%2e%2e/b", "/a/{id}", "/a#b", "/a?b=%zz", "/a/%zz",
		"/a\\..\\b", "/a/%2E%2e/b", "/a/.%2e", "/a/./b", "/用户/../b", "/a\nb", "/a/%", "/a/%FF", "/\xff", "/a?b=%FF", "/a?%FF=b", strings.Repeat("\n", 1<<20),
	} {
		calls[fmt.Sprintf("path %q", path)] = func() error { return client.Do(within(t), "GET", path, nil, &out) }
	}
	for range 3 { // thirty failures would open a circuit breaker
		for name, call := range calls {
			e := asError(t, "", call(), dingtalk.ErrRejected)
			local := errors.Is(e.Kind, dingtalk.ErrRejected) && e.Local && strings.HasPrefix(e.Message, "not sent: ")
			shown := len(e.Error()) < 2<<10 && !strings.ContainsFunc(e.Error(), unicode.IsControl)
			errorIf(t, !local || !shown || len(server.Requests()) != 0, "%.60q: %.200q, sent %d", name, e.Error(), len(server.Requests()))
		}
	}
	convert(t, client, dingtalktest.ChatID)
}

// A path stays as its caller escaped it, whatever else it holds, and a caller's values stay as they are.
func TestPathsOnTheWire(t *testing.T) {
	var uri string
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri = r.RequestURI
		_, _ = io.WriteString(w, "plain text, <b>not</b> JSON")
	})+"/前缀", dingtalk.StaticToken("t0ken"))
	for path, want := range map[string]string{
		"/v1.0/用户/" + url.PathEscape("../../admin"):  "/v1.0/%E7%94%A8%E6%88%B7/..%2F..%2Fadmin",
		"/v1.0/a b/" + url.PathEscape("../x"):        "/v1.0/a%20b/..%2Fx",
		"/v1.0/a\"b|c^d`e/" + url.PathEscape("../x"): "/v1.0/a%22b%7Cc%5Ed%60e/..%2Fx",
		"/v1.0/" + url.PathEscape(`..\..\x?y#z;`):    "/v1.0/..%5C..%5Cx%3Fy%23z%3B",
		"/v1.0/%252e%252e/a;b,c=d@e:f!$&'()*+~[x]":   "/v1.0/%252e%252e/a;b,c=d@e:f!$&'()*+~[x]",
		"/v1.0/a//b/?q=用户&r=a/../b?c":                "/v1.0/a//b/?q=%E7%94%A8%E6%88%B7&r=a%2F..%2Fb%3Fc",
	} {
		err := client.Do(within(t), "GET", path, map[string]string{"text": `the escape \ufffd`}, nil)
		errorIf(t, err != nil || uri != "/%E5%89%8D%E7%BC%80"+want, "%s was sent as %s, want %s: %v", path, uri, want, err)
	}
	values := []string{"a b", "c&d"}
	request := dingtalk.NewRequest(&dingtalk.Operation{ID: "x", Method: "GET", Path: "/x", Empty: true})
	request.AddQuery("q", values...)
	request.AddQuery("q", values...)
	_, err := dingtalk.Do[struct{}](within(t), client, request)
	errorIf(t, err != nil || !strings.HasSuffix(uri, "/x?q=a+b,c%26d&q=a+b,c%26d") || values[0] != "a b", "%s, %q: %v", uri, values, err)
}
