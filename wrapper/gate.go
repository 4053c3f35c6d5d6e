package dingtalk

import (
	"context"
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
	reason *Error        // why the gate was closed
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
	return &gate{retry: retry, clock: clk, limit: gateStart, change: make(chan struct{})}
}

// enter waits until a call may be sent: at most MaxDelay after failures and MaxWait after a throttle, not at all after a
// ban, and never for what the caller's deadline would cut short.
func (g *gate) enter(ctx context.Context) (pass, *Error) {
	if g.open.Load() {
		return pass{epoch: g.epoch.Load()}, nil
	}
	begun := g.clock.now()
	for {
		g.mu.Lock()
		now := g.clock.now()
		wait := g.until.Sub(now)
		if wait <= 0 && g.active < g.limit {
			g.active++
			p := pass{counted: true, epoch: g.epoch.Load()}
			g.mu.Unlock()
			return p, nil
		}
		reason, change := g.reason, g.change
		g.mu.Unlock()

		var timer <-chan time.Time // none while it is others' answers that are awaited
		if wait > 0 {
			deadline, limited := ctx.Deadline()
			if now.Add(wait).Sub(begun) > g.patience(reason) || limited && now.Add(wait).After(deadline) {
				return pass{}, &Error{
					Kind: reason.Kind, Local: true, RetryAfter: wait, Err: reason,
					Message: "not sent: earlier calls failed and the wait would be too long",
				}
			}
			var stop func() bool
			timer, stop = g.clock.timer(wait)
			defer stop()
		}
		select {
		case <-change:
		case <-timer:
		case <-ctx.Done():
			return pass{}, canceled("", ctx.Err(), reason)
		}
	}
}

// patience is how long a call waits for a gate that was closed for this reason.
func (g *gate) patience(reason *Error) time.Duration {
	switch reason.Kind {
	case ErrThrottled:
		return g.retry.MaxWait
	case ErrBlocked:
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
	good := err == nil || err.StatusCode != 0 && !err.retry && err.Kind != ErrBlocked
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
		g.run, g.closed, g.reason = 0, 0, nil
		g.limit = min(2*g.limit, gateWide)
		g.open.Store(g.limit == gateWide)
	case err.Kind == ErrThrottled || err.Kind == ErrBlocked:
		g.close(err, err.RetryAfter)
	case err.retry:
		g.open.Store(false) // so that the next good answer is noticed
		if g.run++; g.run >= gateBudget {
			g.close(err, g.retry.backoff(g.closed+1, g.clock.random()))
		}
	}
}

func (g *gate) close(reason *Error, wait time.Duration) {
	g.open.Store(false)
	g.epoch.Add(1)
	g.closed++
	g.limit = 1
	g.reason = reason
	g.until = g.clock.now().Add(wait)
}

func (g *gate) wake() {
	close(g.change)
	g.change = make(chan struct{})
}
