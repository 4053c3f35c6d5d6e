package dingtalk_test

import (
	"context"
	"fmt"
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
