// Package breaker is the circuit breaker that all calls of a client share: it keeps a thousand goroutines from hammering
// a service that is down.
//
// Closed, everything passes. A run of failures, a throttle or a ban opens it for a while. Then it is half-open: one call
// probes, and twice as many may be under way after each good answer, until it is closed again. A client that has had no
// answer yet begins half-open, with room for more.
package breaker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

const (
	// Start is how many calls may be under way before the first answer.
	Start = 64
	// Budget is how many failures in a row open the breaker.
	Budget = 10
	// unlimited closes it: so many calls may be under way that there is no limit.
	unlimited = 4096
	// probeTime is the longest time from one probe to the next while the service fails, whether or not the one before has
	// been answered. Calls notice within it that the service is back.
	probeTime = 800 * time.Millisecond
)

// Kind is what the end of a request says of the service.
type Kind int

// What a request may have met.
const (
	Unknown   Kind = iota // nothing: it was not sent, or its caller gave it up
	Good                  // an answer of a service that works, be it a refusal
	Failed                // none, or one that says that the service fails
	Throttled             // a limit per second or minute was passed
	Banned                // the address is banned
)

// Outcome is how a request ended. Cause is handed to the calls that are refused because of it.
type Outcome[C any] struct {
	Kind  Kind
	Wait  time.Duration // with Throttled and Banned: how long nothing may be sent
	Cause C
}

// Refusal is why a call may not send: it would have to wait for longer than it may.
type Refusal[C any] struct {
	Outcome[C]
	Err error // the context's error, if that ended the wait; there may be no cause then
}

// Limits are how long calls wait for the breaker.
type Limits struct {
	Backoff     func(n int) time.Duration // of the nth opening in a row after failures
	MaxFailing  time.Duration             // while the service fails
	MaxThrottle time.Duration             // while it throttles
}

// Breaker is the circuit breaker. C is what the caller knows of an outcome.
type Breaker[C any] struct {
	closed     atomic.Bool  // the fast path: the last answer was good, and there is no limit
	generation atomic.Int64 // counts openings: answers to requests sent before one say nothing about after it

	limits Limits
	clock  clock.Clock
	mu     sync.Mutex

	limit    int // calls that may be under way
	active   int // of this generation that passed while there was a limit
	failures int // since the last good answer
	openings int // since the last good answer

	until   time.Time     // nothing passes before this
	pause   time.Duration // from the opening to until
	probed  time.Time     // when the last call passed
	cause   Outcome[C]    // of the last opening
	waiting map[int]int   // calls that wait, by how many requests they have sent
	change  chan struct{} // closed, and replaced, whenever a call that waits may have become able to pass
}

// New makes a breaker.
func New[C any](limits Limits, clk clock.Clock) *Breaker[C] {
	return &Breaker[C]{limits: limits, clock: clk, limit: Start, waiting: map[int]int{}, change: make(chan struct{})}
}

// Pass stands for a request that may be sent. It is given back with [Breaker.Release].
type Pass struct {
	counted    bool
	besides    bool // it passed in spite of a throttle, so its answer does not end that
	generation int64
}

// Acquire waits until a call that has sent so many requests may send another. It refuses what would wait for longer than
// the limits allow, or for an opening past the context's deadline; a ban refuses at once. A call that no rate limit
// concerns passes in spite of a throttle.
func (b *Breaker[C]) Acquire(ctx context.Context, sent int, unlimited bool) (Pass, *Refusal[C]) {
	generation := b.generation.Load() // first: of a breaker that opens in between, a pass must not bear the new one
	if b.closed.Load() {
		return Pass{generation: generation}, nil
	}
	begun := b.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if unlimited && b.cause.Kind == Throttled {
		return Pass{besides: true, generation: b.generation.Load()}, nil
	}
	b.waiting[sent]++
	defer b.unwait(sent)
	for {
		now := b.clock.Now()
		if b.until.Sub(now) > b.pause { // the clock was set back
			b.until = now
		}
		var timer <-chan time.Time // none while it is other calls alone that are awaited
		stop := func() bool { return false }
		if wait := b.until.Sub(now); wait > 0 {
			deadline, limited := ctx.Deadline()
			if now.Add(wait).Sub(begun) > b.patience() || limited && now.Add(wait).After(deadline) {
				return Pass{}, b.refusal(wait)
			}
			timer, stop = b.clock.Timer(wait)
		} else if wait, passes := b.turn(now, sent); passes {
			return b.admit(now), nil
		} else if wait > 0 {
			left := b.patience() - now.Sub(begun)
			if left <= 0 {
				return Pass{}, b.refusal(wait)
			}
			timer, stop = b.clock.Timer(min(wait, left))
		}
		cause, change := b.cause, b.change
		b.mu.Unlock()
		select {
		case <-change:
		case <-timer:
		case <-ctx.Done():
		}
		stop()
		b.mu.Lock()
		if err := ctx.Err(); err != nil {
			return Pass{}, &Refusal[C]{Outcome: cause, Err: err}
		}
	}
}

