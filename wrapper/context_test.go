package dingtalk_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// stage is the step of a call at which its context ends.
type stage struct {
	before error                                     // the previous failure, which the error wraps
	start  func(*testing.T, func()) *dingtalk.Client // calls the function at the step
}

// stages lists all steps but the limiter, which has its own tests.
func stages() map[string]stage {
	stopped := func(reached func()) dingtalk.Option { // timers never fire
		return dingtalk.WithClock(dingtalk.Clock{Timer: func(time.Duration) (<-chan time.Time, func() bool) {
			reached()
			return nil, func() bool { return true }
		}})
	}
	telling := func(reached func(), then script) script {
		return func(c net.Conn) bool {
			reached()
			return then(c)
		}
	}
	return map[string]stage{
		"waiting for a token": {nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newClient(t, newPeer(t, nil, always(telling(reached, hang("")))).URL, appCredentials)
		}},
		"waiting for the breaker": {dingtalk.ErrThrottled, func(t *testing.T, reached func()) *dingtalk.Client {
			peer := newPeer(t, nil, always(apiError(403, string(generated.CodeAppQPSLimit))))
			client := newStatic(t, peer.URL, stopped(reached), oneAttempt)
			refused(t, client, dingtalk.ErrThrottled)
			return client
		}},
		"in dial": {nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, "http://127.0.0.1:1", through(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				reached()
				<-ctx.Done()
				return nil, ctx.Err()
			}}))
		}},
		"in headers": {nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, newPeer(t, nil, always(telling(reached, hang("")))).URL)
		}},
		"in body": {nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, newPeer(t, nil, always(func(c net.Conn) bool {
				_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"))
				reached()
				return hang("")(c)
			})).URL)
		}},
		"in backoff": {dingtalk.ErrUnavailable, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, newPeer(t, nil, always(apiError(503, "serviceBusy"))).URL, stopped(reached))
		}},
		"in the second attempt": {dingtalk.ErrUnavailable, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, newPeer(t, nil, func(n int) script {
				if n == 1 {
					return apiError(503, "serviceBusy")
				}
				return telling(reached, hang(""))
			}).URL, newHandClock().option())
		}},
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

// testCallerEnds ends a call's context at each step, and before.
func testCallerEnds(t *testing.T) {
	client := newStatic(t, "http://127.0.0.1:1", through(roundTripper(nil)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	id, err := client.OpenConversationID(ended, dingtalktest.ChatID)
	asError(t, id, err, context.Canceled)
	for name, stage := range stages() {
		t.Run(name+", cancelled", func(t *testing.T) {
			stage.run(t, context.Canceled, func(ctx context.Context) context.Context { return ctx })
		})
		t.Run(name+", out of time", func(t *testing.T) {
			stage.run(t, context.DeadlineExceeded, func(ctx context.Context) context.Context { return expiring{ctx} })
		})
	}
}

func (s stage) run(t *testing.T, cause error, as func(context.Context) context.Context) {
	reached := make(chan struct{}, 100)
	client := s.start(t, func() { reached <- struct{}{} })
	before := runtime.NumGoroutine()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		id, err := client.OpenConversationID(as(ctx), dingtalktest.ChatID)
		e := asError(t, id, err, cause)
		if e.Local || e.Timeout() != errors.Is(cause, context.DeadlineExceeded) {
			t.Errorf("%+v", e)
		}
		if s.before != nil && !errors.Is(err, s.before) || s.before == nil && e.Err != nil {
			t.Errorf("joined to %v, want %v", e.Err, s.before)
		}
	}()
	receive(t, "the step is reached", reached)
	end()
	receive(t, "the call returns", returned)
	client.CloseIdleConnections()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}
