// Package breaker is the circuit breaker of an operation at a host: it keeps a thousand goroutines from hammering a
// failing service. [Set] has one for each operation, [Ban] is what concerns them all.
//
// A closed breaker passes every call. A run of failures or a throttle opens it for a while. It is half-open afterwards:
// one call probes, and each good answer doubles the number of calls allowed in flight until the breaker is closed. A new
// one starts half-open, with Start calls allowed.
//
// A request that its caller's deadline ended says little: the service may be hung, or the caller hasty. It counts if no
// answer came meanwhile. A breaker that is open for this reason alone refuses callers as hasty as those, rather than let
// them wait for a probe with the rest of their time, and lets patient ones pass at once, who can wait twice as long.
package breaker

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
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
	Ban         *Ban
}

// Breaker is the circuit breaker.
type Breaker struct {
	limits Limits
	clock  *clock.Clock
	mu     sync.Mutex

	limit      int // calls allowed in flight
	active     int // calls in flight of this generation, counted while there is a limit
	generation int // counts openings: answers to requests sent before an opening are ignored
	answers    int // of a failing service, too
	openings   int // since the last good answer
	failures   int // since the last good answer

	hasty   int           // of failures, requests ended by their callers' deadlines, since the last answer
	longest time.Duration // of their waits

	until  time.Time     // open until then
	probed time.Time     // when the last probe passed
	cause  Outcome       // of the last opening
	change chan struct{} // closed whenever a waiting call may pass; nil: nobody waits for it
}

// New makes a breaker.
func New(limits Limits, clk *clock.Clock) *Breaker {
	return &Breaker{limits: limits, clock: clk, limit: Start}
}

// Pass permits one request. Return it with [Breaker.Release].
type Pass struct {
	counted    bool
	generation int
	answers    int
}

// Acquire blocks until the call may send a request. It waits at most MaxFailing or MaxThrottle, and refuses at once if ctx's
// deadline leaves too little time after the opening: none, or less than three quarters of what hasty calls had. Only if ok may
// the call send one.
func (b *Breaker) Acquire(ctx context.Context) (p Pass, refused Refusal, ok bool) {
	defer guard.Lock(&b.mu)()
	begun := b.clock.Steady()
	for now := begun; ; now = b.clock.Steady() {
		if left, cause := b.limits.Ban.Left(now); left > 0 {
			return p, Refusal{Outcome: Outcome{Wait: left, Cause: cause}}, false
		}
		wait, passes := b.turn(ctx, now)
		if passes {
			p = Pass{b.limit < unlimited, b.generation, b.answers}
			if p.counted {
				b.active++
			}
			b.probed = now
			return p, refused, true
		}
		left := b.limits.MaxFailing - now.Sub(begun)
		if b.cause.Kind == Throttled {
			left += b.limits.MaxThrottle - b.limits.MaxFailing
		}
		refused.Outcome = b.cause
		if refused.Wait = wait; wait > 0 && left <= 0 || b.until.After(now) && (wait > left || b.clock.Passes(ctx, wait+b.longest*3/4)) {
			return p, refused, false
		}
		if b.change == nil {
			b.change = make(chan struct{})
		}
		change := b.change
		b.mu.Unlock()
		refused.Err = b.clock.Wait(ctx, change, min(wait, left))
		b.mu.Lock()
		if refused.Err != nil {
			return p, refused, false
		}
	}
}

// turn reports whether a call passes, or else how long until it asks again; 0 waits for a change. After hasty calls, one
// passes that can wait at least twice as long as they could, or as long as any.
func (b *Breaker) turn(ctx context.Context, now time.Time) (wait time.Duration, passes bool) {
	switch wait = b.until.Sub(now); {
	case b.cause.Kind == Hasty && b.active < Start && !b.clock.Passes(ctx, min(2*b.longest, b.limits.Attempt)):
		return 0, true
	case wait > 0:
		return wait, false
	case b.active < b.limit:
		return 0, true
	case b.cause.Kind == Unknown:
		return 0, false
	}
	wait = b.probed.Add(probeTime).Sub(now)
	return wait, wait <= 0
}

