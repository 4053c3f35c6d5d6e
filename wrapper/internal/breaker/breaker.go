// Package breaker is the circuit breaker shared by all calls of a client: it keeps a thousand goroutines from hammering
// a failing service.
//
// A closed breaker passes every call. A run of failures, a throttle or a ban opens it for a while. It is half-open
// afterwards: one call probes, and each good answer doubles the number of calls allowed in flight until the breaker is
// closed. A new client starts half-open, with Start calls allowed.
package breaker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

const (
	// Start is the number of calls allowed in flight before the first answer.
	Start = 64
	// Budget is the number of failures in a row that opens the breaker.
	Budget = 10
	// unlimited is the number of calls in flight at which the breaker closes.
	unlimited = 4096
	// probeTime is the longest interval between probes while the service fails, even if a probe is unanswered. Calls
	// notice a recovery within it.
	probeTime = 800 * time.Millisecond
)

// Kind classifies the outcome of a request.
type Kind int

// The kinds of outcome.
const (
	Unknown   Kind = iota // not sent, or cancelled by its caller
	Good                  // an answer of a working service, refusals included
	Failed                // no answer, or the answer of a failing service
	Throttled             // a limit per second or minute was exceeded
	Banned                // the address is banned
)

// Outcome is how a request ended. Calls refused because of it get its Cause.
type Outcome[C any] struct {
	Kind  Kind
	Wait  time.Duration // with Throttled and Banned: how long nothing may be sent
	Cause C
}

// Refusal is why a call may not send a request: it would wait too long.
type Refusal[C any] struct {
	Outcome[C]
	Err error // the context's error, if it ended the wait; the cause may be empty then
}

// Limits bound the waits for an open breaker.
type Limits struct {
	Backoff     func(n int) time.Duration // duration of the nth opening in a row after failures
	MaxFailing  time.Duration             // longest wait while the service fails
	MaxThrottle time.Duration             // longest wait while the service throttles
}

// Breaker is the circuit breaker. C is the type of an outcome's cause.
type Breaker[C any] struct {
	closed     atomic.Bool  // fast path: no limit, and the last answer was good
	generation atomic.Int64 // counts openings: answers to requests sent before an opening are ignored

	limits Limits
	clock  clock.Clock
	mu     sync.Mutex

	limit    int // calls allowed in flight
	active   int // calls in flight of this generation, counted while half-open
	failures int // since the last good answer
	openings int // since the last good answer

	until   time.Time     // open until then
	pause   time.Duration // duration of the opening
	probed  time.Time     // when the last probe passed
	cause   Outcome[C]    // of the last opening
	waiting map[int]int   // waiting calls, keyed by the number of requests they have sent
	change  chan struct{} // closed and replaced whenever a waiting call may pass
}

// New makes a breaker.
func New[C any](limits Limits, clk clock.Clock) *Breaker[C] {
	return &Breaker[C]{limits: limits, clock: clk, limit: Start, waiting: map[int]int{}, change: make(chan struct{})}
}

// Pass permits one request. Return it with [Breaker.Release].
type Pass struct {
	counted    bool
	besides    bool // passed during a throttle: its answer does not end the throttle
	generation int64
}

// Acquire blocks until the call may send a request. sent is the number of requests the call has sent. Acquire waits at
// most MaxFailing or MaxThrottle, refuses at once if the opening ends after ctx's deadline or the address is banned,
// and lets a call without rate limit (unlimited) pass during a throttle.
func (b *Breaker[C]) Acquire(ctx context.Context, sent int, unlimited bool) (Pass, *Refusal[C]) {
	generation := b.generation.Load() // read first: if the breaker opens meanwhile, the pass must have the old generation
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
		var timer <-chan time.Time // nil while waiting for other calls alone
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

// turn reports whether a call passes a half-open breaker, or else how long until it asks again; 0 waits for a change.
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

// yields reports whether a call leaves the next probe to another. While the service fails, calls with the fewest
// requests sent probe first: a call that made several probes would use up its attempts just before the service
// recovers.
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

// unwait removes a call from the waiting ones, and wakes those that yielded to it. b.mu is held.
func (b *Breaker[C]) unwait(sent int) {
	if b.waiting[sent]--; b.waiting[sent] == 0 {
		delete(b.waiting, sent)
		b.wake()
	}
}

// patience is the longest wait for the cause of the last opening.
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

// Lend releases a pass after limit, because its holder runs foreign code. back ends the loan and reports whether the
// pass is still held.
func (b *Breaker[C]) Lend(p Pass, limit time.Duration) (back func() bool) {
	if !p.counted {
		return func() bool { return true }
	}
	return time.AfterFunc(limit, func() { b.Release(p, Outcome[C]{}) }).Stop
}

// Release returns a pass with the outcome of its request.
func (b *Breaker[C]) Release(p Pass, o Outcome[C]) {
	if !p.counted && (o.Kind == Unknown || o.Kind == Good && b.closed.Load()) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake()
	if p.generation != b.generation.Load() || p.besides && (o.Kind == Good || o.Kind == Throttled) {
		return
	}
	under := b.active // the limit doubles from the calls in flight, so unanswered probes do not block others
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
		b.closed.Store(false) // or the next good answer would not be counted
		if b.failures++; b.failures >= Budget {
			// At most half of MaxFailing: a waiting call then sees at least one probe.
			b.open(o, min(b.limits.Backoff(b.openings+1), b.limits.MaxFailing/2, probeTime))
		}
	}
}

// open opens the breaker for wait; one probe follows. b.mu is held.
func (b *Breaker[C]) open(o Outcome[C], wait time.Duration) {
	b.closed.Store(false)
	b.generation.Add(1)
	b.openings++
	b.limit, b.active = 1, 0
	b.cause = o
	b.pause = wait
	b.until = b.clock.Now().Add(wait)
}

// wake makes all waiting calls check again. b.mu is held.
func (b *Breaker[C]) wake() {
	close(b.change)
	b.change = make(chan struct{})
}

// State is a snapshot of a breaker.
type State struct {
	Failures int // in a row
	Waiting  int // waiting calls
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
