package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestRetry: what [dingtalk.Retry], chance and a deadline make of a sequence of answers. TestCases has what the answers
// themselves say.
func TestRetry(t *testing.T) {
	var (
		fails    = apiError(500, "unknownError")
		second   = apiError(403, string(generated.CodeAppQPSLimit))
		minute   = apiError(403, string(generated.CodeAppQPMLimit))
		attempts = func(n int) dingtalk.Retry { return dingtalk.Retry{MaxAttempts: n} }
		almost   = 0.9999999999
		noTime   = "the caller's deadline would pass first"
	)
	for _, test := range []struct {
		name     string
		answers  []script // and then success
		retry    dingtalk.Retry
		chance   float64
		deadline time.Duration // of the call; 0: none
		waits    []time.Duration
		kind     error // nil: success
		says     string
	}{
		{"no repeats", []script{fails}, attempts(1), 0.5, 0, nil, dingtalk.ErrUnavailable, ""},
		{"no repeats of throttles", []script{second}, attempts(1), 0.5, 0, nil, dingtalk.ErrThrottled, "try again after 1s"},
		{"one repeat", []script{fails, fails}, attempts(2), 0.5, 0, []time.Duration{150 * ms}, dingtalk.ErrUnavailable, "2 attempts"},
		{"least jitter", []script{fails, fails}, attempts(0), 0, 0, []time.Duration{0, 0}, nil, ""},
		{"most jitter", []script{fails, fails}, attempts(0), almost, 0, []time.Duration{300 * ms, 600 * ms}, nil, ""},
		{"backoff doubles to its limit", slices.Repeat([]script{fails}, 8), attempts(8), almost, 0, []time.Duration{300 * ms, 600 * ms, 1200 * ms, 2400 * ms, 4800 * ms, 5 * sec, 5 * sec}, dingtalk.ErrUnavailable, "8 attempts"},
		{"own delays", []script{fails, fails, fails, fails}, dingtalk.Retry{MaxAttempts: 5, BaseDelay: sec, MaxDelay: 3 * sec}, almost, 0, []time.Duration{sec, 2 * sec, 3 * sec, 3 * sec}, nil, ""},
		{"a throttle with the least jitter", []script{second}, attempts(0), 0, 0, []time.Duration{sec}, nil, ""},
		{"a minute, short MaxWait", []script{minute}, dingtalk.Retry{MaxWait: 59 * sec}, 0.5, 0, nil, dingtalk.ErrThrottled, "try again after 1m0s"},
		{"a minute, long MaxWait", []script{minute}, dingtalk.Retry{MaxWait: time.Hour}, 0.5, 0, []time.Duration{time.Minute + 150*ms}, nil, ""},
		{"a minute, time enough", []script{minute}, attempts(0), 0.5, 2 * time.Minute, []time.Duration{time.Minute}, nil, ""},
		{"a minute, no time", []script{minute}, attempts(0), 0.5, 59 * sec, nil, dingtalk.ErrThrottled, noTime},
		{"a second, no time", []script{second}, attempts(0), 0.5, 1100 * ms, nil, dingtalk.ErrThrottled, noTime},
		{"a repeat, and then no time", []script{second, second}, attempts(0), 0.5, 2 * sec, []time.Duration{sec + 150*ms}, dingtalk.ErrThrottled, "2 attempts"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, nil, func(n int) script { return append(test.answers, success)[min(n, len(test.answers)+1)-1] })
			clock, ctx := newHandClock(), t.Context()
			clock.chance = test.chance
			if test.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, clock.Now().Add(test.deadline+time.Hour))
				defer cancel()
				clock.Move(time.Hour) // the machine's clock must not matter for the deadline
			}
			id, err := newStatic(t, peer.URL, clock.option(), dingtalk.WithRetry(test.retry)).OpenConversationID(ctx, dingtalktest.ChatID)
			if (err == nil) != (test.kind == nil) {
				t.Fatalf("%q, %v; want %v", id, err, test.kind)
			}
			if err != nil {
				if e := asError(t, id, err, test.kind); e.Attempts != peer.requests() || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%d requests, want %q: %v", peer.requests(), test.says, err)
				}
			}
			got := clock.waited()
			for i := range got {
				got[i] = got[i].Round(time.Microsecond) // the jitter is almost 1
			}
			if !slices.Equal(got, test.waits) {
				t.Errorf("waited %v, want %v", got, test.waits)
			}
		})
	}
}

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
		"in headers": {nil, calls(hangs(""))},
		"in body":    {nil, calls(hangs("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"))},
		"in the second attempt": {dingtalk.ErrUnavailable, calls(func(n int, reached func()) script {
			if n == 1 {
				return apiError(503, "serviceBusy")
			}
			return hangs("")(n, reached)
		}, newHandClock().option())},
		"in backoff": {dingtalk.ErrUnavailable, func(t *testing.T, reached func()) *dingtalk.Client {
			return newStatic(t, newPeer(t, nil, always(apiError(503, "serviceBusy"))).URL, stopped(reached))
		}},
		"waiting for a token": {nil, func(t *testing.T, reached func()) *dingtalk.Client {
			return newClient(t, newPeer(t, nil, func(n int) script { return hangs("")(n, reached) }).URL, appCredentials)
		}},
		"waiting for the breaker": {dingtalk.ErrThrottled, func(t *testing.T, reached func()) *dingtalk.Client {
			client := newStatic(t, newPeer(t, nil, always(apiError(403, string(generated.CodeAppQPSLimit)))).URL, stopped(reached), oneAttempt)
			_ = refused(t, client, dingtalk.ErrThrottled)
			return client
		}},
		"in dial": {nil, func(t *testing.T, reached func()) *dingtalk.Client {
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
