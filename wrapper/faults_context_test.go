package dingtalk_test

import (
	"context"
	"errors"
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

func init() {
	addRow("row_43_caller_cancels", testCallerCancels)
	addRow("row_43_caller_is_out_of_time", testCallerOutOfTime)
	addRow("row_44_no_time_for_a_wait", testNoTimeForWait)
}

// stage is the step of a call at which its context ends.
type stage struct {
	name    string
	start   func(t *testing.T, reached func()) *dingtalk.Client // calls reached at the step
	before  error                                               // the previous failure, which the error wraps
	waiting func(*dingtalk.Client) bool                         // reports the step, instead of reached
}

// stages lists all steps but the limiter, which has its own tests.
func stages() []stage {
	stopped := func(reached func()) dingtalk.Option { // timers never fire
		return dingtalk.WithClock(dingtalk.Clock{Timer: func(time.Duration) (<-chan time.Time, func() bool) {
			reached()
			return nil, func() bool { return true }
		}})
	}
	answering := func(t *testing.T, does script, opts ...dingtalk.Option) *dingtalk.Client {
		peer := newPeer(t, nil, func(int) script { return does })
		return newClient(t, peer.URL, dingtalk.StaticToken(faultToken), opts...)
	}
	telling := func(reached func(), then script) script {
		return func(c net.Conn) bool {
			reached()
			return then(c)
		}
	}
	return []stage{
		{name: "waiting_for_token", start: func(t *testing.T, reached func()) *dingtalk.Client {
			server := dingtalktest.NewServer(t)
			server.FailNext(dingtalktest.Hang().For(generated.OperationGetAccessToken))
			return newClient(t, server.URL, appCredentials)
		}, waiting: func(c *dingtalk.Client) bool { return c.TokenWaiters() == 1 }},
		{name: "waiting_for_breaker", start: func(t *testing.T, reached func()) *dingtalk.Client {
			client := answering(t, apiError(403, string(generated.CodeAppQPSLimit)), stopped(func() {}), oneAttempt)
			_ = refused(t, client, dingtalk.ErrThrottled)
			return client
		}, waiting: func(c *dingtalk.Client) bool { return c.BreakerWaiters() == 1 }, before: dingtalk.ErrThrottled},
		{name: "in_dial", start: func(t *testing.T, reached func()) *dingtalk.Client {
			transport := dingtalk.NewTransport()
			transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				reached()
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return faultClient(t, "http://127.0.0.1:1", dingtalk.WithHTTPClient(&http.Client{Transport: transport}))
		}},
		{name: "in_headers", start: func(t *testing.T, reached func()) *dingtalk.Client {
			return answering(t, telling(reached, hang("")))
		}},
		{name: "in_body", start: func(t *testing.T, reached func()) *dingtalk.Client {
			return answering(t, func(c net.Conn) bool {
				return hang("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{")(tellingConn{c, reached})
			})
		}},
		{name: "in_backoff", start: func(t *testing.T, reached func()) *dingtalk.Client {
			return answering(t, apiError(503, "serviceBusy"), stopped(reached))
		}, before: dingtalk.ErrUnavailable},
		{name: "in_second_attempt", start: func(t *testing.T, reached func()) *dingtalk.Client {
			peer := newPeer(t, nil, func(n int) script {
				if n == 1 {
					return apiError(503, "serviceBusy")
				}
				return telling(reached, hang(""))
			})
			return newClient(t, peer.URL, dingtalk.StaticToken(faultToken), newHandClock().option())
		}, before: dingtalk.ErrUnavailable},
	}
}

// tellingConn reports writes.
type tellingConn struct {
	net.Conn
	wrote func()
}

func (c tellingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.wrote()
	return n, err
}

// WriteString keeps io.WriteString from bypassing Write.
func (c tellingConn) WriteString(s string) (int, error) { return c.Write([]byte(s)) }

func testCallerCancels(t *testing.T) {
	t.Run("before_start", func(t *testing.T) {
		peer := newPeer(t, nil, func(int) script { return success })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		id, err := faultClient(t, peer.URL).OpenConversationID(ctx, dingtalktest.ChatID)
		_ = checkError(t, id, err, context.Canceled)
		if peer.conns.Load() != 0 {
			t.Error("a connection was made")
		}
	})
	for _, stage := range stages() {
		t.Run(stage.name, func(t *testing.T) {
			stage.run(t, context.Canceled, func(parent context.Context) (context.Context, func()) {
				ctx, cancel := context.WithCancel(parent)
				return ctx, cancel
			})
		})
	}
}

func testCallerOutOfTime(t *testing.T) {
	for _, stage := range stages() {
		t.Run(stage.name, func(t *testing.T) {
			stage.run(t, context.DeadlineExceeded, func(parent context.Context) (context.Context, func()) {
				ctx := &expiring{Context: parent, done: make(chan struct{})}
				return ctx, func() { close(ctx.done) }
			})
		})
	}
}

// expiring is a context without a known deadline that ends as if one had passed.
type expiring struct {
	context.Context
	done chan struct{}
}

func (e *expiring) Done() <-chan struct{} { return e.done }

func (e *expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// run ends the context once the call has reached the stage.
func (s stage) run(t *testing.T, cause error, with func(context.Context) (context.Context, func())) {
	reached := make(chan struct{}, 100)
	client := s.start(t, func() { reached <- struct{}{} })
	ctx, end := with(t.Context())
	type result struct {
		id  string
		err error
	}
	returned := make(chan result, 1)
	before := runtime.NumGoroutine()
	go func() {
		id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
		returned <- result{id, err}
	}()
	if s.waiting != nil {
		eventually(t, "the call waits", func() bool { return s.waiting(client) })
	} else {
		<-reached
	}
	end()
	var got result
	select {
	case got = <-returned:
	case <-time.After(patience):
		t.Fatal("the call did not return")
	}
	e := checkError(t, got.id, got.err, cause)
	if e.Local || e.Timeout() != errors.Is(cause, context.DeadlineExceeded) {
		t.Errorf("local %v, timeout %v: %v", e.Local, e.Timeout(), got.err)
	}
	if s.before != nil && !errors.Is(got.err, s.before) {
		t.Errorf("%v is not joined: %v", s.before, got.err)
	}
	if s.before == nil && e.Err != nil {
		t.Errorf("joined to what did not happen: %v", got.err)
	}
	client.CloseIdleConnections()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// testNoTimeForWait: a wait beyond the deadline is refused at once.
func testNoTimeForWait(t *testing.T) {
	for name, does := range map[string]script{
		"backoff":  apiError(503, "serviceBusy"),
		"throttle": apiError(403, string(generated.CodeAppQPMLimit)),
		"asked":    apiError(503, "serviceBusy", "Retry-After: 50"),
	} {
		t.Run(name, func(t *testing.T) {
			peer := newPeer(t, nil, func(int) script { return does })
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			client := faultClient(t, peer.URL, dingtalk.WithRetry(dingtalk.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}),
				dingtalk.WithClock(dingtalk.Clock{Random: func() float64 { return 0.5 }}))
			id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
			var e *dingtalk.Error
			if id != "" || !errors.As(err, &e) || e.StatusCode == 0 || e.Attempts != 1 || peer.requests() != 1 || ctx.Err() != nil {
				t.Fatalf("%q, %v after %d requests", id, err, peer.requests())
			}
			if !strings.Contains(err.Error(), "not repeated: the caller's deadline would pass first") || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the reason is not in: %v", err)
			}
		})
	}
}
