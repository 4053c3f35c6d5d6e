package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Conversion is a chat's pair of ids.
type Conversion struct {
	ChatID             string
	OpenConversationID string // empty if there is an error
}

// Converted is a caller's own row with its result.
type Converted[R any] struct {
	Row R
	Conversion
}

// OpenConversationIDs converts many chats and yields one result for each id, in the order of chatIDs: [ConvertEach]
// with ids as rows.
func (c *Client) OpenConversationIDs(ctx context.Context, chatIDs iter.Seq[string], opts ...BulkOption) iter.Seq2[Conversion, error] {
	return func(yield func(Conversion, error) bool) {
		for row, err := range ConvertEach(ctx, c, chatIDs, func(id string) string { return id }, opts...) {
			if !yield(row.Conversion, err) {
				return
			}
		}
	}
}

// ConvertEach converts the chat of each row and yields the rows with their results, in the order of rows. chatID
// returns a row's chat id. Each distinct id is called once (see [WithMemory]). The client's limiter sets the rate;
// without one, an [AdaptiveLimiter] at [DefaultRate] does.
//
// [Error.Scope] decides whether a failure ends the run. ScopeChat does not. ScopeAll does, as do several failures of
// ScopeUnclear in a row ([Kind.InARow]). When the run ends, it sends no more requests and yields the calls in flight.
// Error.EndsRun marks the failure that ended the run. Every id without a result then comes with [ErrNotTried], which
// wraps that failure: break out of the loop at the first [ErrNotTried], or go on to see all of them.
//
// When ctx ends, the run yields the results it has, then the context's error once, without a row. Rows not yet read get
// no result. When the loop ends early or ctx ends, no call is left in flight.
//
// A separate goroutine reads rows, a bounded number ahead. The end of the loop waits until the sequence has returned, as
// in every other loop, unless ctx has ended: the sequence can close its own source, and what it met, such as an error of
// [database/sql.Rows.Err], can be looked at after the loop. Give the source ctx, too. A sequence that panics ends the run
// with an error of [ErrPanicked] without a row.
func ConvertEach[R any](ctx context.Context, c *Client, rows iter.Seq[R], chatID func(R) string, opts ...BulkOption) iter.Seq2[Converted[R], error] {
	return func(yield func(Converted[R], error) bool) {
		b, err := c.newRun(ctx, opts, rows != nil && chatID != nil)
		if err != nil {
			yield(Converted[R]{}, err)
			return
		}
		// A row enters the queue before its call starts, and leaves it only to be yielded. So at most concurrency rows
		// are started and not yet yielded, and a killed process has spent at most that many calls without a result.
		queue := make(chan queued[R], b.concurrency-1)
		go b.read(func() {
			for row := range rows {
				it, isNew := b.item(chatID(row))
				select {
				case queue <- queued[R]{row, it}:
				case <-b.ctx.Done():
					return
				}
				if isNew {
					go b.convert(it)
				}
			}
		}, func() { close(queue) })
		// next returns the next row, once it is done. When the context ends, it does not wait for the input, which may
		// never return.
		next := func(end <-chan struct{}) (q queued[R], more bool) {
			select {
			case q, more = <-queue:
			case <-end:
				select {
				case q, more = <-queue:
				default:
				}
			}
			if more {
				<-q.done
			}
			return q, more
		}
		defer func() {
			b.cancel()
			for more := true; more; {
				_, more = next(ctx.Done())
			}
		}()
		for {
			q, more := next(ctx.Done())
			switch {
			case more:
				if !yield(Converted[R]{q.row, q.result}, q.err) {
					return
				}
				continue
			case ctx.Err() != nil:
				yield(Converted[R]{}, (&call{contract: conversion}).unsent(&verdict{ended: ctx.Err()}, nil))
			case b.broken != nil:
				yield(Converted[R]{}, b.broken)
			}
			return
		}
	}
}

// queued is a row in the output queue with the item of its id.
type queued[R any] struct {
	row R
	*item
}

// BulkOption configures one run of [ConvertEach] or [Client.OpenConversationIDs]. A nil option is skipped. An invalid
// value ends the run before its first request, with an error of [ErrRejected].
type BulkOption func(*run) error

// WithConcurrency sets the maximum number of calls in flight, from 1 to 4096. The default of 16 is enough for every rate
// limit of the service.
func WithConcurrency(n int) BulkOption {
	return func(b *run) error {
		if n < 1 || n > maxConcurrency {
			return fmt.Errorf("WithConcurrency: %d is not from 1 to %d", n, maxConcurrency)
		}
		b.concurrency = n
		return nil
	}
}

// WithMemory sets how many distinct chat ids a run remembers; a repeated id among them costs no second call. The
// default is 100,000 ids, about 20 MB. With 0, every row is called.
func WithMemory(ids int) BulkOption {
	return func(b *run) error {
		if ids < 0 {
			return fmt.Errorf("WithMemory: %d is negative", ids)
		}
		b.memory = ids
		return nil
	}
}

// WithStop stops a run when stop is closed: no further request is sent. Requests in flight finish, unless ctx ends.
// Calls that wait (for the limiter, a token, the circuit breaker, the budget or a retry) are not sent. An id without a
// result comes with [ErrNotTried], or with the failure of its last request.
func WithStop(stop <-chan struct{}) BulkOption {
	return func(b *run) error {
		b.asked = stop
		return nil
	}
}

const maxConcurrency = 4096 // far above every rate limit

var errStopped = errors.New("the run was stopped")
