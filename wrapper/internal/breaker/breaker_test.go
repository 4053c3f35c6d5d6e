package breaker

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

func newBreaker() *Breaker {
	clk := clock.System()
	clk.Random = func() float64 { return 0.5 }
	return New(Limits{Backoff: func(n int) time.Duration { return time.Duration(n) * 100 * ms }, MaxFailing: 5 * sec, MaxThrottle: 60 * sec, Attempt: 10 * sec}, clk)
}

func failed(cause string) Outcome { return Outcome{Kind: Failed, Cause: cause} }

var good = Outcome{Kind: Good}

// pass is the pass of a call that has sent nothing and must get one.
func pass(t *testing.T, b *Breaker) Pass {
	t.Helper()
	p, refused := b.Acquire(t.Context(), 0)
	if refused != nil {
		t.Fatalf("%+v", refused)
	}
	return p
}

// fail opens a breaker.
func fail(t *testing.T, b *Breaker) {
	t.Helper()
	for range Budget {
		b.Release(pass(t, b), failed("away"))
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
				p, refused := b.Acquire(t.Context(), sent)
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
			hung = append(hung, pass(t, b))
		}
		if took := time.Since(begun); took != 3*probeTime {
			t.Errorf("four probes in %s, want one each %s", took, probeTime)
		}
		// The service is back: the next probe succeeds, and those that hang keep nobody out.
		b.Release(pass(t, b), good)
		begun = time.Now()
		for range 4 {
			pass(t, b)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("calls waited %s behind probes that hang", took)
		}
		// A slow service's answer to an earlier probe counts as well.
		b.Release(hung[0], good)
		if b.failures != 0 {
			t.Errorf("%d failures", b.failures)
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
		if _, refused := b.Acquire(short, 0); refused == nil || refused.Err != nil || refused.Cause != "away" || refused.Wait != 100*ms || time.Since(begun) != 0 {
			t.Errorf("%+v after %s", refused, time.Since(begun))
		}
		time.Sleep(sec)
		p, _ := b.Acquire(t.Context(), 0) // which is never answered
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, refused := b.Acquire(ctx, 1); refused == nil || !errors.Is(refused.Err, context.Canceled) {
			t.Errorf("%+v", refused)
		}
		b.Release(p, good)
	})
}

// Callers with short deadlines at a service that needs longer open the breaker for such callers alone.
func TestHastyAndPatient(t *testing.T) {
	const healthy, hung = 40 * ms, 0
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		sent := 0
		call := func(deadline, answer time.Duration) bool {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			p, refused := b.Acquire(ctx, 0)
			if refused != nil {
				return false
			}
			sent++
			if answer == hung || answer > deadline {
				time.Sleep(deadline)
				b.Release(p, Outcome{Kind: Hasty, Wait: deadline, Cause: "hasty"})
				return false
			}
			time.Sleep(answer)
			b.Release(p, good)
			return true
		}
		for round := range 30 {
			for range 2 * Budget {
				call(15*ms, healthy)
			}
			if !call(sec, healthy) {
				t.Fatalf("round %d: a patient call failed", round)
			}
		}
		sent = 0
		for range 1000 {
			call(100*ms, hung)
		}
		if sent < Budget || sent > 100 {
			t.Errorf("%d requests of 1000 calls went to a hung service", sent)
		}
		if before := sent; call(sec, hung) || sent != before+1 {
			t.Errorf("%d requests of a call that can wait longer", sent-before)
		}
		if before := sent; call(sec, hung) || sent > before+1 {
			t.Errorf("%d requests of the next", sent-before)
		}
		if !call(3*sec, healthy) {
			t.Error("a patient call did not notice that the service is back")
		}
		if b.cause.Kind != Unknown {
			t.Errorf("the service is back, and the breaker is open: %+v", b.cause)
		}
	})
}

// A deadline that passes while answers come says nothing of the service.
func TestHastyBesidesAnswers(t *testing.T) {
	b := newBreaker()
	for range 10 * Budget {
		hasty := pass(t, b)
		b.Release(pass(t, b), Outcome{Kind: Failed, Answered: true})
		b.Release(hasty, Outcome{Kind: Hasty, Wait: sec})
		b.Release(pass(t, b), good)
	}
	if got := b.failures; got != 0 || b.hasty != 0 {
		t.Errorf("%+v, %d hasty", got, b.hasty)
	}
}

func TestSetIsBounded(t *testing.T) {
	made := 0
	s := Set{New: func() any { made++; return &made }}
	for n := range 10000 {
		s.Of(Key{}, "GET", fmt.Sprintf("/v1.0/users/%d/rooms/%dab", n, n))
		s.Of(Key{}, "GET", "/v1.0/names/"+strings.Repeat("a", n%20)+strings.Repeat("b", n%19))
		s.Of(Key{Op: fmt.Sprint("op", n)}, "GET", "/")
	}
	if made > maxOperations+1 || made < maxPaths {
		t.Errorf("%d breakers", made)
	}
	for path, want := range map[string]string{
		"/v1.0/im/chat/chatfaabe59a460527f5fb72fbbdfe3f061e/convert": "/v1.0/im/chat/*/convert",
		"/topapi/message/corpconversation/asyncsend_v2":              "/topapi/message/corpconversation/asyncsend_v2",
		"/v2.0/a%2Fb/cid==/12":                                       "/v2.0/*/*/*",
	} {
		if got := shape(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestBan(t *testing.T) {
	now := time.Now()
	b := Ban{Clock: clock.Clock{Steady: func() time.Time { return now }}}
	if left, _ := b.Left(); left != 0 {
		t.Error(left)
	}
	b.Begin(time.Minute, "banned")
	for now = now.Add(sec); ; now = now.Add(59 * sec) {
		switch left, cause := b.Left(); {
		case left == 0:
			return
		case left != 59*sec || cause != "banned":
			t.Fatal(left, cause)
		}
	}
}

// An answer to what was sent before an opening says nothing about after it.
func TestProbeAndLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		late := pass(t, b)
		fail(t, b)
		b.Release(late, good)
		begun := time.Now()
		p := pass(t, b)
		if time.Since(begun) == 0 {
			t.Error("a late answer closed the breaker")
		}
		b.Release(p, good)
		for range 20 {
			b.Release(pass(t, b), good)
		}
		if pass(t, b).counted {
			t.Error("good answers did not close the breaker")
		}
	})
}

// A pass that is lent comes back by itself if its holder takes too long.
func TestLend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		p, _ := b.Acquire(t.Context(), 0)
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
			p, _ := b.Acquire(t.Context(), 0)
			b.Release(p, Outcome{Kind: Throttled, Wait: 24 * time.Hour, Cause: "throttled"})
			set = back
			begun := time.Now()
			if _, refused := b.Acquire(t.Context(), 0); refused != nil {
				t.Errorf("set back %s: %+v", back, refused)
			}
			if took, want := time.Since(begun), map[bool]time.Duration{true: 60 * sec}[back == 0]; took != want {
				t.Errorf("set back %s: waited %s, want %s", back, took, want)
			}
		}
	})
}
