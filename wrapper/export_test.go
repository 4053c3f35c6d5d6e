package dingtalk

import (
	"context"
	"log/slog"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Clock replaces time and randomness in a test. A nil field keeps the system's.
type Clock struct {
	Now    func() time.Time
	Timer  func(time.Duration) (fires <-chan time.Time, stop func() bool)
	Random func() float64
}

// WithClock makes a client use a test's clock.
func WithClock(own Clock) Option {
	return func(c *config) error {
		if own.Now != nil {
			c.clock.Now, c.clock.Until = own.Now, func(t time.Time) time.Duration { return t.Sub(own.Now()) }
		}
		if own.Timer != nil {
			c.clock.Timer = own.Timer
		}
		if own.Random != nil {
			c.clock.Random = own.Random
		}
		return nil
	}
}

// TokenWaiters returns the number of callers waiting for the token fetch in flight, or -1 without one.
func (c *Client) TokenWaiters() int { return c.path.tokens.(*tokens.Cache).Waiters() }

// LogAttempt returns a function that logs one attempt as a client does.
func LogAttempt(to *slog.Logger) func() {
	l, ctx, err := newLogger(to), context.Background(), &Error{Op: "op", Kind: ErrUnavailable}
	return func() { l.attempt(ctx, entry{op: "op", n: 1, requestID: "request", err: err}) }
}

// BreakerWaiters returns the number of calls waiting for the circuit breaker of conversions.
func (c *Client) BreakerWaiters() int { return c.conversions().State().Waiting }

// BreakerLeft returns the number of further failures that open the circuit breaker of conversions.
func (c *Client) BreakerLeft() int { return BreakerBudget - c.conversions().State().Failures }

func (c *Client) conversions() *breaker.Breaker[*verdict] {
	return c.path.lanes.Of(breaker.Key{Op: generated.OperationChatIDToOpenConversationID.ID}, "", "").breaker
}

// Limits that tests check.
const (
	BreakerBudget = breaker.Budget
	MaxBodyBytes  = wire.MaxBody
)

// Unsafely makes a conversion as if it were not safe to repeat.
func (c *Client) Unsafely(ctx context.Context, chatID string) (string, error) {
	careful := generated.OperationChatIDToOpenConversationID
	careful.Repeat = RepeatUnsent
	return c.path.convert(ctx, chatID, c.limiter, func(op *call) { op.contract = &careful })
}
