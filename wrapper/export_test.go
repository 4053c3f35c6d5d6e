package dingtalk

import (
	"context"
	"log/slog"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Clock is time and chance as a test owns them. What is nil stays the system's.
type Clock struct {
	Now    func() time.Time
	Timer  func(time.Duration) (fires <-chan time.Time, stop func() bool)
	Random func() float64
}

// WithClock makes a client live by a test's clock.
func WithClock(own Clock) Option {
	return func(c *config) error {
		if own.Now != nil {
			c.clock.Now = own.Now
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

// TokenWaiters is how many callers wait for the token request that is under way; -1 if none is.
func (c *Client) TokenWaiters() int { return c.path.tokens.(appTokens).Waiters() }

// LogAttempt returns what a client does to log one attempt.
func LogAttempt(to *slog.Logger) func() {
	l, ctx, err := newLogger(to), context.Background(), &Error{Op: "op", Kind: ErrUnavailable}
	return func() { l.attempt(ctx, entry{op: "op", n: 1, requestID: "request", err: err}) }
}

// BreakerWaiters is how many calls wait for the client's circuit breaker.
func (c *Client) BreakerWaiters() int { return c.path.breaker.State().Waiting }

// BreakerLeft is how many more failures the client's circuit breaker takes before it opens.
func (c *Client) BreakerLeft() int { return BreakerBudget - c.path.breaker.State().Failures }

// Limits that tests hold the package to.
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
