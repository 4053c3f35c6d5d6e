package dingtalk

import (
	"cmp"
	"context"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

// Retry limits the retries of a call. Only failures that may pass are retried: network faults, time-outs, 5xx answers
// and throttles. A refusal is never retried, and no retry goes past the caller's deadline.
type Retry struct {
	MaxAttempts int           // requests per call, the first included; default 3; 1 means no retries
	BaseDelay   time.Duration // upper bound of the first backoff; doubles each time (full jitter); default 300 ms
	MaxDelay    time.Duration // longest backoff, and longest wait for an open circuit breaker; default 5 s
	MaxWait     time.Duration // longest wait that a throttle or Retry-After may ask for; default 60 s
}

var defaultRetry = Retry{MaxAttempts: 3, BaseDelay: 300 * time.Millisecond, MaxDelay: 5 * time.Second, MaxWait: time.Minute}

func (r Retry) orDefaults() Retry {
	d := defaultRetry
	return Retry{cmp.Or(r.MaxAttempts, d.MaxAttempts), cmp.Or(r.BaseDelay, d.BaseDelay), cmp.Or(r.MaxDelay, d.MaxDelay), cmp.Or(r.MaxWait, d.MaxWait)}
}

// next decides whether and when a call is retried after verdict v on its nth attempt. It refuses a wait beyond the
// caller's deadline; why says so.
func (r Retry) next(ctx context.Context, clk clock.Clock, v *verdict, safe bool, n int) (wait time.Duration, again bool, why string) {
	if !v.repeat.allows(safe) || n >= r.MaxAttempts || v.RetryAfter > r.MaxWait {
		return 0, false, ""
	}
	wait = r.backoff(n, clk.Random())
	if v.RetryAfter > 0 {
		wait = min(v.RetryAfter+wait, r.MaxWait)
	}
	if clk.Passes(ctx, wait) {
		return 0, false, "not repeated: the caller's deadline would pass first"
	}
	return wait, true, ""
}

// backoff is exponential with full jitter: random, in [0,1), scales the nth delay.
func (r Retry) backoff(n int, random float64) time.Duration {
	limit := r.BaseDelay
	for ; n > 1 && limit < r.MaxDelay; n-- {
		limit *= 2
	}
	return time.Duration(random * float64(min(limit, r.MaxDelay)))
}
