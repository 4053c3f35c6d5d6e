// Package breaker is the circuit breaker of an operation at a host: it keeps a thousand goroutines from hammering a
// failing service. [Set] has one for each operation, [Ban] is what concerns them all.
//
// A closed breaker passes every call. A run of failures or a throttle opens it for a while. It is half-open afterwards:
// one call probes, and each good answer doubles the number of calls allowed in flight until the breaker is closed. A new
// one starts half-open, with Start calls allowed.
//
// A request that its caller's deadline ended says little: the service may be hung, or the caller hasty. It counts if no
// answer came meanwhile. A breaker that is open for this reason alone refuses callers as hasty as those, and lets
// patient ones pass at once, who can wait twice as long.
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
	Hasty                 // no answer before the caller's deadline
	Throttled             // a limit per second or minute was exceeded
)

// Outcome is how a request ended. Calls refused because of it get its Cause.
type Outcome struct {
	Kind     Kind
	Answered bool          // the service answered; always with Good
	Wait     time.Duration // with Throttled: how long nothing may be sent; with Hasty: how long the caller waited
	Cause    any
}

// Refusal is why a call may not send a request: it would wait too long.
type Refusal struct {
	Outcome
	Err error // the context's error, if it ended the wait; the cause may be empty then
}

// Limits bound the waits for an open breaker.
type Limits struct {
	Backoff     func(n int) time.Duration // duration of the nth opening in a row after failures
	MaxFailing  time.Duration             // longest wait while the service fails
	MaxThrottle time.Duration             // longest wait while the service throttles
	Attempt     time.Duration             // longest wait for an answer
}

// Breaker is the circuit breaker.
type Breaker struct {
	closed     atomic.Bool  // fast path: no limit, and the last answer was good
	generation atomic.Int64 // counts openings: answers to requests sent before an opening are ignored
	answers    atomic.Int64 // counts answers, of a failing service too

	limits Limits
	clock  clock.Clock
	mu     sync.Mutex

	limit    int // calls allowed in flight
	active   int // calls in flight of this generation, counted while half-open
	failures int // since the last good answer
	openings int // since the last good answer

	hasty   int           // requests ended by their callers' deadlines since the last answer
	longest time.Duration // of their waits

	until   time.Time     // open until then
	pause   time.Duration // duration of the opening
	probed  time.Time     // when the last probe passed
	cause   Outcome       // of the last opening
	waiting map[int]int   // waiting calls, keyed by the number of requests they have sent; nil: none yet
	change  chan struct{} // closed whenever a waiting call may pass; nil: nobody waits for it
}

// New makes a breaker.
func New(limits Limits, clk clock.Clock) *Breaker {
	return &Breaker{limits: limits, clock: clk, limit: Start}
}

// Pass permits one request. Return it with [Breaker.Release].
type Pass struct {
	counted    bool
	generation int64
	answers    int64
}

