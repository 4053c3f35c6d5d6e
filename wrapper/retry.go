package dingtalk

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says what a call may cost beyond its first request. Only what may succeed later is repeated: network faults,
// time-outs, 5xx answers and throttles; never a refusal, and never past the caller's deadline.
type Retry struct {
	MaxAttempts int           // requests for one call, the first included; default 3, and 1 repeats nothing
	BaseDelay   time.Duration // longest first backoff, doubled each time, of which a random part is waited; default 300 ms
	MaxDelay    time.Duration // longest backoff, and longest time that a call is held back from a failing service beyond the attempt that probes it; default 5 s
	MaxWait     time.Duration // longest wait that the service may ask for, by a throttle or Retry-After; default 60 s
}

var defaultRetry = Retry{MaxAttempts: 3, BaseDelay: 300 * time.Millisecond, MaxDelay: 5 * time.Second, MaxWait: time.Minute}

func (r Retry) orDefaults() Retry {
	if r.MaxAttempts == 0 {
		r.MaxAttempts = defaultRetry.MaxAttempts
	}
	if r.BaseDelay == 0 {
		r.BaseDelay = defaultRetry.BaseDelay
	}
	if r.MaxDelay == 0 {
		r.MaxDelay = defaultRetry.MaxDelay
	}
	if r.MaxWait == 0 {
		r.MaxWait = defaultRetry.MaxWait
	}
	return r
}

// next decides whether a call that failed in its nth attempt is repeated, and after which wait. A wait that could not
// end before the caller's deadline is not begun.
func (r Retry) next(ctx context.Context, clk clock, err *Error, n int) (wait time.Duration, again bool) {
	if !err.retry || n >= r.MaxAttempts || err.RetryAfter > r.MaxWait {
		return 0, false
	}
	wait = r.backoff(n, clk.random())
	if err.RetryAfter > 0 {
		wait = min(err.RetryAfter+wait, r.MaxWait)
	}
	if deadline, ok := ctx.Deadline(); ok && clk.now().Add(wait).After(deadline) {
		err.Message = strings.TrimPrefix(err.Message+"; not repeated: the caller's deadline would pass first", "; ")
		return 0, false
	}
	return wait, true
}

// backoff is exponential with full jitter: random, in [0,1), scales the nth delay.
func (r Retry) backoff(n int, random float64) time.Duration {
	limit := r.BaseDelay
	for ; n > 1 && limit < r.MaxDelay; n-- {
		limit *= 2
	}
	return time.Duration(random * float64(min(limit, r.MaxDelay)))
}

// retryAfter reads the Retry-After header: seconds or a date. It is 0 for none, for garbage and for the past, and is
// capped at a day so that no arithmetic on it overflows.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0 // the usual case; parsing it twice would cost more than the rest of an error
	}
	const limit = 24 * time.Hour
	if seconds, err := strconv.ParseFloat(value, 64); (err == nil || errors.Is(err, strconv.ErrRange)) && seconds == seconds {
		return time.Duration(min(max(seconds, 0), limit.Seconds()) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), limit)
	}
	return 0
}

// clock is time and chance, so that tests own both. now is wall time: a laptop that slept must notice.
type clock struct {
	now    func() time.Time
	timer  func(time.Duration) (fires <-chan time.Time, stop func() bool)
	random func() float64 // in [0,1)
}

func systemClock() clock {
	return clock{
		now: func() time.Time { return time.Now().Round(0) },
		timer: func(d time.Duration) (<-chan time.Time, func() bool) {
			t := time.NewTimer(d)
			return t.C, t.Stop
		},
		random: rand.Float64,
	}
}

// sleep returns early, with the context's error, if the context ends.
func (c clock) sleep(ctx context.Context, d time.Duration) error {
	fires, stop := c.timer(d)
	defer stop()
	select {
	case <-fires:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
