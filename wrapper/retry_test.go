package dingtalk_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// TestRetry answers one call with a sequence, and checks its result, its waits and requests, and how many failures the
// circuit breaker tolerates afterwards.
func TestRetry(t *testing.T) {
	var (
		ok       = script(success)
		fails    = apiError(500, "unknownError")
		busy     = apiError(503, "serviceBusy")
		second   = apiError(403, string(generated.CodeAppQPSLimit))
		minute   = apiError(403, string(generated.CodeAppQPMLimit))
		noChat   = apiError(400, "invalideChatId")
		quota    = apiError(403, string(generated.CodeOrgQuotaExhausted))
		asked    = func(value string) script { return apiError(503, "serviceBusy", "Retry-After: "+value) }
		tooMany  = func(value string) script { return respond(429, "", "", "Retry-After: "+value) }
		all      = dingtalk.BreakerBudget
		almost   = 0.9999999999
		attempts = func(n int) dingtalk.Retry { return dingtalk.Retry{MaxAttempts: n} }
	)
	for _, test := range []struct {
		name     string
		answers  []script // the last one is repeated
		retry    dingtalk.Retry
		chance   float64
		deadline time.Duration // of the call; 0: none
		waits    []time.Duration
		kind     error // nil: success
		after    time.Duration
		left     int
		says     string
	}{
		{name: "success", answers: []script{ok}, chance: 0.5, left: all},
		{name: "one failure", answers: []script{fails, ok}, chance: 0.5, waits: []time.Duration{150 * ms}, left: all},
		{name: "two failures", answers: []script{fails, busy, ok}, chance: 0.5, waits: []time.Duration{150 * ms, 300 * ms}, left: all},
		{name: "failures only", answers: []script{fails}, chance: 0.5, waits: []time.Duration{150 * ms, 300 * ms}, kind: dingtalk.ErrUnavailable, left: all - 3},
		{name: "a refusal after a failure", answers: []script{fails, noChat}, chance: 0.5, waits: []time.Duration{150 * ms}, kind: dingtalk.ErrInvalidChatID, left: all},
		{name: "a refusal", answers: []script{noChat}, chance: 0.5, kind: dingtalk.ErrInvalidChatID, left: all},
		{name: "quota", answers: []script{quota}, chance: 0.5, kind: dingtalk.ErrQuotaExhausted, left: all},
		{name: "no repeats", answers: []script{fails, ok}, retry: attempts(1), chance: 0.5, kind: dingtalk.ErrUnavailable, left: all - 1},
		{name: "no repeats of throttles", answers: []script{second, ok}, retry: attempts(1), chance: 0.5, kind: dingtalk.ErrThrottled, after: sec, left: all},
		{name: "one repeat", answers: []script{fails, fails, ok}, retry: attempts(2), chance: 0.5, waits: []time.Duration{150 * ms}, kind: dingtalk.ErrUnavailable, left: all - 2},

		{name: "least jitter", answers: []script{fails, fails, ok}, chance: 0, waits: []time.Duration{0, 0}, left: all},
		{name: "most jitter", answers: []script{fails, fails, ok}, chance: almost, waits: []time.Duration{300 * ms, 600 * ms}, left: all},
		{name: "backoff doubles to its limit", answers: []script{fails}, retry: attempts(8), chance: almost,
			waits: []time.Duration{300 * ms, 600 * ms, 1200 * ms, 2400 * ms, 4800 * ms, 5 * sec, 5 * sec}, kind: dingtalk.ErrUnavailable, left: all - 8},
		{name: "own delays", answers: []script{fails}, retry: dingtalk.Retry{MaxAttempts: 5, BaseDelay: sec, MaxDelay: 3 * sec}, chance: almost,
			waits: []time.Duration{sec, 2 * sec, 3 * sec, 3 * sec}, kind: dingtalk.ErrUnavailable, left: all - 5},

		{name: "throttle per second", answers: []script{second, ok}, chance: 0.5, waits: []time.Duration{sec + 150*ms}, left: all},
		{name: "throttle with the least jitter", answers: []script{second, ok}, chance: 0, waits: []time.Duration{sec}, left: all},
		{name: "throttle twice", answers: []script{second, second, ok}, chance: 0.5, waits: []time.Duration{sec + 150*ms, sec + 300*ms}, left: all},
		{name: "throttle per minute", answers: []script{minute, ok}, chance: 0.5, waits: []time.Duration{time.Minute}, left: all},
		{name: "throttle per minute, short MaxWait", answers: []script{minute, ok}, retry: dingtalk.Retry{MaxWait: 59 * sec}, chance: 0.5, kind: dingtalk.ErrThrottled, after: time.Minute, left: all},
		{name: "throttle per minute, long MaxWait", answers: []script{minute, ok}, retry: dingtalk.Retry{MaxWait: time.Hour}, chance: 0.5, waits: []time.Duration{time.Minute + 150*ms}, left: all},
		{name: "throttle per minute, time enough", answers: []script{minute, ok}, chance: 0.5, deadline: 2 * time.Minute, waits: []time.Duration{time.Minute}, left: all},
		{name: "throttle per minute, no time", answers: []script{minute, ok}, chance: 0.5, deadline: 59 * sec, kind: dingtalk.ErrThrottled, after: time.Minute, left: all, says: "the caller's deadline would pass first"},
		{name: "throttle per second, no time", answers: []script{second, ok}, chance: 0.5, deadline: 1100 * ms, kind: dingtalk.ErrThrottled, after: sec, left: all, says: "the caller's deadline would pass first"},
		{name: "a repeat, and then no time", answers: []script{second, second, ok}, chance: 0.5, deadline: 2 * sec, waits: []time.Duration{sec + 150*ms}, kind: dingtalk.ErrThrottled, after: sec, left: all, says: "2 attempts"},

		{name: "Retry-After in seconds", answers: []script{asked("2"), ok}, chance: 0.5, waits: []time.Duration{2*sec + 150*ms}, left: all},
		{name: "Retry-After below a throttle's second", answers: []script{tooMany("0.2"), ok}, chance: 0.5, waits: []time.Duration{sec + 150*ms}, left: all},
		{name: "Retry-After above it", answers: []script{tooMany("30"), ok}, chance: 0.5, waits: []time.Duration{30*sec + 150*ms}, left: all},
		{name: "Retry-After 0", answers: []script{asked("0"), ok}, chance: 0.5, waits: []time.Duration{150 * ms}, left: all},
		{name: "Retry-After negative", answers: []script{asked("-5"), ok}, chance: 0.5, waits: []time.Duration{150 * ms}, left: all},
		{name: "Retry-After garbage", answers: []script{asked("soon"), ok}, chance: 0.5, waits: []time.Duration{150 * ms}, left: all},
		{name: "Retry-After not a number", answers: []script{asked("NaN"), ok}, chance: 0.5, waits: []time.Duration{150 * ms}, left: all},
		{name: "Retry-After with a fraction", answers: []script{asked("1.5"), ok}, chance: 0.5, waits: []time.Duration{1650 * ms}, left: all},
		{name: "Retry-After a date that passed", answers: []script{asked("Sat, 01 Jan 2000 00:00:00 GMT"), ok}, chance: 0.5, waits: []time.Duration{150 * ms}, left: all},
		{name: "Retry-After at MaxWait", answers: []script{asked("60"), ok}, chance: 0.5, waits: []time.Duration{time.Minute}, left: all},
		{name: "Retry-After beyond MaxWait", answers: []script{asked("61"), ok}, chance: 0.5, kind: dingtalk.ErrUnavailable, after: 61 * sec, left: all - 1},
		{name: "Retry-After absurd", answers: []script{asked("1e18"), ok}, chance: 0.5, kind: dingtalk.ErrUnavailable, after: 24 * time.Hour, left: all - 1},
		{name: "Retry-After a date in a century", answers: []script{asked("Fri, 01 Jan 2127 00:00:00 GMT"), ok}, chance: 0.5, kind: dingtalk.ErrUnavailable, after: 24 * time.Hour, left: all - 1},
		{name: "Retry-After in a refusal", answers: []script{apiError(400, "invalideChatId", "Retry-After: 5"), ok}, chance: 0.5, kind: dingtalk.ErrInvalidChatID, after: 5 * sec, left: all},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, nil, func(n int) script { return test.answers[min(n, len(test.answers))-1] })
			clock := newHandClock()
			clock.chance = test.chance
			ctx := t.Context()
			if test.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, clock.Now().Add(test.deadline+time.Hour))
				defer cancel()
				clock.Move(time.Hour) // the machine's clock must not matter for the deadline
			}
			client := faultClient(t, peer.URL, clock.option(), dingtalk.WithRetry(test.retry))
			id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
			if test.kind == nil {
				if err != nil || id != dingtalktest.OpenConversationID {
					t.Errorf("%q, %v; want success", id, err)
				}
			} else if e := checkError(t, id, err, test.kind); e.RetryAfter != test.after || e.Attempts != len(test.waits)+1 || !strings.Contains(err.Error(), test.says) {
				t.Errorf("retry after %s, %d attempts, want %s and %q: %v", e.RetryAfter, e.Attempts, test.after, test.says, err)
			}
			if got := peer.requests(); got != len(test.waits)+1 {
				t.Errorf("%d requests, want %d", got, len(test.waits)+1)
			}
			got := clock.waited()
			for i := range got {
				got[i] = got[i].Round(time.Microsecond) // the jitter is almost 1
			}
			if !slices.Equal(got, test.waits) {
				t.Errorf("waited %v, want %v", got, test.waits)
			}
			if got := client.BreakerLeft(); got != test.left {
				t.Errorf("%d failures are left, want %d", got, test.left)
			}
		})
	}
}

func init() {
	addRow("row_36_service_says_when", func(t *testing.T) { // TestRetry has more of it
		const jitter = 150 * ms
		for _, test := range []struct {
			header    string
			busy, too time.Duration // the wait after 503, and after 429, a throttle whose least wait is a second
		}{
			{"3", 3*sec + jitter, 3*sec + jitter}, {"0", jitter, sec + jitter}, {"-1", jitter, sec + jitter}, {"soon", jitter, sec + jitter},
		} {
			for status, want := range map[int]time.Duration{http.StatusServiceUnavailable: test.busy, http.StatusTooManyRequests: test.too} {
				peer := newPeer(t, nil, func(n int) script {
					if n == 1 {
						return respond(status, "", "", "Retry-After: "+test.header)
					}
					return success
				})
				clock := newHandClock()
				_, err := faultClient(t, peer.URL, clock.option()).OpenConversationID(t.Context(), dingtalktest.ChatID)
				if got := clock.waited(); err != nil || len(got) != 1 || got[0] != want {
					t.Errorf("%d %s: waited %v, want %s: %v", status, test.header, got, want, err)
				}
			}
		}
	})
}
