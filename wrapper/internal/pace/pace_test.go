package pace

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

// service is called through a limiter at its rate, in time that it makes pass, and serves so many calls in any second.
type service struct {
	*Limiter
	limit int
	now   time.Time
	sent  []time.Time
}

func newService(limit int, perSecond float64) *service {
	s := &service{limit: limit, now: time.Now()}
	s.Limiter = New(perSecond, &clock.Clock{Steady: func() time.Time { return s.now }})
	return s
}

// run makes calls for d and returns how many were served and throttled.
func (s *service) run(d time.Duration) (served, throttled int) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(time.Duration(float64(time.Second) / s.current)) {
		if s.now.Before(s.due) {
			s.now = s.due
		}
		for len(s.sent) > 0 && s.now.Sub(s.sent[0]) >= time.Second {
			s.sent = s.sent[1:]
		}
		bad := len(s.sent) >= s.limit
		if s.Answered(bad); bad {
			throttled++
			continue
		}
		s.sent = append(s.sent, s.now)
		served++
	}
	return served, throttled
}

// errorIf reports what is wrong, if it is.
func errorIf(t *testing.T, wrong bool, format string, args ...any) {
	if t.Helper(); wrong {
		t.Errorf(format, args...)
	}
}

// A limit is found, and soon: from the first call on, 2,000 calls take little longer than at the limit, and are throttled
// a few times only.
func TestLimiterFindsTheLimit(t *testing.T) {
	for _, limit := range []int{2, 5, 13, 19, 20, 40} {
		s := newService(limit, 60)
		begun, served, throttled := s.now, 0, 0
		for served < 2000 {
			good, bad := s.run(100 * time.Millisecond)
			served, throttled = served+good, throttled+bad
		}
		ratio := s.now.Sub(begun).Seconds() * float64(limit) / 2000
		errorIf(t, limit >= 5 && limit <= 20 && (ratio > 1.12 || throttled > 40), "%d: %.3f of the best, %d bad", limit, ratio, throttled)
		served, throttled = s.run(10 * time.Minute)
		share := float64(served) / float64(limit*600)
		errorIf(t, share < 0.88 || throttled*20 > served, "limit %d: %.2f of what was allowed, %d throttles", limit, share, throttled)
	}
}

// A limiter probes less often in vain, keeps to a limit that is known, and follows it.
func TestLimiterFollowsTheLimit(t *testing.T) {
	s := newService(10, 60)
	s.run(time.Minute)
	_, early := s.run(10 * time.Minute)
	s.run(time.Hour)
	_, late := s.run(10 * time.Minute)
	errorIf(t, late >= early || late > 6, "%d throttles in the first ten minutes, %d in ten minutes later on", early, late)

	s = newService(10, 40)
	s.run(time.Minute)
	under := s.current
	s.limit = 40
	s.run(20 * time.Minute)
	errorIf(t, under > 10 || s.current < 30, "under a limit of 10 the rate is %.1f, under one of 40 %.1f", under, s.current)

	s = newService(20, 20)
	served, throttled := s.run(10 * time.Minute)
	errorIf(t, throttled != 0 || served < 20*600*95/100, "%d served, %d throttled", served, throttled)
	before := s.current
	for range 5 { // answers to what was sent at one rate halve it once
		s.Answered(true)
	}
	errorIf(t, s.current != before/2, "rate %.2f became %.2f", before, s.current)
}

// Whatever calls are late, no second holds more than the limit, and little time is lost.
func TestLimiterSpreadsLateCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, calls = 20, 600
		l := New(limit, clock.System())
		var sent []time.Time
		for i := range calls {
			err := l.Wait(t.Context())
			sent = append(sent, time.Now())
			errorIf(t, err != nil || i >= limit && time.Since(sent[i-limit]) < time.Second, "call %d in a second is too many: %v", i, err)
			if i%60 == 3 {
				time.Sleep(95 * time.Millisecond) // the next is late by 43 ms
			}
		}
		errorIf(t, time.Since(sent[0]) > calls*time.Second/limit*105/100, "it took %s", time.Since(sent[0]))
	})
}

// Any rate is kept to, a throttle pauses it, and a wait ends with its context, or at once where its deadline is too early.
func TestLimiterWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := clock.System()
		clk.Now = nil // it may jump, and is not asked
		for _, perSecond := range []float64{0.01, 0.5, 1, 1.5, 100, 1000, 1e6, math.Inf(1)} {
			l := New(perSecond, clk)
			for range 300 {
				err := l.Wait(t.Context())
				errorIf(t, err != nil, "%g a second: %v", perSecond, err)
			}
		}
		l := New(20, clk)
		l.Answered(true)
		time.Sleep(300 * time.Millisecond)
		begun := time.Now()
		err := l.Wait(t.Context())
		errorIf(t, err != nil || time.Since(begun) < 700*time.Millisecond, "%v; slept %s, want the rest of a second at least", err, time.Since(begun))

		l = New(0.1, clk)
		_ = l.Wait(t.Context())
		cancelled, cancel := context.WithCancel(t.Context())
		for range 3 {
			go func() {
				err := l.Wait(cancelled)
				errorIf(t, !errors.Is(err, context.Canceled), "got %v", err)
			}()
		}
		synctest.Wait()
		cancel()
		ctx, end := context.WithTimeout(t.Context(), time.Second) // the next turn is in ten
		defer end()
		err = l.Wait(ctx)
		errorIf(t, !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil, "got %v, with the context at %v", err, ctx.Err())
	})
}
