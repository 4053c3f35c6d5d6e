package breaker

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// bubble runs a test of a new breaker in a bubble, which clk tells the time.
func bubble(t *testing.T, clk *clock.Clock, test func(t *testing.T, b *Breaker)) {
	synctest.Test(t, func(t *testing.T) {
		clk.Random = func() float64 { return 0.5 }
		backoff := func(n int) time.Duration { return time.Duration(n) * 100 * ms }
		test(t, New(Limits{Backoff: backoff, MaxFailing: 5 * sec, MaxThrottle: 60 * sec, Attempt: 10 * sec,
			Ban: &Ban{Steady: clk.Steady}}, clk))
	})
}

// errorIf reports what is wrong, if it is.
func errorIf(t *testing.T, wrong bool, format string, args ...any) {
	if t.Helper(); wrong {
		t.Errorf(format, args...)
	}
}

var failed, good = Outcome{Kind: Failed, Cause: "away"}, Outcome{Kind: Good}

// pass is the pass of a call that has sent nothing and must get one.
func pass(t *testing.T, b *Breaker) Pass {
	t.Helper()
	p, refused, ok := b.Acquire(t.Context())
	errorIf(t, !ok, "%+v", refused)
	return p
}

// passes returns how long it takes to get n passes.
func passes(t *testing.T, b *Breaker, n int) (all []Pass, took time.Duration) {
	t.Helper()
	begun := time.Now()
	for range n {
		all = append(all, pass(t, b))
	}
	return all, time.Since(begun)
}

// fail opens a breaker.
func fail(t *testing.T, b *Breaker) {
	t.Helper()
	for range Budget {
		b.Release(pass(t, b), failed)
	}
}

// While probes hang, another goes after each probeTime, so that a service that is back is noticed within it.
func TestProbesThatHang(t *testing.T) {
	bubble(t, clock.System(), func(t *testing.T, b *Breaker) {
		fail(t, b)
		time.Sleep(sec)
		hung, took := passes(t, b, 4)
		errorIf(t, took != 3*probeTime, "four probes in %s, want one each %s", took, probeTime)
		// The service is back: the next probe succeeds, and those that hang keep nobody out.
		b.Release(pass(t, b), good)
		_, took = passes(t, b, 4)
		errorIf(t, took != 0, "calls waited %s behind probes that hang", took)
		for range Budget - 1 { // a slow service's answer to an earlier probe counts as well
			b.Release(pass(t, b), failed)
		}
		b.Release(hung[0], good)
		b.Release(pass(t, b), failed)
		_, took = passes(t, b, 1)
		errorIf(t, took != 0, "a late answer was not counted: waited %s", took)
	})
}

// Callers with short deadlines at a service that needs longer open the breaker for such callers alone. A deadline that
// passes while answers come says nothing of the service.
func TestHastyAndPatient(t *testing.T) {
	bubble(t, clock.System(), func(t *testing.T, b *Breaker) {
		hasty, longer := Outcome{Kind: Hasty, Wait: 100 * ms, Cause: "hasty"}, Outcome{Kind: Hasty, Wait: 200 * ms, Cause: "hasty"}
		for range 10 * Budget {
			p := pass(t, b)
			b.Release(pass(t, b), Outcome{Kind: Failed, Answered: true})
			b.Release(p, hasty)
			b.Release(pass(t, b), good)
		}
		for range Budget {
			b.Release(pass(t, b), hasty)
		}
		const never = time.Hour
		for n, test := range []struct {
			deadline, passes time.Duration
			outcome          Outcome
		}{
			{90 * ms, never, hasty}, {200 * ms, 0, longer}, {190 * ms, never, hasty}, {390 * ms, 200 * ms, Outcome{}}, {sec, 0, good}, {50 * ms, 0, good},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
			begun, took := time.Now(), never
			p, refused, ok := b.Acquire(ctx)
			errorIf(t, !ok && (refused.Err != nil || refused.Cause == "" || refused.Wait < 100*ms), "%+v", refused)
			if ok {
				took = time.Since(begun)
				b.Release(p, test.outcome)
			}
			errorIf(t, took != test.passes, "call %d of %s: %+v after %s, want %s", n, test.deadline, refused, took, test.passes)
			cancel()
		}
	})
}

// Callers that can wait little longer than a service needs notice within a probe's time that it is back.
func TestHastyCallersAfterAnOutage(t *testing.T) {
	for n := range 40 {
		bubble(t, clock.System(), func(t *testing.T, b *Breaker) {
			every := []time.Duration{ms, 7 * ms, 30 * ms, 150 * ms}[n%4]
			back, good := time.Now().Add(3*sec+time.Duration(n)*50*ms), new(atomic.Bool)
			for !good.Load() && time.Since(back) < 10*sec {
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
					defer cancel()
					p, _, ok := b.Acquire(ctx)
					if !ok {
						return
					}
					if asked := time.Now(); clock.System().Sleep(ctx, max(time.Until(back), 0)+60*ms) != nil {
						b.Release(p, Outcome{Kind: Hasty, Wait: time.Since(asked)})
						return
					}
					good.Store(true)
					b.Release(p, Outcome{Kind: Good})
				}()
				time.Sleep(every)
			}
			errorIf(t, time.Since(back) > probeTime+200*ms+every, "%d, a call each %s: noticed after %s", n, every, time.Since(back))
		})
	}
}

func TestSetIsBounded(t *testing.T) {
	made := 0
	s := Set{New: func() any { made++; return made }}
	for n := range 10000 {
		own := s.Of(fmt.Sprint("op", n)) // however many there are, none shares another's
		errorIf(t, own != n+1 || s.Of(fmt.Sprint("op", n)) != own || len(s.made) > maxPlaces, "%v of %d breakers", own, len(s.made))
	}
	for path, want := range map[string]string{
		"/v1.0/im/chat/chatfaabe59a460527f5fb72fbbdfe3f061e/convert": "/v1.0/im/chat/*/convert",
		"/topapi/message/corpconversation/asyncsend_v2":              "/topapi/message/corpconversation/asyncsend_v2",
		"/v2.0/a%2Fb/cid==/12":                                       "/v2.0/*/*/*",
	} {
		errorIf(t, shape(path) != want, "%s: %s, want %s", path, shape(path), want)
	}
}

// An answer to what was sent before an opening says nothing about after it.
func TestProbeAndLateAnswers(t *testing.T) {
	bubble(t, clock.System(), func(t *testing.T, b *Breaker) {
		late := pass(t, b)
		fail(t, b)
		b.Release(late, good)
		probe, took := passes(t, b, 1)
		errorIf(t, took == 0, "a late answer closed the breaker")
		b.Release(probe[0], good)
		for range 20 {
			b.Release(pass(t, b), good)
		}
		_, took = passes(t, b, 10*Start)
		errorIf(t, took != 0, "good answers did not close the breaker: ten times its first limit took %s", took)
	})
}

// Whatever the wall's clock says, a throttle stops nobody for longer than MaxThrottle, nor does a probe after it that hangs.
func TestWaitsAreBounded(t *testing.T) {
	clk := clock.System()
	clk.Now = nil // it may jump, and is not asked
	bubble(t, clk, func(t *testing.T, b *Breaker) {
		b.Release(pass(t, b), Outcome{Kind: Throttled, Wait: 24 * time.Hour, Cause: "throttled"})
		_, took := passes(t, b, 2)
		errorIf(t, took != 60*sec+probeTime, "waited %s", took)
	})
}
