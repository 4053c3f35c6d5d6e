package dingtalk

import (
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Clock replaces time and randomness in a test. A nil field keeps the system's.
type Clock struct {
	Now    func() time.Time
	Timer  func(time.Duration) (fires <-chan time.Time, stop func() bool)
	Random func() float64
	Jumps  bool // Now alone is replaced: intervals go on
}

// WithClock makes a client use a test's clock.
func WithClock(own Clock) Option {
	return func(c *config) error {
		if own.Now != nil {
			c.path.clock.Now = own.Now
		}
		if own.Now != nil && !own.Jumps {
			c.path.clock.Steady, c.path.clock.Until = own.Now, func(t time.Time) time.Duration { return t.Sub(own.Now()) }
		}
		if own.Timer != nil {
			c.path.clock.Timer = own.Timer
		}
		if own.Random != nil {
			c.path.clock.Random = own.Random
		}
		return nil
	}
}

// MaxBodyBytes is the cap on a body.
const MaxBodyBytes = wire.MaxBody
