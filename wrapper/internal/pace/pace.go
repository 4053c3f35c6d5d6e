// Package pace is the limiter behind dingtalk.AdaptiveLimiter, which says what it does.
package pace

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// Limiter spaces requests evenly, and adapts to the service's limit.
type Limiter struct {
	Err   error         // why there is none
	turn  chan struct{} // held by the only caller that waits for its time, so that calls keep their order
	clock *clock.Clock

	mu      sync.Mutex
	current float64   // rate
	due     time.Time // of the next request
	ceiling float64   // highest rate
	floor   float64   // lowest rate
	good    float64   // highest rate served for stepTime without a throttle
	bad     float64   // lowest throttled rate
	since   time.Time // when the current rate was set

	probing bool          // the current rate was throttled before
	hold    time.Duration // time at the highest good rate before a probe
}

const (
	// paceMargin keeps evenly spaced requests below a limit counted in whole seconds, despite network jitter.
	paceMargin = 0.97
	// lateTime is how late a call may be, as on a busy machine, without delaying those after it. It is less than paceMargin
	// leaves of a second: the second that begins with the late call holds no call too many.
	lateTime = 20 * time.Millisecond
	// slowest is one call in ten seconds. A slower run has come to a halt anyway.
	slowest = 0.1
	// throttleTime is the pause after a throttle. Further throttles within it count as one: they answer requests sent
	// before it. A halved rate lasts until recoverTime, if a faster rate is known to be good.
	throttleTime = time.Second
	recoverTime  = throttleTime * 5 / 4
	// stepTime is how long a rate must be served before the limiter tries a faster one. Once the limit is known to
	// within searchWidth, the limiter waits holdTime instead. Each vain probe doubles that, up to maxHoldTime.
	stepTime    = 2 * time.Second
	holdTime    = 90 * time.Second
	maxHoldTime = 6 * time.Minute
	searchWidth = 1.06
	probeWidth  = 1.1 // factor between rates while the limit rises
	// A throttle after flukeTime says little about the rate: the network may have delivered a few requests together.
	flukeTime = 3 * stepTime
)

// New makes a limiter of perSecond calls a second; +Inf means no limit. If that is not positive, Err says so.
func New(perSecond float64, clk *clock.Clock) *Limiter {
	l := &Limiter{turn: make(chan struct{}, 1), clock: clk, since: clk.Steady().Add(-throttleTime), hold: holdTime}
	if !(perSecond > 0) {
		l.Err = fmt.Errorf("NewLimiter: %g is not a positive number of calls a second", perSecond)
		return l
	}
	l.ceiling = perSecond * paceMargin
	l.current, l.bad, l.floor = l.ceiling, l.ceiling, min(slowest, l.ceiling)
	return l
}

// Wait blocks until the next request may be sent. It returns an error if ctx ends, or at once if ctx's deadline is too early.
func (l *Limiter) Wait(ctx context.Context) error {
	if l.Err != nil {
		return l.Err
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		wait, err := l.take(ctx)
		if err != nil || wait == 0 {
			return err
		}
		if err = l.clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// take takes the turn of the next request if it has come, or else returns how long until it comes.
func (l *Limiter) take(ctx context.Context) (wait time.Duration, err error) {
	defer guard.Lock(&l.mu)()
	now := l.clock.Steady()
	wait = max(l.due.Sub(now), 0)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case l.clock.Passes(ctx, wait):
		return 0, context.DeadlineExceeded
	case wait == 0:
		from := l.due
		if earliest := now.Add(-lateTime); from.Before(earliest) {
			from = earliest
		}
		l.due = from.Add(time.Duration(float64(time.Second) / l.current))
	}
	return wait, nil
}

// Answered tells the limiter whether a request was throttled.
func (l *Limiter) Answered(throttled bool) {
	defer guard.Lock(&l.mu)()
	now, current := l.clock.Steady(), l.current
	lasted := now.Sub(l.since)
	switch {
	case throttled && lasted >= throttleTime:
		l.throttled(current, lasted, now)
	case throttled:
	case current >= l.ceiling:
		l.good = current
	case current < l.good:
		if lasted >= recoverTime {
			l.set(l.good, now)
		}
	case lasted >= stepTime:
		l.served(current, lasted, now)
	}
}

// throttled lowers the rate after a throttle.
func (l *Limiter) throttled(current float64, lasted time.Duration, now time.Time) {
	if l.probing {
		l.hold = min(2*l.hold, maxHoldTime)
	} else {
		l.hold = holdTime
	}
	l.probing = false
	l.bad = min(l.bad, current)
	switch {
	case l.good < current:
	case lasted >= flukeTime:
		l.good = current * paceMargin
	default:
		l.good = 0 // the limit has moved
	}
	l.set(current/2, now)
	if resume := now.Add(throttleTime); l.due.Before(resume) {
		l.due = resume
	}
}

// served records that the current rate was served for a while, and may try a faster one.
func (l *Limiter) served(current float64, lasted time.Duration, now time.Time) {
	l.good = current
	switch {
	case l.probing: // the limit has moved
		l.bad, l.hold = l.ceiling, holdTime
		l.set(min(current*probeWidth, l.ceiling), now)
	case l.bad > current*searchWidth:
		l.set((current+l.bad)/2, now)
	case lasted >= l.hold:
		l.probing = true
		l.set(min(l.bad*searchWidth, l.ceiling), now)
	}
}

func (l *Limiter) set(perSecond float64, now time.Time) {
	perSecond = max(perSecond, l.floor)
	if wait := l.due.Sub(now); wait > 0 {
		l.due = now.Add(time.Duration(float64(wait) * l.current / perSecond))
	}
	l.current = perSecond
	l.since = now
}
