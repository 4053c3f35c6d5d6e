// Package guard runs foreign code in a goroutine of its own. Its panic, or its end by runtime.Goexit, becomes an error.
package guard

import "context"

// Go runs f in a new goroutine and calls done with its result there. crashed makes the error if f panics, or ends its
// goroutine: recovered is nil then.
func Go[T any](f func() (T, error), crashed func(recovered any) error, done func(T, error)) {
	go func() {
		var value T
		err := crashed(nil)
		defer func() {
			if v := recover(); v != nil {
				err = crashed(v)
			}
			done(value, err)
		}()
		value, err = f()
	}()
}

// Within runs f, and leaves it behind when ctx ends.
func Within[T any](ctx context.Context, f func() (T, error), crashed func(recovered any) error) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	Go(f, crashed, func(value T, err error) { results <- result{value, err} })
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
