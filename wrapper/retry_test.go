package dingtalk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
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
		"请求过于频繁，限制将在 $ 结束": {20 * sec, 20*sec + 150*ms}, "限制将在 $ 结束": {0, sec + 150*ms}, "处罚将在 $ 结束": {-time.Hour, sec + 150*ms},
		"限制将在 $ 结束 2": {24 * time.Hour, time.Minute}, "2026-99-99 99:99:99": {0, sec + 150*ms}, "20 calls, 2026: $": {5 * sec, 5*sec + 150*ms},
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
	id, err := newStatic(t, "http://127.0.0.1:1", through(roundTripper(nil))).OpenConversationID(ended, dingtalktest.ChatID)
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
		for cause, as := range map[error]func(context.Context) context.Context{
			context.Canceled:         func(ctx context.Context) context.Context { return ctx },
			context.DeadlineExceeded: func(ctx context.Context) context.Context { return expiring{ctx} },
		} {
			t.Run(name+" "+cause.Error(), func(t *testing.T) {
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
				creds, retry := dingtalk.Credentials(dingtalk.StaticToken(staticToken)), none
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
					e := asError(t, id, err, cause)
					errorIf(t, e.Local || e.Attempts != stage.attempts || e.Timeout() != errors.Is(cause, context.DeadlineExceeded), "%+v", e)
					errorIf(t, stage.before != nil && !errors.Is(err, stage.before) || stage.before == nil && e.Err != nil, "joined to %v", e.Err)
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