// turn says whether a call passes a half-open breaker, or when it looks again even if nothing changes: 0 is never.
func (b *Breaker[C]) turn(now time.Time, sent int) (wait time.Duration, passes bool) {
	switch {
	case b.yields(sent):
		return 0, false
	case b.active < b.limit:
		return 0, true
	case b.cause.Kind != Failed:
		return 0, false
	}
	wait = b.probed.Add(probeTime).Sub(now)
	return wait, wait <= 0 || wait > probeTime
}

func (b *Breaker[C]) admit(now time.Time) Pass {
	b.active++
	b.probed = now
	return Pass{counted: true, generation: b.generation.Load()}
}

// yields reports whether a call leaves the next probe to another. While the service fails, probes are for the calls that
// have sent the fewest requests: one call that made several of them would use up its attempts and fail, although the
// service may be back a moment later.
func (b *Breaker[C]) yields(sent int) bool {
	if b.openings == 0 {
		return false
	}
	for n := range b.waiting {
		if n < sent {
			return true
		}
	}
	return false
}

// unwait takes a call out that waits no longer, for which others may have held back. b.mu is held.
func (b *Breaker[C]) unwait(sent int) {
	if b.waiting[sent]--; b.waiting[sent] == 0 {
		delete(b.waiting, sent)
		b.wake()
	}
}

// patience is how long a call waits for a breaker that was opened for this cause.
func (b *Breaker[C]) patience() time.Duration {
	switch b.cause.Kind {
	case Throttled:
		return b.limits.MaxThrottle
	case Banned:
		return 0
	default:
		return b.limits.MaxFailing
	}
}

func (b *Breaker[C]) refusal(wait time.Duration) *Refusal[C] {
	refused := &Refusal[C]{Outcome: b.cause}
	refused.Wait = wait
	return refused
}

// Lend gives a pass back by itself if its holder has not taken it back by then: the holder is about to run foreign code.
// back reports whether the pass is still held.
func (b *Breaker[C]) Lend(p Pass, limit time.Duration) (back func() bool) {
	if !p.counted {
		return func() bool { return true }
	}
	return time.AfterFunc(limit, func() { b.Release(p, Outcome[C]{}) }).Stop
}

// Release gives a pass back, with how its request ended.
func (b *Breaker[C]) Release(p Pass, o Outcome[C]) {
	if !p.counted && (o.Kind == Unknown || o.Kind == Good && b.closed.Load()) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake()
	if p.generation != b.generation.Load() || p.besides && o.Kind <= Throttled {
		return
	}
	under := b.active // probes that are not answered yet must not keep others out
	if p.counted {
		b.active--
	}
	switch o.Kind {
	case Unknown:
	case Good:
		b.failures, b.openings, b.cause, b.until = 0, 0, Outcome[C]{}, time.Time{}
		b.limit = min(2*max(b.limit, under), unlimited)
		b.closed.Store(b.limit == unlimited)
	case Banned:
		b.open(o, o.Wait)
	case Throttled:
		b.open(o, min(o.Wait, b.limits.MaxThrottle))
	case Failed:
		b.closed.Store(false) // so that the next good answer is noticed
		if b.failures++; b.failures >= Budget {
			// Half, so that a call that has waited since the service failed still sees it come back.
			b.open(o, min(b.limits.Backoff(b.openings+1), b.limits.MaxFailing/2, probeTime))
		}
	}
}

// open lets nothing pass for a while, and then one call. b.mu is held.
func (b *Breaker[C]) open(o Outcome[C], wait time.Duration) {
	b.closed.Store(false)
	b.generation.Add(1)
	b.openings++
	b.limit, b.active = 1, 0
	b.cause = o
	b.pause = wait
	b.until = b.clock.Now().Add(wait)
}

// wake lets the calls that wait look again. b.mu is held.
func (b *Breaker[C]) wake() {
	close(b.change)
	b.change = make(chan struct{})
}

// State is what a breaker does at a moment.
type State struct {
	Failures int // in a row
	Waiting  int // calls that wait
}

// State returns the breaker's state.
func (b *Breaker[C]) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := State{Failures: b.failures}
	for _, waiting := range b.waiting {
		now.Waiting += waiting
	}
	return now
}
