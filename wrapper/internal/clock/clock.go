// Package clock is time and chance, so that tests own both.
package clock

import (
	"context"
	"math/rand/v2"
	"time"
)

// Clock is what the rooms of the wrapper know of time and chance.
type Clock struct {
	Now    func() time.Time // wall time: a laptop that slept must notice
	Timer  func(time.Duration) (fires <-chan time.Time, stop func() bool)
	Random func() float64 // in [0,1)
}

// System is the machine's clock.
func System() Clock {
	return Clock{
		Now: func() time.Time { return time.Now().Round(0) },
		Timer: func(d time.Duration) (<-chan time.Time, func() bool) {
			t := time.NewTimer(d)
			return t.C, t.Stop
		},
		Random: rand.Float64,
	}
}

// Sleep waits for d. It returns early, with the context's error, if the context ends.
func (c Clock) Sleep(ctx context.Context, d time.Duration) error {
	fires, stop := c.Timer(d)
	defer stop()
	select {
	case <-fires:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ended returns the error of a context that has ended, or whose deadline has passed although its timer has not fired:
// the network stack watches the same deadline and may be first.
func Ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
