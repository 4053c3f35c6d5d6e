package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A throttle's stated end may lengthen a wait, but never shorten it.
func TestThrottleThatSaysItsEnd(t *testing.T) {
	t.Parallel()
	for text, test := range map[string]struct{ in, want time.Duration }{
		"请求过于频繁，限制将在 $ 结束":    {20 * sec, 20*sec + 150*ms},
		"限制将在 $ 结束":           {0, sec + 150*ms},
		"处罚将在 $ 结束":           {-time.Hour, sec + 150*ms},
		"限制将在 $ 结束 2":         {24 * time.Hour, time.Minute},
		"2026-99-99 99:99:99": {0, sec + 150*ms},
		"20 calls, 2026: $":   {5 * sec, 5*sec + 150*ms},
	} {
		clock := newHandClock()
		clock.now = clock.now.Truncate(sec)
		end := clock.Now().Add(test.in).In(time.FixedZone("", 8*60*60)).Format(time.DateTime)
		body := fmt.Sprintf(`{"code":%q,"message":%q}`, generated.CodeAPIQPSLimit, strings.ReplaceAll(text, "$", end)) // synthetic
		convert(t, newStatic(t, newPeer(t, nil, once(respond(403, "application/json", body))).URL, clock.option()), dingtalktest.ChatID)
		if got := clock.waited(); len(got) != 1 || got[0] != test.want {
			t.Errorf("%s: waited %v, want %s", text, got, test.want)
		}
	}
}

// stage is the step of a call at which its context ends.
type stage struct {
	attempts int                                       // with the one that was cut
	before   error                                     // the previous failure, which the error wraps
	start    func(*testing.T, func()) *dingtalk.Client // calls the function at the step
}

// stages lists all steps but the limiter, which has its own tests.
func stages() map[string]stage {
	stopped := func(reached func()) dingtalk.Option { // timers never fire
		return dingtalk.WithClock(dingtalk.Clock{Timer: func(time.Duration) (<-chan time.Time, func() bool) {
			reached()
			return nil, func() bool { return true }
		}})
	}
	calls := func(answer func(n int, reached func()) script, opts ...dingtalk.Option) func(*testing.T, func()) *dingtalk.Client {
		return func(t *testing.T, reached func()) *dingtalk.Client {
			peer := newPeer(t, nil, func(n int) script { return answer(n, reached) })
			return newStatic(t, peer.URL, append(opts, dingtalk.WithTimeout(patience))...)
		}
	}
	hangs := func(raw string) func(int, func()) script {
		return func(_ int, reached func()) script {
			return func(c net.Conn) bool {
				_, _ = io.WriteString(c, raw)
				reached()
				return hang("")(c)
			}
		}
	}
	return map[string]stage{
		"in headers": {1, nil, calls(hangs(""))},
		"in body":    {1, nil, calls(hangs("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"))},
		"in the second attempt": {2, dingtalk.ErrUnavailable, calls(func(n int, reached func()) script {
			if n == 1 {
				return apiError(503, "serviceBusy")
			}
			return hangs("")(n, reached)
		}, newHandClock().option())},
		"in backoff": {1, dingtalk.ErrUnavailable, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, newPeer(t, nil, always(apiError(503, "serviceBusy"))).URL, stopped(reached))
		}},
		"waiting for a token": {0, nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newClient(t, newPeer(t, nil, func(n int) script { return hangs("")(n, reached) }).URL, appCredentials)
		}},
		"waiting for the breaker": {0, dingtalk.ErrThrottled, func(t *testing.T, reached func()) *dingtalk.Client {
			client := newStatic(t, newPeer(t, nil, always(apiError(403, string(generated.CodeAppQPSLimit)))).URL, stopped(reached), oneAttempt)
			_ = refused(t, client, dingtalk.ErrThrottled)
			return client
		}},
		"in dial": {1, nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, "http://127.0.0.1:1", through(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				reached()
				<-ctx.Done()
				return nil, ctx.Err()
			}}))
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
	_ = asError(t, id, err, context.Canceled)
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
		if e.Local || e.Attempts != s.attempts || e.Timeout() != errors.Is(cause, context.DeadlineExceeded) {
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
