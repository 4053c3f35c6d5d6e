package breaker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

func newBreaker() *Breaker[string] {
	clk := clock.System()
	clk.Random = func() float64 { return 0.5 }
	return New[string](Limits{Backoff: func(n int) time.Duration { return time.Duration(n) * 100 * ms }, MaxFailing: 5 * sec, MaxThrottle: 60 * sec}, clk)
}

func failed(cause string) Outcome[string] { return Outcome[string]{Kind: Failed, Cause: cause} }

var good = Outcome[string]{Kind: Good}

// fail opens a breaker.
func fail(t *testing.T, b *Breaker[string]) {
	t.Helper()
	for range Budget {
		p, refused := b.Acquire(t.Context(), 0, false)
		if refused != nil {
			t.Fatalf("%+v", refused)
		}
		b.Release(p, failed("away"))
	}
}

// A probe is for the call that has sent the fewest requests: otherwise one call could fail by probes alone.
func TestProbeIsForTheFewestSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		fail(t, b)
		passed := make(chan int, 3)
		var group sync.WaitGroup
		for _, sent := range []int{2, 0, 1} {
			group.Go(func() {
				p, refused := b.Acquire(t.Context(), sent, false)
				if refused != nil {
					t.Errorf("%+v", refused)
				}
				passed <- sent
				time.Sleep(10 * ms)
				b.Release(p, failed("away"))
			})
			synctest.Wait()
		}
		for want := range 3 {
			if got := <-passed; got != want {
				t.Errorf("the call that has sent %d requests probes, want the one that has sent %d", got, want)
			}
		}
		group.Wait()
	})
}

// While probes hang, another goes after each probeTime, so that a service that is back is noticed within it.
func TestProbesThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		fail(t, b)
		time.Sleep(sec)
		var hung []Pass
		begun := time.Now()
		for range 4 {
			p, refused := b.Acquire(t.Context(), 0, false)
			if refused != nil {
				t.Fatalf("%+v", refused)
			}
			hung = append(hung, p)
		}
		if took := time.Since(begun); took != 3*probeTime {
			t.Errorf("four probes in %s, want one each %s", took, probeTime)
		}
		// The service is back: the next probe succeeds, and those that hang keep nobody out.
		p, refused := b.Acquire(t.Context(), 0, false)
		if refused != nil {
			t.Fatalf("%+v", refused)
		}
		b.Release(p, good)
		begun = time.Now()
		for range 4 {
			if _, refused := b.Acquire(t.Context(), 0, false); refused != nil {
				t.Errorf("%+v", refused)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("calls waited %s behind probes that hang", took)
		}
		// A slow service's answer to an earlier probe counts as well.
		b.Release(hung[0], good)
		if got := b.State(); got.Failures != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// A call waits for no longer than the limits allow, and not at all for what its deadline would cut short.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		fail(t, b)
		short, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		begun := time.Now()
		if _, refused := b.Acquire(short, 0, false); refused == nil || refused.Err != nil || refused.Cause != "away" || refused.Wait != 100*ms || time.Since(begun) != 0 {
			t.Errorf("%+v after %s", refused, time.Since(begun))
		}
		time.Sleep(sec)
		p, _ := b.Acquire(t.Context(), 0, false) // which is never answered
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, refused := b.Acquire(ctx, 1, false); refused == nil || !errors.Is(refused.Err, context.Canceled) {
			t.Errorf("%+v", refused)
		}
		b.Release(p, good)

		p, _ = b.Acquire(t.Context(), 0, false)
		b.Release(p, Outcome[string]{Kind: Banned, Wait: time.Minute, Cause: "banned"})
		for _, unlimited := range []bool{false, true} {
			begun := time.Now()
			if _, refused := b.Acquire(t.Context(), 0, unlimited); refused == nil || refused.Kind != Banned || refused.Wait != time.Minute || time.Since(begun) != 0 {
				t.Errorf("%+v", refused)
			}
		}
	})
}

// What no limit concerns passes a throttle, and its answer says nothing about that.
func TestProbeBesidesAThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		p, _ := b.Acquire(t.Context(), 0, false)
		b.Release(p, Outcome[string]{Kind: Throttled, Wait: sec, Cause: "throttled"})
		begun := time.Now()
		for _, o := range []Outcome[string]{good, {Kind: Throttled, Wait: time.Hour}, {}} {
			p, refused := b.Acquire(t.Context(), 0, true)
			if refused != nil {
				t.Fatalf("%+v", refused)
			}
			b.Release(p, o)
		}
		if _, refused := b.Acquire(t.Context(), 0, false); refused != nil || time.Since(begun) != sec {
			t.Errorf("%+v after %s, want to pass after the throttle's second", refused, time.Since(begun))
		}
	})
}

// An answer to what was sent before an opening says nothing about after it.
func TestProbeAndLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		late, _ := b.Acquire(t.Context(), 0, false)
		fail(t, b)
		b.Release(late, good)
		begun := time.Now()
		p, refused := b.Acquire(t.Context(), 0, false)
		if refused != nil || time.Since(begun) == 0 {
			t.Errorf("%+v: a late answer closed the breaker", refused)
		}
		b.Release(p, good)
		for range 20 {
			p, _ := b.Acquire(t.Context(), 0, false)
			b.Release(p, good)
		}
		if p, _ := b.Acquire(t.Context(), 0, false); p.counted {
			t.Error("good answers did not close the breaker")
		}
	})
}

// A pass that is lent comes back by itself if its holder takes too long.
func TestLend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		p, _ := b.Acquire(t.Context(), 0, false)
		if back := b.Lend(p, sec); !back() {
			t.Error("the pass is gone at once")
		}
		back := b.Lend(p, sec)
		time.Sleep(2 * sec)
		if back() {
			t.Error("the pass was kept")
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.active != 0 {
			t.Errorf("%d active", b.active)
		}
	})
}

// What a clock that was set back would lengthen does not, and a throttle stops nobody for longer than MaxThrottle.
func TestWaitsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, back := range []time.Duration{0, sec, time.Hour} {
			b, set := newBreaker(), time.Duration(0)
			b.clock.Now = func() time.Time { return time.Now().Add(-set) }
			p, _ := b.Acquire(t.Context(), 0, false)
			b.Release(p, Outcome[string]{Kind: Throttled, Wait: 24 * time.Hour, Cause: "throttled"})
			set = back
			begun := time.Now()
			if _, refused := b.Acquire(t.Context(), 0, false); refused != nil {
				t.Errorf("set back %s: %+v", back, refused)
			}
			if took, want := time.Since(begun), map[bool]time.Duration{true: 60 * sec}[back == 0]; took != want {
				t.Errorf("set back %s: waited %s, want %s", back, took, want)
			}
		}
	})
}
