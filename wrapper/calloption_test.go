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
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A header of a client or a call goes with every request, and no output repeats its value, whoever echoes it.
func TestHeadersOfCalls(t *testing.T) {
	var got []http.Header
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		w.Header().Set("X-Acs-Request-Id", "id-"+r.Header.Get("X-Tenant"))
		w.WriteHeader(429)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "odd", "message": fmt.Sprint(r.Header)})
	})
	var out bytes.Buffer
	client := newClient(t, address, dingtalk.StaticToken("t0ken"), newHandClock().option(), dingtalk.WithUserAgent("myapp/1"),
		dingtalk.WithCallOptions(nil, dingtalk.WithHeader("X-Gateway", "gateway-"+canary)),
		dingtalk.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	var answer dingtalk.Answer
	_, err := client.OrgGroupSend(within(t), textMessage, dingtalk.WithHeader("x-tenant", "tenant-"+canary), nil, dingtalk.WithAnswer(&answer))
	if !errors.Is(err, dingtalk.ErrThrottled) {
		t.Errorf("%v", err)
	}
	_, err2 := client.OpenConversationID(within(t), "chat")
	fmt.Fprintf(&out, "%v %+v %v %v %+v %#v", err, err, err2, answer, answer, answer)
	if text := out.String(); strings.Contains(text, canary) || !strings.Contains(text, "REDACTED") {
		t.Error(text)
	}
	if len(got) != 6 || got[2].Get("X-Tenant") != "tenant-"+canary || got[2].Get("X-Gateway") != "gateway-"+canary || got[3].Get("X-Tenant") != "" ||
		got[3].Get("X-Gateway") == "" || !strings.HasPrefix(got[0].Get("User-Agent"), "myapp/1 openconversation-go/") || got[0].Get("Accept-Encoding") != "identity" {
		t.Errorf("sent %v", got)
	}
	if answer.StatusCode != 429 || answer.RequestID != "id-tenant-"+canary || answer.Header.Get("Content-Type") == "" {
		t.Errorf("the raw answer has status %d, %v", answer.StatusCode, answer.Header)
	}
}

func TestCallOptionsThatAreRefused(t *testing.T) {
	sent := 0
	client := newClient(t, serve(t, func(http.ResponseWriter, *http.Request) { sent++ }), dingtalk.StaticToken("t0ken"))
	var options []dingtalk.CallOption
	for _, name := range []string{
		generated.TokenHeader, "X-ACS-Dingtalk-Access-Token", "x_acs_dingtalk_access_token", "Host", "content-length", "Transfer-Encoding", "Connection",
		"Accept-Encoding", "Idempotency-Key", "X-Idempotency-Key", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Upgrade",
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
		err := client.Do(within(t), "GET", "/v1.0/x", nil, nil, dingtalk.WithAnswer(&stale), option)
		if stale.StatusCode != 0 {
			t.Errorf("option %d: an earlier call's answer is left", i)
		}
		_, err2 := client.GetChat(within(t), generated.GetChatParams{ChatID: "c"}, option)
		for _, err := range []error{err, err2} {
			var e *dingtalk.Error
			if !errors.As(err, &e) || e.Kind != dingtalk.ErrRejected || !e.Local || sent != 0 { //nolint:errorlint // a kind is never wrapped
				t.Errorf("option %d: %v, sent %d", i, err, sent)
			}
		}
		if _, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), dingtalk.WithCallOptions(option)); err == nil {
			t.Errorf("option %d is one of a client", i)
		}
	}
	if _, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), dingtalk.WithCallOptions(dingtalk.WithAnswer(new(dingtalk.Answer)))); err == nil {
		t.Error("a client keeps an answer")
	}
}

