// Package guard runs foreign code in a goroutine of its own. Its panic, or its end by runtime.Goexit, becomes an error.
package guard

import "context"

// Within runs f in a new goroutine, and leaves it behind when ctx ends: the error is ctx's cause then. crashed makes the
// error if f panics, or ends its goroutine: recovered is nil then.
func Within[T any](ctx context.Context, f func() (T, error), crashed func(recovered any) error) (value T, err error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		returned := false
		defer func() {
			if v := recover(); !returned {
				r.err = crashed(v)
			}
			done <- r
		}()
		r.value, r.err = f()
		returned = true
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return value, context.Cause(ctx)
	}
}
