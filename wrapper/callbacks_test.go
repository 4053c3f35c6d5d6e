package dingtalk_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_59_callbacks_that_panic", testPanickingCallbacks)
}

// counter is a slog.Handler that counts lines by level.
type counter struct {
	mu     sync.Mutex
	levels map[slog.Level]int
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c *counter) WithGroup(string) slog.Handler { return c }

func (c *counter) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.levels == nil {
		c.levels = map[slog.Level]int{}
	}
	c.levels[r.Level]++
	return nil
}

func (c *counter) at(level slog.Level) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.levels[level]
}

// explosive is a slog.Handler that panics whenever it is used.
type explosive struct{ enabled bool }

func (h explosive) Enabled(context.Context, slog.Level) bool {
	if !h.enabled {
		panic("Enabled")
	}
	return true
}

func (explosive) WithAttrs([]slog.Attr) slog.Handler { panic("WithAttrs") }

func (explosive) WithGroup(string) slog.Handler { panic("WithGroup") }

func (explosive) Handle(context.Context, slog.Record) error { panic("Handle") }

func testPanickingCallbacks(t *testing.T) {
	for _, handler := range []explosive{{enabled: true}, {enabled: false}} {
		t.Run(fmt.Sprintf("logger, enabled %t", handler.enabled), func(t *testing.T) {
			client, server := newEmulated(t, newHandClock().option(), dingtalk.WithLogger(slog.New(handler)))
			server.FailNext(
				dingtalktest.Code(generated.CodeServiceBusy).Times(3).For(tokenOp),
				dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp),
				dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp),
				dingtalktest.Raw(200, "application/json", []byte(`{}`)).For(convertOp),
			)
			_ = refused(t, client, dingtalk.ErrUnavailable)
			_ = refused(t, client, dingtalk.ErrUnexpectedResponse)
			server.RejectTokens()
			together(100, func() { convert(t, client, "any") })
		})
	}
	// A panic in a caller's source reaches the caller. The client holds nothing afterwards.
	t.Run("token source", func(t *testing.T) {
		server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
		source := &listSource{tokens: []string{server.IssueToken()}}
		client := newClient(t, server.URL, source)
		source.explode.Store(true)
		for range 200 { // more than the breaker allows in flight
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				_, _ = client.OpenConversationID(within(t), "any")
			}()
		}
		source.explode.Store(false)
		together(200, func() { convert(t, client, "any") })
	})
	t.Run("cache", func(t *testing.T) {
		client, server := newEmulated(t, dingtalk.WithCache(explosiveParts{}))
		together(100, func() { convert(t, client, "any") })
		wantRequests(t, server.Emulator, 100, 1)
	})
	t.Run("round tripper without a body", func(t *testing.T) {
		empty := roundTripper(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil })
		for _, creds := range []dingtalk.Credentials{dingtalk.StaticToken("t0ken"), appCredentials} {
			client := newClient(t, "https://example.test", creds, dingtalk.WithHTTPClient(&http.Client{Transport: empty}))
			_ = refused(t, client, dingtalk.ErrUnexpectedResponse)
		}
	})
	t.Run("limiter", func(t *testing.T) {
		client, server := newEmulated(t, dingtalk.WithLimiter(explosiveParts{}))
		for range 200 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				_, _ = client.OpenConversationID(within(t), "any")
			}()
		}
		wantRequests(t, server.Emulator, 0, 0)
	})
	t.Run("transport ends the goroutine", func(t *testing.T) {
		server := dingtalktest.NewServer(t)
		var exits atomic.Bool
		exits.Store(true)
		client := newClient(t, server.URL, appCredentials, dingtalk.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if exits.Load() {
				runtime.Goexit()
			}
			return http.DefaultTransport.RoundTrip(r)
		})}))
		if e := refused(t, client, dingtalk.ErrPanicked); !e.TokenEndpoint || !strings.Contains(e.Message, "Goexit") {
			t.Errorf("%+v", e)
		}
		exits.Store(false)
		convert(t, client, dingtalktest.ChatID)
	})
}

// explosiveParts is a Cache and a Limiter that panics.
type explosiveParts struct{}

func (explosiveParts) Get(context.Context, string) (string, bool) { panic("Get") }

func (explosiveParts) Set(context.Context, string, string) { panic("Set") }

func (explosiveParts) Wait(context.Context) error { panic("Wait") }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
