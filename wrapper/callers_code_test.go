package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// alarm is a slog.Handler, and every other part of a client: it does the same whenever it is called.
type alarm struct {
	ring  func(ctx context.Context)
	level slog.Level
	asked bool // rings also when it is asked for its level
}

func (a *alarm) Enabled(ctx context.Context, level slog.Level) bool {
	if a.asked {
		a.ring(ctx)
	}
	return level >= a.level
}

func (a *alarm) WithAttrs([]slog.Attr) slog.Handler { return a }
func (a *alarm) WithGroup(string) slog.Handler      { return a }

func (a *alarm) Handle(ctx context.Context, _ slog.Record) error { a.ring(ctx); return nil }

func (a *alarm) Get(ctx context.Context, _ string) (string, bool) { a.ring(ctx); return "", false }
func (a *alarm) Set(ctx context.Context, _, _ string)             { a.ring(ctx) }
func (a *alarm) Wait(ctx context.Context) error                   { a.ring(ctx); return ctx.Err() }
func (a *alarm) Spend(ctx context.Context) error                  { a.ring(ctx); return ctx.Err() }
func (a *alarm) Answered(bool)                                    { a.ring(context.Background()) }

func (a *alarm) Token(ctx context.Context, _ string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	a.ring(ctx)
	return fetch(ctx)
}

func (a *alarm) Drop(ctx context.Context, _, _ string) error { a.ring(ctx); return nil }

func (a *alarm) RoundTrip(r *http.Request) (*http.Response, error) {
	a.ring(r.Context())
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}

// uses are the ways in which a client may use a part; nil is that for its credentials.
var uses = map[string]func(*alarm) dingtalk.Option{
	"token source": nil,
	"transport":    func(a *alarm) dingtalk.Option { return through(a) },
	"token call":   func(a *alarm) dingtalk.Option { return through(a) },
	"token store":  func(a *alarm) dingtalk.Option { return dingtalk.WithTokenStore(a) },
	"limiter":      func(a *alarm) dingtalk.Option { return dingtalk.WithLimiter(a) },
	"budget":       func(a *alarm) dingtalk.Option { return dingtalk.WithBudget(a) },
	"cache":        func(a *alarm) dingtalk.Option { return dingtalk.WithCache(a) },
	"logger":       func(a *alarm) dingtalk.Option { return dingtalk.WithLogger(slog.New(a)) },
	"log level":    func(a *alarm) dingtalk.Option { a.asked = true; return dingtalk.WithLogger(slog.New(a)) },
}

// A log handler that alerts a group through the client that it serves.
func ExampleWithLogger_alerts() {
	server := dingtalktest.NewServer(nil)
	defer server.Close()
	var client *dingtalk.Client
	alerts := &alarm{level: slog.LevelWarn, ring: func(ctx context.Context) {
		_, err := client.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
			MsgKey: "sampleText", RobotCode: dingtalktest.RobotCode, OpenConversationID: dingtalktest.OpenConversationID, MsgParam: map[string]string{"content": "alert"},
		})
		fmt.Println("alert:", err)
	}}
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}, dingtalk.WithBaseURL(server.URL), dingtalk.WithLogger(slog.New(alerts)))
	if err != nil {
		panic(err)
	}
	server.FailNext(dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp)) // a token without a lifetime is warned of
	id, err := client.OpenConversationID(context.Background(), dingtalktest.ChatID)
	fmt.Println(id, err)
	// Output:
	// alert: <nil>
	// cidl1B8RVUFmkO50OC9uEbySQ== <nil>
}

