package dingtalk

import (
	"context"
	"fmt"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/pace"
)

// DefaultRate is the service's limit per app and API on the standard edition, in calls a second: x-limits of openapi.yaml
// has it, and all others.
const DefaultRate = generated.CallsPerSecond

// AdaptiveLimiter paces requests evenly and finds by itself a limit that is lower than it was told. A throttle halves
// the rate for a moment. Then it searches between the fastest rate that was served and the slowest that was throttled,
// and now and then tries a little above, in case the limit has moved. [NewLimiter] makes one.
type AdaptiveLimiter struct {
	pace *pace.Limiter
	err  error // why there is none
}

// NewLimiter makes a limiter for a limit of perSecond calls a second, which must be positive; +Inf is no limit. A limiter
// for any other number is refused by [WithLimiter], and its Wait fails.
func NewLimiter(perSecond float64) *AdaptiveLimiter {
	if !pace.Valid(perSecond) {
		return &AdaptiveLimiter{err: fmt.Errorf("NewLimiter: %g is not a positive number of calls a second", perSecond)}
	}
	return &AdaptiveLimiter{pace: pace.New(perSecond, clock.System())}
}

// Wait blocks until the next request may be sent. It fails if ctx ends, or would end before.
func (l *AdaptiveLimiter) Wait(ctx context.Context) error {
	if l.err != nil {
		return l.err
	}
	return l.pace.Wait(ctx)
}

// Rate returns the present rate in calls a second.
func (l *AdaptiveLimiter) Rate() float64 {
	if l.err != nil {
		return 0
	}
	return l.pace.Rate()
}

// Answered tells the limiter whether a request was throttled.
func (l *AdaptiveLimiter) Answered(throttled bool) {
	if l.err == nil {
		l.pace.Answered(throttled)
	}
}

// bulkPace is the limiter that a client's runs over many chats share if it has none. The first run makes it, so that an
// app without runs does not link it.
type bulkPace struct {
	once sync.Once
	pace Limiter
}

func (b *bulkPace) get(clk clock.Clock) Limiter {
	b.once.Do(func() { b.pace = pace.New(DefaultRate, clk) })
	return b.pace
}
