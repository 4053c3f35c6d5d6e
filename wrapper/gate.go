package dingtalk

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// gate is the retry budget that all calls of a client share: it keeps a thousand goroutines from hammering a service
// that is down. A run of failures, a throttle or a ban closes it for a while. Then it lets one call through, and twice
// as many after each good answer; a client that has had no answer yet begins in the same way.
type gate struct {
	open  atomic.Bool  // the fast path: the last answer was good and nothing is held back
	epoch atomic.Int64 // counts closings, so that what was sent before one says nothing about after it

	retry  Retry
	clock  clock
	mu     sync.Mutex
	limit  int           // calls that may be under way
	active int           // calls under way that passed while there was a limit
	run    int           // failures since the last good answer
	closed int           // closings since the last good answer
	until  time.Time     // nothing passes before this
	pause  time.Duration // from the closing to until
	reason *Error        // why the gate was closed
	queue  map[int]int   // calls that wait, by how many requests they have sent
	change chan struct{} // closed, and replaced, whenever a call that waits may have become able to pass
}

const (
	gateStart  = 64   // calls under way before the first answer
	gateWide   = 4096 // from here on there is no limit
	gateBudget = 10   // failures in a row that close the gate
)

// pass stands for a call that the gate let through, until it leaves.
type pass struct {
	counted bool
	epoch   int64
}

func newGate(retry Retry, clk clock) *gate {
	return &gate{retry: retry, clock: clk, limit: gateStart, queue: map[int]int{}, change: make(chan struct{})}
}

// enter waits until a call that has sent so many requests may send another: at most MaxDelay after failures and MaxWait
// after a throttle, plus the attempt of the call that probes; not at all after a ban, and never for what the caller's
// deadline would cut short.
func (g *gate) enter(ctx context.Context, sent int) (pass, *Error) {
	epoch := g.epoch.Load() // first: of a gate that closes in between, a pass must not bear the new one
	if g.open.Load() {
		return pass{epoch: epoch}, nil
	}
	begun := g.clock.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue[sent]++
	defer g.unqueue(sent)
	for {
		now := g.clock.now()
		wait := g.until.Sub(now)
		if wait > g.pause { // the clock was set back
			wait, g.until = 0, now
		}
		if wait <= 0 && g.active < g.limit && !g.yields(sent) {
			g.active++
			return pass{counted: true, epoch: g.epoch.Load()}, nil
		}
		var timer <-chan time.Time // none while it is other calls that are awaited
		stop := func() bool { return false }
		if wait > 0 {
			deadline, limited := ctx.Deadline()
			if now.Add(wait).Sub(begun) > g.patience(g.reason) || limited && now.Add(wait).After(deadline) {
				return pass{}, g.refusal(wait)
			}
			timer, stop = g.clock.timer(wait)
		}
		reason, change := g.reason, g.change
		g.mu.Unlock()
		select {
		case <-change:
		case <-timer:
		case <-ctx.Done():
		}
		stop()
		g.mu.Lock()
		if ctx.Err() != nil {
			return pass{}, canceled("", ctx.Err(), reason)
		}
	}
}

// refusal is the error of a call that would have to wait too long. g.mu is held.
func (g *gate) refusal(wait time.Duration) *Error {
	return &Error{
		Kind: g.reason.Kind, Local: true, RetryAfter: wait, Err: g.reason,
		Message: "not sent: earlier calls failed and the wait would be too long",
	}
}

// banned is the error of a call that passes no gate, while the address is banned: nothing at all may be sent then.
func (g *gate) banned() *Error {
	if g.open.Load() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	wait := g.until.Sub(g.clock.now())
	if wait <= 0 || wait > g.pause || !errors.Is(g.reason.Kind, ErrBlocked) {
		return nil
	}
	return g.refusal(wait)
}

// noteBan closes the gate if a call that passed none was answered by a ban.
func (g *gate) noteBan(err *Error) {
	if err != nil && errors.Is(err.Kind, ErrBlocked) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.close(err, err.RetryAfter)
		g.wake()
	}
}

// yields reports whether a call leaves the gate's next probe to another. While the service fails, probes are for the
// calls that have sent the fewest requests: one call that made several of them would use up its attempts and fail,
// although the service may be back a moment later.
func (g *gate) yields(sent int) bool {
	if g.closed == 0 {
		return false
	}
	for n := range g.queue {
		if n < sent {
			return true
		}
	}
	return false
}

// unqueue takes a call out that waits no longer, for which others may have held back. g.mu is held.
func (g *gate) unqueue(sent int) {
	if g.queue[sent]--; g.queue[sent] == 0 {
		delete(g.queue, sent)
		g.wake()
	}
}

// patience is how long a call waits for a gate that was closed for this reason.
func (g *gate) patience(reason *Error) time.Duration {
	switch {
	case errors.Is(reason.Kind, ErrThrottled):
		return g.retry.MaxWait
	case errors.Is(reason.Kind, ErrBlocked):
		return 0
	default:
		return g.retry.MaxDelay
	}
}

// abandon ends a call that was not sent, or whose caller gave it up: it says nothing about the service.
func (g *gate) abandon(p pass) {
	if p.counted {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.active--
		g.wake()
	}
}

// leave ends a call with what the service answered; nil is success.
func (g *gate) leave(p pass, err *Error) {
	good := err == nil || err.StatusCode != 0 && !err.retry && !errors.Is(err.Kind, ErrBlocked)
	if good && g.open.Load() && !p.counted {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.counted {
		g.active--
	}
	defer g.wake()
	if p.epoch != g.epoch.Load() {
		return
	}
	switch {
	case good:
		g.run, g.closed, g.reason, g.until = 0, 0, nil, time.Time{}
		g.limit = min(2*g.limit, gateWide)
		g.open.Store(g.limit == gateWide)
	case errors.Is(err.Kind, ErrBlocked):
		g.close(err, err.RetryAfter)
	case errors.Is(err.Kind, ErrThrottled):
		g.close(err, min(err.RetryAfter, g.retry.MaxWait))
	case err.retry:
		g.open.Store(false) // so that the next good answer is noticed
		if g.run++; g.run >= gateBudget {
			// Half, so that a call that has waited since the service failed still sees it come back.
			g.close(err, min(g.retry.backoff(g.closed+1, g.clock.random()), g.retry.MaxDelay/2))
		}
	}
}

// close lets nothing pass for a while, and then one call. g.mu is held.
func (g *gate) close(err *Error, wait time.Duration) {
	reason := *err // err goes on to its caller, who may change it
	g.open.Store(false)
	g.epoch.Add(1)
	g.closed++
	g.limit = 1
	g.reason = &reason
	g.pause = wait
	g.until = g.clock.now().Add(wait)
}

// wake lets the calls that wait look again. g.mu is held.
func (g *gate) wake() {
	close(g.change)
	g.change = make(chan struct{})
}
