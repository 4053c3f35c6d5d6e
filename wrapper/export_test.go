package dingtalk

import (
	"context"
	"log/slog"
	"time"
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
			c.clock.now = own.Now
		}
		if own.Timer != nil {
			c.clock.timer = own.Timer
		}
		if own.Random != nil {
			c.clock.random = own.Random
		}
		return nil
	}
}

// TokenWaiters is how many callers wait for the token request that is under way; -1 if none is.
func (c *Client) TokenWaiters() int {
	cache := c.tokens.(*tokenCache)
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if cache.flight == nil {
		return -1
	}
	return cache.flight.waiters
}

// LogAttempt returns what a client does to log one attempt.
func LogAttempt(to *slog.Logger) func() {
	l, ctx, err := newLogger(to), context.Background(), &Error{Op: "op", Kind: ErrUnavailable}
	return func() { l.attempt(ctx, "op", 1, "request", err) }
}
