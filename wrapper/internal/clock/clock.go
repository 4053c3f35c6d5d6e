// Package clock provides time and randomness, which tests replace.
package clock

import (
	"context"
	"math/rand/v2"
	"time"
)

// Clock is the source of time and randomness.
type Clock struct {
	Now    func() time.Time              // wall time: it counts the time a laptop sleeps, and may jump
	Steady func() time.Time              // for intervals: it does not jump
	Until  func(time.Time) time.Duration // until a context's deadline, which does not jump
	Timer  func(time.Duration) (fires <-chan time.Time, stop func() bool)
	Random func() float64 // in [0,1)
}

// System returns the machine's clock.
func System() *Clock {
	return &Clock{
		Now:    func() time.Time { return time.Now().Round(0) },
		Steady: time.Now,
		Until:  time.Until,
		Timer: func(d time.Duration) (<-chan time.Time, func() bool) {
			t := time.NewTimer(d)
			return t.C, t.Stop
		},
		Random: rand.Float64,
	}
}

// Sleep waits for d. If the context ends first, Sleep returns its error.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error { return c.Wait(ctx, nil, max(d, 1)) }

// Wait waits for a signal, at most d; 0 waits for the signal alone. If the context ends first, Wait returns its error.
func (c *Clock) Wait(ctx context.Context, signal <-chan struct{}, d time.Duration) error {
	var fires <-chan time.Time
	if d > 0 {
		var stop func() bool
		fires, stop = c.Timer(d)
		defer stop()
	}
	select {
	case <-signal:
	case <-fires:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Passes reports whether ctx's deadline is less than d away.
func (c *Clock) Passes(ctx context.Context, d time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return limited && c.Until(deadline) < d
}

// Ended returns the error of a context that has ended or is past its deadline. The network stack watches the same
// deadline and may report it before the context's timer fires.
func Ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}
