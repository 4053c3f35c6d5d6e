package dingtalk

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Limiter paces the requests of a client. Wait returns when the next may be sent, or an error if it may not; it is
// called once for each request, repeats included. A [rate.Limiter] is one.
//
// An error of Wait fails the call with [ErrThrottled]; return an *[Error] for another kind, and one that wraps
// [context.DeadlineExceeded] if the turn would come too late for ctx. A limiter that also has the method
// Answered(throttled bool) is told what became of each request.
type Limiter interface {
	Wait(ctx context.Context) error
}

// DefaultRate is the service's limit per app and API on the standard edition, in calls a second: x-limits of openapi.yaml
// has it, and all others.
const DefaultRate = generated.CallsPerSecond

// AdaptiveLimiter paces requests evenly and finds by itself a limit that is lower than it was told. A throttle halves
// the rate for a moment. Then it searches between the fastest rate that was served and the slowest that was throttled,
// and now and then tries a little above, in case the limit has moved.
type AdaptiveLimiter struct {
	turn   chan struct{} // held by the one caller that waits for the bucket, so that none has reserved at an old rate
	bucket *rate.Limiter
	clock  clock
	sent   []time.Time // a ring of when Wait returned, behind turn
	next   int         // in sent

	mu      sync.Mutex
	ceiling float64   // never faster than this
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

// NewLimiter makes a limiter for a limit of perSecond calls a second. Less than one in ten seconds is taken as that.
func NewLimiter(perSecond float64) *AdaptiveLimiter { return newLimiter(perSecond, systemClock()) }

func newLimiter(perSecond float64, clk clock) *AdaptiveLimiter {
	ceiling := max(perSecond*paceMargin, slowest)
	return &AdaptiveLimiter{
		turn: make(chan struct{}, 1), bucket: rate.NewLimiter(rate.Limit(ceiling), 1), clock: clk,
		sent:    make([]time.Time, int(min(math.Ceil(ceiling), windowSize))),
		ceiling: ceiling, bad: ceiling, since: clk.now().Add(-throttleTime), hold: holdTime,
	}
}

// Wait blocks until the next request may be sent. It fails if ctx ends, or would end before.
func (l *AdaptiveLimiter) Wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	pause := l.resume.Sub(l.clock.now())
	l.mu.Unlock()
	if pause > 0 {
		if err := l.clock.sleep(ctx, pause); err != nil {
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
func (l *AdaptiveLimiter) spread(ctx context.Context) error {
	perSecond := l.Rate()
	if n := int(min(math.Ceil(perSecond), windowSize+1)); n <= len(l.sent) {
		window := min(windowTime, time.Duration(float64(n)/perSecond*float64(time.Second)))
		passed := l.clock.now().Sub(l.sent[(l.next+len(l.sent)-n)%len(l.sent)])
		if passed >= 0 && passed < window { // less than none has passed if the clock was set back
			if err := l.clock.sleep(ctx, window-passed); err != nil {
				return err
			}
		}
	}
	l.sent[l.next] = l.clock.now()
	l.next = (l.next + 1) % len(l.sent)
	return nil
}

// Rate returns the present rate in calls a second.
func (l *AdaptiveLimiter) Rate() float64 { return float64(l.bucket.Limit()) }

// Answered tells the limiter whether a request was throttled.
func (l *AdaptiveLimiter) Answered(throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, current := l.clock.now(), l.Rate()
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
func (l *AdaptiveLimiter) throttled(current float64, lasted time.Duration, now time.Time) {
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
func (l *AdaptiveLimiter) served(current float64, lasted time.Duration, now time.Time) {
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

func (l *AdaptiveLimiter) set(perSecond float64, now time.Time) {
	l.bucket.SetLimitAt(now, rate.Limit(max(perSecond, slowest)))
	l.since = now
}

// bulkPace is the limiter that a client's runs over many chats share if it has none. The first run makes it, so that an
// app without runs does not link it.
type bulkPace struct {
	once sync.Once
	pace Limiter
}

func (b *bulkPace) limiter(clk clock) Limiter {
	b.once.Do(func() { b.pace = newLimiter(DefaultRate, clk) })
	return b.pace
}

// limit waits for the limiter of an operation, if it has one.
func (c *Client) limit(ctx context.Context, op *operation) *Error {
	if op.limiter == nil {
		return nil
	}
	err := op.limiter.Wait(ctx)
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) && ended(ctx) == nil {
		return canceled(op.id, context.DeadlineExceeded, nil)
	}
	return refusal(ctx, op.id, err, ErrThrottled, "not sent: the limiter refused")
}

// answered tells an operation's limiter how its request ended.
func (op *operation) answered(err *Error) {
	if l, ok := op.limiter.(interface{ Answered(throttled bool) }); ok {
		l.Answered(err != nil && errors.Is(err.Kind, ErrThrottled))
	}
}
