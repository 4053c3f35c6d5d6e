// Package guard runs foreign code in a goroutine of its own. Its panic, or its end by runtime.Goexit, becomes an error.
package guard

import (
	"context"
	"sync"
)

// Within runs f in a new goroutine, and leaves it behind when ctx ends: the error is ctx's cause then. crashed makes the
// error if f panics, or ends its goroutine: recovered is nil then.
func Within[T any](ctx context.Context, f func() (T, error), crashed func(recovered any) error) (none T, err error) {
	var value T
	var failed error
	done := make(chan struct{})
	go func() {
		returned := false
		defer func() {
			if v := recover(); !returned {
				failed = crashed(v)
			}
			close(done)
		}()
		value, failed = f()
		returned = true
	}()
	select {
	case <-done:
		return value, failed
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// Lock locks mu, and returns what unlocks it: defer guard.Lock(&mu)().
func Lock(mu *sync.Mutex) (unlock func()) {
	mu.Lock()
	return mu.Unlock
}