// Acquire blocks until the call may send a request. sent is the number of requests the call has sent. Acquire waits at
// most MaxFailing or MaxThrottle, and refuses at once if the opening ends after ctx's deadline.
func (b *Breaker) Acquire(ctx context.Context, sent int) (Pass, *Refusal) {
	generation := b.generation.Load() // read first: if the breaker opens meanwhile, the pass must have the old generation
	if b.closed.Load() {
		return Pass{generation: generation, answers: b.answers.Load()}, nil
	}
	begun := b.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[int]int{}
	}
	b.waiting[sent]++
	defer b.unwait(sent)
	for {
		now := b.clock.Now()
		if b.until.Sub(now) > b.pause { // the clock was set back
			b.until = now
		}
		if b.cause.Kind == Hasty && b.active < Start && b.patient(ctx) {
			return b.admit(now), nil
		}
		var timer <-chan time.Time // nil while waiting for other calls alone
		stop := func() bool { return false }
		if wait := b.until.Sub(now); wait > 0 {
			if now.Add(wait).Sub(begun) > b.patience() || b.clock.Passes(ctx, wait) {
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
		if b.change == nil {
			b.change = make(chan struct{})
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
			return Pass{}, &Refusal{Outcome: cause, Err: err}
		}
	}
}

// turn reports whether a call passes a half-open breaker, or else how long until it asks again; 0 waits for a change.
func (b *Breaker) turn(now time.Time, sent int) (wait time.Duration, passes bool) {
	switch {
	case b.yields(sent):
		return 0, false
	case b.active < b.limit:
		return 0, true
	case b.cause.Kind != Failed && b.cause.Kind != Hasty:
		return 0, false
	}
	wait = b.probed.Add(probeTime).Sub(now)
	return wait, wait <= 0 || wait > probeTime
}

func (b *Breaker) admit(now time.Time) Pass {
	b.active++
	b.probed = now
	return Pass{counted: true, generation: b.generation.Load(), answers: b.answers.Load()}
}

// patient reports whether a call can wait at least twice as long as those whose deadlines opened the breaker, or as long
// as any.
func (b *Breaker) patient(ctx context.Context) bool {
	return !b.clock.Passes(ctx, min(2*b.longest, b.limits.Attempt))
}

// yields reports whether a call leaves the next probe to another. While the service fails, calls with the fewest
// requests sent probe first: a call that made several probes would use up its attempts just before the service
// recovers.
func (b *Breaker) yields(sent int) bool {
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
func (b *Breaker) unwait(sent int) {
	if b.waiting[sent]--; b.waiting[sent] == 0 {
		delete(b.waiting, sent)
		b.wake()
	}
}

// patience is the longest wait for the cause of the last opening.
func (b *Breaker) patience() time.Duration {
	if b.cause.Kind == Throttled {
		return b.limits.MaxThrottle
	}
	return b.limits.MaxFailing
}

func (b *Breaker) refusal(wait time.Duration) *Refusal {
	refused := &Refusal{Outcome: b.cause}
	refused.Wait = wait
	return refused
}

// Lend releases a pass after limit, because its holder runs foreign code. back ends the loan and reports whether the
// pass is still held.
func (b *Breaker) Lend(p Pass, limit time.Duration) (back func() bool) {
	if !p.counted {
		return func() bool { return true }
	}
	return time.AfterFunc(limit, func() { b.Release(p, Outcome{}) }).Stop
}

// Release returns a pass with the outcome of its request.
func (b *Breaker) Release(p Pass, o Outcome) {
	answered := o.Answered || o.Kind == Good
	if answered {
		b.answers.Add(1)
	}
	if !p.counted && (o.Kind == Unknown || o.Kind == Good && b.closed.Load()) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.wake()
	if answered {
		b.hasty, b.longest = 0, 0
	}
	current := p.generation == b.generation.Load()
	if !current && (o.Kind != Good || b.cause.Kind != Hasty) {
		return
	}
	under := b.active // the limit doubles from the calls in flight, so unanswered probes do not block others
	if p.counted && current {
		b.active--
	}
	switch o.Kind {
	case Unknown:
	case Good:
		b.failures, b.openings, b.cause, b.until = 0, 0, Outcome{}, time.Time{}
		b.limit = min(2*max(b.limit, under), unlimited)
		b.closed.Store(b.limit == unlimited)
	case Throttled:
		b.open(o, min(o.Wait, b.limits.MaxThrottle))
	case Hasty:
		if b.answers.Load() != p.answers {
			return
		}
		b.hasty++
		b.longest = max(b.longest, o.Wait)
		b.failed(o)
	case Failed:
		b.failures++
		b.failed(o)
	}
}

// failed opens the breaker after enough failures of one kind. b.mu is held.
func (b *Breaker) failed(o Outcome) {
	b.closed.Store(false) // or the next good answer would not be counted
	if max(b.failures, b.hasty) < Budget {
		return
	}
	if b.failures >= Budget {
		o.Kind = Failed
	}
	// At most half of MaxFailing: a waiting call then sees at least one probe.
	b.open(o, min(b.limits.Backoff(b.openings+1), b.limits.MaxFailing/2, probeTime))
}

// open opens the breaker for wait; one probe follows. b.mu is held.
func (b *Breaker) open(o Outcome, wait time.Duration) {
	b.closed.Store(false)
	b.generation.Add(1)
	b.openings++
	b.limit, b.active = 1, 0
	b.cause = o
	b.pause = wait
	b.until = b.clock.Now().Add(wait)
}

// wake makes all waiting calls check again. b.mu is held.
func (b *Breaker) wake() {
	if b.change != nil {
		close(b.change)
		b.change = nil
	}
}
