// Package guard runs foreign code in a goroutine of its own. Its panic, or its end by runtime.Goexit, becomes an error.
package guard

import "context"

// Within runs f in a new goroutine, and leaves it behind when ctx ends. crashed makes the error if f panics, or ends its
// goroutine: recovered is nil then.
func Within[T any](ctx context.Context, f func() (T, error), crashed func(recovered any) error) (value T, err error) {
	done := make(chan func(), 1)
	go func() {
		var result T
		var failed error
		returned := false
		defer func() {
			if v := recover(); !returned {
				failed = crashed(v)
			}
			done <- func() { value, err = result, failed }
		}()
		result, failed = f()
		returned = true
	}()
	select {
	case take := <-done:
		take()
		return value, err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}
