// Package hold keeps requests waiting until their time is up, their client has left, or all of them are let go.
package hold

import (
	"context"
	"sync"
	"time"
)

// Gate lets go of the requests that are waiting, now and once more when the emulator is closed. Its zero value is ready.
type Gate struct {
	mu     sync.Mutex
	waits  chan struct{} // closed to let go; nil: nobody waited since
	closed bool
}

// Channel is closed when the requests that wait from now on are to be let go.
func (g *Gate) Channel() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.channel()
}

// channel is called with the lock held.
func (g *Gate) channel() chan struct{} {
	if g.waits == nil {
		g.waits = make(chan struct{})
	}
	return g.waits
}

// Release lets go of those that wait now.
func (g *Gate) Release() { g.release(false) }

// Close lets go for good. It may be called more than once.
func (g *Gate) Close() { g.release(true) }

func (g *Gate) release(forever bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	close(g.channel())
	if g.closed = forever; !forever {
		g.waits = nil
	}
}

// Sleep waits for d of real time. It returns false if ctx or done ended it.
func Sleep(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-done:
	}
	return false
}