// The limit covers every wait of a call, and is not the caller's deadline.
func TestLimitOfACall(t *testing.T) {
	hangs := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client left
		<-r.Context().Done()
	})
	limit := dingtalk.WithCallTimeout(30 * time.Millisecond)
	for name, call := range map[string]func(ctx context.Context) error{
		"of a call": func(ctx context.Context) error {
			return newClient(t, hangs, dingtalk.StaticToken("t0ken")).Do(ctx, "GET", "/v1.0/x", nil, nil, limit)
		},
		"of a client": func(ctx context.Context) error {
			_, err := newClient(t, hangs, appCredentials, dingtalk.WithCallOptions(limit)).OpenConversationID(ctx, "chat")
			return err
		},
		"of a limiter's wait": func(ctx context.Context) error {
			client := newClient(t, hangs, appCredentials, asLimiter(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
			_, err := client.OrgGroupSend(ctx, textMessage, limit)
			return err
		},
		"of a run": func(ctx context.Context) error {
			client, failures := newClient(t, hangs, dingtalk.StaticToken("t0ken"), dingtalk.WithCallOptions(limit)), []error(nil)
			for _, err := range client.OpenConversationIDs(ctx, func(yield func(string) bool) { _ = yield("a") && yield("b") }, dingtalk.WithConcurrency(1)) {
				failures = append(failures, err)
			}
			if len(failures) != 2 || errors.Is(failures[1], dingtalk.ErrNotTried) {
				t.Errorf("the limit of one chat ended the run: %v", failures)
			}
			return failures[0]
		},
	} {
		ctx := within(t)
		err := call(ctx)
		var e *dingtalk.Error
		if !errors.As(err, &e) || !errors.Is(e.Kind, context.DeadlineExceeded) || !e.Timeout() || ctx.Err() != nil || !strings.Contains(e.Message, "limit of 30ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type sealed struct{ secret string }

// What cannot be meant is refused before anything is sent, and concerns no other call.
func TestDoRefuses(t *testing.T) {
	server := dingtalktest.NewServer(t)
	client := newClient(t, server.URL, appCredentials)
	var typedNil *user
	var reader io.Reader
	var out struct{ A int }
	post := func(in any) func() error {
		return func() error { return client.Do(within(t), "POST", "/v1.0/x", in, &out) }
	}
	get := func(out any) func() error {
		return func() error { return client.Do(within(t), "GET", "/v1.0/x", nil, out) }
	}
	calls := map[string]func() error{
		"a reader": post(strings.NewReader("{}")), "a buffer": post(bytes.NewBufferString("{}")), "a buffer's value": post(*bytes.NewBufferString("{}")), "a limited reader": post(&io.LimitedReader{}),
		"a typed nil": post(typedNil), "a nil map": post(map[string]int(nil)), "a nil list": post([]int(nil)), "bytes": post([]byte("{}")), "text": post("{}"), "a number": post(7), "a time": post(time.Now()),
		"raw null": post(json.RawMessage("null")), "no raw": post(json.RawMessage(nil)), "hidden fields": post(sealed{"x"}), "a function": post(func() {}), "a channel": post(make(chan int)),
		"text that is not UTF-8": post(map[string]string{"a": "\xff"}), "a name that is not UTF-8": post(map[string]int{"\xff": 1}), "raw bytes": post(json.RawMessage("{\"a\":\"\xff\"}")),
		"into a value": get(out), "into a nil pointer": get(typedNil), "into bytes": get(new([]byte)), "into a function": get(new(func())), "into a channel": get(new(chan int)), "into a reader": get(&reader),
		"into a writer": get(new(bytes.Buffer)), "into a buffered one": get(bufio.NewWriter(io.Discard)), "into a map of structs": get(new(map[sealed]int)), "into a pointer to a function": get(new(*func())), "into text": get("x"),
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
		"typed, not UTF-8": func() error {
			_, err := client.OrgGroupSend(within(t), generated.OrgGroupSendRequest{MsgKey: "\xc3(", RobotCode: "r", OpenConversationID: "cid", MsgParam: map[string]string{}})
			return err
		},
		"typed, not UTF-8 in JSON in a text": func() error {
			_, err := client.OrgGroupSend(within(t), generated.OrgGroupSendRequest{MsgKey: "sampleText", RobotCode: "r", OpenConversationID: "cid", MsgParam: map[string]string{"content": "\xff"}})
			return err
		},
		"a parameter, not UTF-8": func() error { _, err := client.GetChat(within(t), generated.GetChatParams{ChatID: "\xff"}); return err },
	}
	for _, method := range []string{"", "PO ST", "post", "Get", "GET\r\nX: y", "CONNECT", "TRACE", "PRI", "方法"} {
		calls[fmt.Sprintf("method %q", method)] = func() error { return client.Do(within(t), method, "/v1.0/x", nil, &out) }
	}
	for _, path := range []string{
		"", "v1.0/x", "//other.example/x", "https://other.example/x", "/a/../b", "/a/%2e%2e/b", "/a/{id}", "/a#b", "/a?b=%zz", "/a/%zz",
		"/a\\..\\b", "/a/%2E%2e/b", "/a/.%2e", "/a/./b", "/用户/../b", "/a\nb", "/a/%", "/a/%FF", "/\xff", "/a?b=%FF", "/a?%FF=b",
	} {
		calls[fmt.Sprintf("path %q", path)] = func() error { return client.Do(within(t), "GET", path, nil, &out) }
	}
	for range 3 { // thirty failures would open a circuit breaker
		for name, call := range calls {
			var e *dingtalk.Error
			if err := call(); !errors.As(err, &e) || e.Kind != dingtalk.ErrRejected || !e.Local || !strings.HasPrefix(e.Message, "not sent: ") || len(server.Requests()) != 0 { //nolint:errorlint // a kind is never wrapped
				t.Errorf("%s: %v, sent %d", name, err, len(server.Requests()))
			}
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
		if err := client.Do(within(t), "GET", path, nil, nil); err != nil || uri != "/%E5%89%8D%E7%BC%80"+want {
			t.Errorf("%s was sent as %s, want %s: %v", path, uri, want, err)
		}
	}
	values := []string{"a b", "c&d"}
	request := dingtalk.NewRequest(&dingtalk.Operation{ID: "x", Method: "GET", Path: "/x", Empty: true})
	request.AddQuery("q", values...)
	request.AddQuery("q", values...)
	if _, err := dingtalk.Do[struct{}](within(t), client, request); err != nil || !strings.HasSuffix(uri, "/x?q=a+b,c%26d&q=a+b,c%26d") || values[0] != "a b" {
		t.Errorf("sent %s, values %q: %v", uri, values, err)
	}
}