// Lend releases a pass after limit, because its holder runs foreign code. back ends the loan and reports whether the pass is still held.
func (b *Breaker) Lend(p Pass, limit time.Duration) (back func() bool) {
	if !p.counted {
		return func() bool { return true }
	}
	return time.AfterFunc(limit, func() { b.Release(p, Outcome{}) }).Stop
}

// Release returns a pass with the outcome of its request.
func (b *Breaker) Release(p Pass, o Outcome) {
	defer guard.Lock(&b.mu)()
	if b.change != nil { // all waiting calls ask again
		close(b.change)
		b.change = nil
	}
	beside := b.answers != p.answers // others were answered meanwhile
	if o.Answered || o.Kind == Good {
		b.answers++
		b.hasty, b.longest = 0, 0
	}
	current := p.generation == b.generation
	if !current && (o.Kind != Good || b.cause.Kind != Hasty) {
		return
	}
	under := b.active // the limit doubles from the calls in flight, so unanswered probes do not block others
	if p.counted && current {
		b.active--
	}
	switch {
	case o.Kind == Good:
		b.failures, b.openings, b.cause, b.until = 0, 0, Outcome{}, time.Time{}
		b.limit = min(2*max(b.limit, under), unlimited)
	case o.Kind == Throttled:
		b.open(o, min(o.Wait, b.limits.MaxThrottle))
	case o.Kind == Failed, o.Kind == Hasty && !beside:
		if b.failures++; o.Kind == Hasty {
			b.hasty++
			b.longest = max(b.longest, o.Wait)
		}
		if b.failures > b.hasty { // not for hasty calls alone
			o.Kind = Failed
		}
		if b.failures >= Budget { // at most half of MaxFailing: a waiting call then sees at least one probe
			b.open(o, min(b.limits.Backoff(b.openings+1), b.limits.MaxFailing/2, probeTime))
		}
	}
}

// open opens the breaker for wait; one probe follows. b.mu is held.
func (b *Breaker) open(o Outcome, wait time.Duration) {
	b.generation++
	b.openings++
	b.limit, b.active = 1, 0
	b.cause, b.until = o, b.clock.Steady().Add(wait)
}

// maxPlaces is how many places a set knows before it forgets them all: more than the official SDK has operations, 3,270.
const maxPlaces = 8192

// Set keeps a value for each place.
type Set struct {
	New  func() any
	mu   sync.Mutex
	made map[string]any
}

// Of returns the value of a place.
func (s *Set) Of(place string) any {
	defer guard.Lock(&s.mu)()
	if len(s.made)%maxPlaces == 0 && s.made[place] == nil {
		s.made = map[string]any{}
	}
	if s.made[place] == nil {
		s.made[place] = s.New()
	}
	return s.made[place]
}

// Place names an operation; one without a contract by its method and path.
func Place(operation, method, path string) string {
	if operation == "" {
		return method + " " + shape(path)
	}
	return operation
}

// shape returns a path without its ids: a segment that looks like one becomes a star. The digits of a version do not, such as
// in v1.0 and asyncsend_v2.
func shape(path string) string {
	const digits = "0123456789"
	segments := strings.Split(path, "/")
	for i, s := range segments {
		name := strings.TrimRight(s, digits+".")
		isVersion := strings.HasSuffix(name, "v") && !strings.ContainsAny(name, digits)
		if len(s) > 24 || strings.ContainsAny(s, "%=:@,;+") || strings.ContainsAny(s, digits) && !isVersion {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}

// Ban is a time in which nothing may be sent, whatever the operation.
type Ban struct {
	Steady func() time.Time // as in clock.Clock
	mu     sync.Mutex
	until  time.Time
	cause  any
}

// Begin begins a ban.
func (b *Ban) Begin(wait time.Duration, cause any) {
	defer guard.Lock(&b.mu)()
	b.until, b.cause = b.Steady().Add(wait), cause
}

// Left returns how long the ban still lasts at a steady time, and its cause. It is 0 or less if there is none.
func (b *Ban) Left(now time.Time) (left time.Duration, cause any) {
	defer guard.Lock(&b.mu)()
	return b.until.Sub(now), b.cause
}