// Each part of the caller's that calls the client, blocks, panics or ends its goroutine concerns its own call alone.
func TestCallersCodeHoldsNoOther(t *testing.T) {
	for _, does := range []string{"calls the client", "calls it with a context of its own", "blocks", "panics", "ends its goroutine"} {
		for _, name := range []string{"logger", "cache", "token store", "limiter", "budget"} {
			t.Run(does+"/"+name, func(t *testing.T) {
				t.Parallel()
				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
				var client *dingtalk.Client
				var armed, inside atomic.Bool
				armed.Store(true)
				a := &alarm{level: slog.LevelDebug}
				a.ring = func(ctx context.Context) {
					if !armed.Load() || does != "blocks" && !inside.CompareAndSwap(false, true) {
						return
					}
					defer inside.Store(false)
					switch does {
					case "blocks":
						<-t.Context().Done()
					case "panics":
						panic("the caller's own")
					case "ends its goroutine":
						runtime.Goexit()
					case "calls it with a context of its own":
						ctx = within(t)
						fallthrough
					default:
						_, _ = client.OpenConversationID(ctx, "inner")
					}
				}
				client = newClient(t, server.URL, appCredentials, uses[name](a))
				var first sync.WaitGroup
				for range 70 { // more than a new client's circuit breaker allows in flight
					first.Go(func() {
						defer func() { _ = recover() }()
						ctx, cancel := context.WithTimeout(within(t), 500*time.Millisecond)
						defer cancel()
						done := make(chan struct{})
						go func() {
							defer close(done)
							defer func() { _ = recover() }()
							_, _ = client.OpenConversationID(ctx, "first")
						}()
						if does == "blocks" {
							select {
							case <-done:
							case <-ctx.Done():
							}
							return
						}
						<-done
					})
				}
				first.Wait()
				armed.Store(false)
				server.RejectTokens()
				together(70, func() { convert(t, client, "other") })
			})
		}
	}
}

// The caller's trace sees the caller's own requests, and no other call waits for it.
func TestTraceOfACaller(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client := newClient(t, server.URL, appCredentials, dingtalk.WithTimeout(time.Second))
	const traced = 70 // more than a new client's circuit breaker allows in flight
	var seen atomic.Int32
	entered := make(chan struct{}, 2*traced)
	ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{GetConn: func(string) {
		seen.Add(1)
		entered <- struct{}{}
		<-t.Context().Done()
	}})
	for range traced {
		go func() { _, _ = client.OpenConversationID(ctx, "traced") }()
	}
	for range 64 {
		<-entered
	}
	if server.Count(tokenOp) != 1 {
		t.Error("the trace saw the token's request, for which others wait")
	}
	together(100, func() { convert(t, client, "other") })
	if seen.Load() > traced {
		t.Errorf("the trace was called %d times", seen.Load())
	}
}

// A transport may hold the request in its error or its panic; so may a token store.
func TestSecretsOfForeignParts(t *testing.T) {
	var out strings.Builder
	client := newClient(t, "https://example.test", markedCredentials, newHandClock().option(), dingtalk.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, requestError{r}
	})}))
	_, err := client.OpenConversationID(within(t), "chat")
	var e *dingtalk.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for wrapped := e.Err; wrapped != nil && !errors.As(wrapped, new(requestError)); wrapped = errors.Unwrap(wrapped) {
		t.Errorf("the error's type is lost: %#v", wrapped)
	}
	fmt.Fprintf(&out, "%v %+v %#v %#v %+v %q %d\n", e, e, e, e.Err, e.Err, e.Err, e.Err)

	logs := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithCredentials(markedCredentials.AppKey, markedCredentials.AppSecret))
	client = newClient(t, server.URL, markedCredentials, dingtalk.WithLogger(logs), dingtalk.WithTokenStore(leakyStore{}))
	convert(t, client, "chat")
	server.RejectTokens()
	convert(t, client, "chat")

	var token atomic.Value
	client = newClient(t, server.URL, markedCredentials, dingtalk.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if given := r.Header.Get(generated.TokenHeader); given != "" {
			token.Store(given)
			panic(fmt.Sprint(r.Header, markedCredentials.AppSecret))
		}
		return http.DefaultTransport.RoundTrip(r)
	})}))
	for _, err := range client.OpenConversationIDs(within(t), func(yield func(string) bool) { yield("chat") }) {
		fmt.Fprintf(&out, "%v %+v\n", err, err)
	}
	if text := out.String(); strings.Contains(text, canary) || strings.Contains(text, token.Load().(string)) || !strings.Contains(text, "the store failed with REDACTED") {
		t.Error(text)
	}
}

// requestError is a transport's error whose text is harmless.
type requestError struct{ request *http.Request }

func (e requestError) Error() string { return "no connection for " + e.request.Method }

// leakyStore repeats secrets in its errors.
type leakyStore struct{}

func (leakyStore) Token(ctx context.Context, _ string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	token, _ := fetch(ctx)
	return token, fmt.Errorf("the store failed with %s, %s", token.Value, markedCredentials.AppSecret)
}

func (leakyStore) Drop(_ context.Context, _, token string) error {
	return fmt.Errorf("the store failed with %s, %s", token, markedCredentials.AppSecret)
}
