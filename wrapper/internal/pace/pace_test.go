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

// defaultRate is the service's limit in calls a second.
const defaultRate = 20

// window is a service that serves so many calls in any second.
type window struct {
	limit int
	sent  []time.Time
}

func (w *window) throttles(now time.Time) bool {
	for len(w.sent) > 0 && now.Sub(w.sent[0]) >= time.Second {
		w.sent = w.sent[1:]
	}
	if len(w.sent) >= w.limit {
		return true
	}
	w.sent = append(w.sent, now)
	return false
}

// drive runs a limiter against a service for d of virtual time and returns calls served and throttled.
func drive(l *Limiter, w *window, now *time.Time, d time.Duration) (served, throttled int) {
	for end := now.Add(d); now.Before(end); {
		if now.Before(l.resume) {
			*now = l.resume
		}
		bad := w.throttles(*now)
		l.Answered(bad)
		if bad {
			throttled++
		} else {
			served++
		}
		*now = now.Add(time.Duration(float64(time.Second) / l.Rate()))
	}
	return served, throttled
}

// newPaced makes a limiter with a clock that only drive moves.
func newPaced(perSecond float64) (*Limiter, *time.Time) {
	now := time.Now()
	return New(perSecond, clock.Clock{Steady: func() time.Time { return now }}), &now
}

func TestLimiterFindsALowerLimit(t *testing.T) {
	for _, limit := range []int{2, 5, 13, 19, 40} {
		l, now := newPaced(60)
		w := &window{limit: limit}
		drive(l, w, now, 30*time.Second)
		served, throttled := drive(l, w, now, 10*time.Minute)
		if share := float64(served) / float64(limit*600); share < 0.88 || throttled*20 > served {
			t.Errorf("limit %d: %d calls in ten minutes, %.2f of what was allowed, %d throttles", limit, served, share, throttled)
		}
	}
}

// From the first call on, a run of 2,000 takes little longer than at the limit, and is throttled a few times only.
func TestLimiterFindsALimitSoon(t *testing.T) {
	for _, limit := range []int{5, 13, 20} {
		l, now := newPaced(60)
		w, begun := &window{limit: limit}, *now
		served, throttled := 0, 0
		for served < 2000 {
			s, bad := drive(l, w, now, 100*time.Millisecond)
			served, throttled = served+s, throttled+bad
		}
		if ratio := now.Sub(begun).Seconds() * float64(limit) / 2000; ratio > 1.12 || throttled > 40 {
			t.Errorf("limit %d: %.3f of the shortest time, %d throttles", limit, ratio, throttled)
		}
	}
}

func TestLimiterProbesLessOftenInVain(t *testing.T) {
	l, now := newPaced(60)
	w := &window{limit: 10}
	drive(l, w, now, time.Minute)
	_, early := drive(l, w, now, 10*time.Minute)
	drive(l, w, now, time.Hour)
	if _, late := drive(l, w, now, 10*time.Minute); late >= early || late > 6 {
		t.Errorf("%d throttles in the first ten minutes, %d in ten minutes later on", early, late)
	}
}

func TestLimiterFollowsTheLimit(t *testing.T) {
	l, now := newPaced(40)
	w := &window{limit: 10}
	drive(l, w, now, time.Minute)
	under := l.Rate()
	w.limit = 40
	drive(l, w, now, 20*time.Minute)
	if under > 10 || l.Rate() < 30 {
		t.Errorf("under a limit of 10 the rate is %.1f, under one of 40 %.1f", under, l.Rate())
	}
	l, now = newPaced(defaultRate) // a limit that is known is kept to
	if served, throttled := drive(l, &window{limit: defaultRate}, now, 10*time.Minute); throttled != 0 || served < defaultRate*600*95/100 {
		t.Errorf("%d served, %d throttled", served, throttled)
	}
	before := l.Rate()
	for range 5 { // answers to what was sent at one rate halve it once
		l.Answered(true)
	}
	if l.Rate() != before/2 {
		t.Errorf("rate %.2f became %.2f", before, l.Rate())
	}
}

// Whatever calls are late, no second holds more than the limit, and little time is lost.
func TestLimiterSpreadsLateCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, calls = 20, 600
		l := New(limit, clock.System())
		var sent []time.Time
		for i := range calls {
			if err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			if sent = append(sent, now); len(sent) > limit {
				if span := now.Sub(sent[len(sent)-1-limit]); span < time.Second {
					t.Fatalf("calls %d to %d were sent within %s", i-limit, i, span)
				}
			}
			if i%60 == 3 {
				time.Sleep(95 * time.Millisecond) // the next is late by 43 ms
			}
		}
		if took := time.Since(sent[0]); took > calls*time.Second/limit*105/100 {
			t.Errorf("it took %s", took)
		}
	})
}

func TestLimiterOfAnyRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, perSecond := range []float64{0.01, 0.5, 1, 1.5, 100, 1000, 1e6, math.Inf(1)} {
			l := New(perSecond, clock.System())
			for range 300 {
				if err := l.Wait(t.Context()); err != nil {
					t.Errorf("%g a second: %v", perSecond, err)
				}
			}
		}
	})
}

func TestLimiterWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0.1, clock.System())
		_ = l.Wait(t.Context())
		cancelled, cancel := context.WithCancel(t.Context())
		for range 3 {
			go func() {
				if err := l.Wait(cancelled); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			}()
		}
		synctest.Wait()
		cancel()
		ctx, end := context.WithTimeout(t.Context(), time.Second) // the next turn is in ten
		defer end()
		if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("got %v, with the context at %v", err, ctx.Err())
		}
	})
}

func TestLimiterPausesAfterAThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(20, clock.System())
		l.Answered(true)
		time.Sleep(300 * time.Millisecond)
		begun := time.Now()
		if err := l.Wait(t.Context()); err != nil || time.Since(begun) < 700*time.Millisecond {
			t.Errorf("%v; slept %s, want the rest of a second at least", err, time.Since(begun))
		}
	})
}
