package dingtalk

import (
	"context"
	"fmt"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/pace"
)

// DefaultRate is the service's rate limit per app and API on the standard edition, in calls a second. x-limits of
// openapi.yaml lists all limits.
const DefaultRate = generated.CallsPerSecond

// AdaptiveLimiter spaces requests evenly and adapts to a lower limit than configured. A throttle halves the rate for a
// moment. The limiter then searches between the fastest rate that was served and the slowest that was throttled. Now
// and then it tries a slightly higher rate, in case the limit has moved. [NewLimiter] makes one.
type AdaptiveLimiter struct {
	pace *pace.Limiter
	err  error // why there is none
}

// NewLimiter makes a limiter of perSecond calls a second, which must be positive; +Inf means no limit. For any other
// value, [WithLimiter] returns an error, as does Wait.
func NewLimiter(perSecond float64) *AdaptiveLimiter {
	if !pace.Valid(perSecond) {
		return &AdaptiveLimiter{err: fmt.Errorf("NewLimiter: %g is not a positive number of calls a second", perSecond)}
	}
	return &AdaptiveLimiter{pace: pace.New(perSecond, clock.System())}
}

// Wait blocks until the next request may be sent. It returns an error if ctx ends, or at once if ctx's deadline is too
// early.
func (l *AdaptiveLimiter) Wait(ctx context.Context) error {
	if l.err != nil {
		return l.err
	}
	return l.pace.Wait(ctx)
}

// Rate returns the current rate in calls a second.
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
