// Package pace is the adaptive limiter: it paces what is sent, and finds by itself a limit that is lower than it was told.
package pace

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

// Limiter paces requests evenly. A throttle halves the rate for a moment. Then it searches between the fastest rate that
// was served and the slowest that was throttled, and now and then tries a little above, in case the limit has moved.
type Limiter struct {
	turn   chan struct{} // held by the one caller that waits for the bucket, so that none has reserved at an old rate
	bucket *rate.Limiter
	clock  clock.Clock
	sent   []time.Time // a ring of when Wait returned, behind turn
	next   int         // in sent

	mu      sync.Mutex
	ceiling float64   // never faster than this
	floor   float64   // never slower
	good    float64   // served without a throttle, for stepTime
	bad     float64   // throttled
	since   time.Time // when the present rate was set
	resume  time.Time // nothing is sent before this

	probing bool          // the present rate was throttled before
	hold    time.Duration // how long the fastest good rate is kept before a probe
}

const (
	// paceMargin keeps even pacing under a limit that counts whole seconds, in spite of the network's jitter.
	paceMargin = 0.97
	// windowTime is a little more than the second that such a limit counts in; see spread. It looks at so many calls.
	windowTime = 1010 * time.Millisecond
	windowSize = 256
	// slowest is one call in ten seconds: below that a run has come to a halt anyway.
	slowest = 0.1
	// throttleTime is how long nothing is sent after a throttle, and how long more of them count as the same, since
	// they answer what was sent before it. A halved rate is kept until recoverTime, if a faster one is known to be good.
	throttleTime = time.Second
	recoverTime  = throttleTime * 5 / 4
	// stepTime is how long a rate must be served before a faster one is tried. Once the limit is known to within
	// searchWidth, that is holdTime, and twice as long after each time that it was in vain, up to maxHoldTime.
	stepTime    = 2 * time.Second
	holdTime    = 90 * time.Second
	maxHoldTime = 6 * time.Minute
	searchWidth = 1.06
	probeWidth  = 1.1 // from one rate to the next, while the limit is higher than it was
	// A throttle after flukeTime says little about the rate: something on the way pressed a few requests together.
	flukeTime = 3 * stepTime
)

// Valid reports whether a limiter can be made for so many calls a second: infinitely many are no limit.
func Valid(perSecond float64) bool { return perSecond > 0 }

// New makes a limiter for a valid limit of perSecond calls a second.
func New(perSecond float64, clk clock.Clock) *Limiter {
	ceiling := perSecond * paceMargin
	return &Limiter{
		turn: make(chan struct{}, 1), bucket: rate.NewLimiter(rate.Limit(ceiling), 1), clock: clk,
		sent:    make([]time.Time, int(max(min(math.Ceil(ceiling), windowSize), 1))),
		ceiling: ceiling, floor: min(slowest, ceiling), bad: ceiling, since: clk.Now().Add(-throttleTime), hold: holdTime,
	}
}

// Wait blocks until the next request may be sent. It fails if ctx ends, or would end before.
func (l *Limiter) Wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	pause := l.resume.Sub(l.clock.Now())
	l.mu.Unlock()
	if pause > 0 {
		if err := l.clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	if err := l.bucket.Wait(ctx); err != nil {
		if _, limited := ctx.Deadline(); limited && ctx.Err() == nil {
			return context.DeadlineExceeded // which the bucket knows beforehand, and does not wait for
		}
		return err
	}
	return l.spread(ctx)
}

// spread keeps a call that comes late, such as on a machine with much else to do, from being too close to those after
// it: the bucket lets them catch up, and a second that begins with it would hold one more than the limit.
func (l *Limiter) spread(ctx context.Context) error {
	perSecond := l.Rate()
	if n := int(min(math.Ceil(perSecond), windowSize+1)); n <= len(l.sent) {
		window := min(windowTime, time.Duration(float64(n)/perSecond*float64(time.Second)))
		passed := l.clock.Now().Sub(l.sent[(l.next+len(l.sent)-n)%len(l.sent)])
		if passed >= 0 && passed < window { // less than none has passed if the clock was set back
			if err := l.clock.Sleep(ctx, window-passed); err != nil {
				return err
			}
		}
	}
	l.sent[l.next] = l.clock.Now()
	l.next = (l.next + 1) % len(l.sent)
	return nil
}

// Rate returns the present rate in calls a second.
func (l *Limiter) Rate() float64 { return float64(l.bucket.Limit()) }

// Answered tells the limiter whether a request was throttled.
func (l *Limiter) Answered(throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, current := l.clock.Now(), l.Rate()
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

// throttled notes that the present rate is too fast.
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
	l.resume = now.Add(throttleTime)
}

// served notes that the present rate was served for a while, and may try a faster one.
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
	l.bucket.SetLimitAt(now, rate.Limit(max(perSecond, l.floor)))
	l.since = now
}
