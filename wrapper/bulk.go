package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/pace"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Converted is a caller's own row with its result.
type Converted[R any] struct {
	Row R
	Conversion
}

// OpenConversationIDs converts many chats and yields one result for each id, in the order of chatIDs: [ConvertEach] with ids as rows.
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
// [Error.Scope] decides whether a failure ends the run. ScopeChat does not. ScopeAll does, as do three failures of
// ScopeUnclear in a row, or five of an outage. When the run ends, it sends no more requests and yields the calls in flight.
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
		go func() {
			defer close(queue)
			_, b.broken = b.guard("", func() (string, error) {
				for row := range rows {
					it, isNew := b.item(chatID(row))
					select {
					case queue <- queued[R]{row, it}:
					case <-b.ctx.Done():
						return "", nil
					}
					if isNew {
						go b.convert(it)
					}
				}
				return "", nil
			})
		}()
		// next returns the next row, once it is done. When ctx ends, it does not wait for the input, which may never return.
		next := func() (q queued[R], more bool) {
			select {
			case q, more = <-queue:
			case <-ctx.Done():
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
				_, more = next()
			}
		}()
		for q, more := next(); more; q, more = next() {
			if !yield(Converted[R]{q.row, q.result}, q.err) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Converted[R]{}, (&call{contract: conversion}).unsent(&verdict{ended: err}, nil))
		} else if b.broken != nil {
			yield(Converted[R]{}, b.broken)
		}
	}
}

// queued is a row in the output queue with the item of its id.
type queued[R any] struct {
	row R
	*item
}

// Conversion is a chat's pair of ids.
type Conversion struct {
	ChatID             string
	OpenConversationID string // empty if there is an error
}

// BulkOption configures one run of [ConvertEach] or [Client.OpenConversationIDs]. A nil option is skipped. An invalid
// value ends the run before its first request, with an error of [ErrRejected].
type BulkOption func(*run) error

// WithConcurrency sets the maximum number of calls in flight, from 1 to 4096. The default of 16 is enough for every rate
// limit of the service.
func WithConcurrency(n int) BulkOption {
	odd := oddIf(n < 1 || n > maxConcurrency, "WithConcurrency: %d is not from 1 to %d", n, maxConcurrency)
	return option(odd, func(b *run) { b.concurrency = n })
}

// WithMemory sets how many distinct chat ids a run remembers before it forgets them all; a repeated id among them costs
// no second call. The default is 100,000 ids, about 20 MB. With 0, every row is called.
func WithMemory(ids int) BulkOption {
	return option(oddIf(ids < 0, "WithMemory: %d is negative", ids), func(b *run) { b.memory = ids })
}

// WithStop stops a run when stop is closed: no further request is sent. Requests in flight finish, unless ctx ends.
// Calls that wait (for the limiter, a token, the circuit breaker, the budget or a retry) are not sent. An id without a
// result comes with [ErrNotTried], or with the failure of its last request.
func WithStop(stop <-chan struct{}) BulkOption {
	return option(nil, func(b *run) { b.asked = stop })
}

const maxConcurrency = 4096 // far above every rate limit

var errStopped = errors.New("the run was stopped")

// maxThrottles is the number of retries after throttles, beyond the ordinary attempts, of a call of a run: the limiter
// needs a few to find the limit.
const maxThrottles = 12

// run is the part of a run that does not depend on the row type.
type run struct {
	path        *path
	limiter     Limiter
	concurrency int
	memory      int
	asked       <-chan struct{} // closed by the caller to stop the run (see WithStop); nil: never

	ctx    context.Context // ends with the loop
	cancel context.CancelFunc
	waits  context.Context         // ends when the run stops sending requests; its cause is why
	stop   context.CancelCauseFunc // ends waits
	broken error                   // the input's panic; final once the queue is closed

	items  map[string]*item // by id, at most memory
	mu     sync.Mutex
	inARow map[int]int // failures in a row, keyed by the number that ends the run
}

// item is one distinct id. done is closed when the rest is final.
type item struct {
	result Conversion
	err    error
	done   chan struct{}
}

func (c *Client) newRun(ctx context.Context, opts []BulkOption, sequence bool) (*run, error) {
	b := &run{path: c.path, concurrency: 16, memory: 100_000, limiter: c.path.limiter, items: map[string]*item{}, inARow: map[int]int{}}
	odd := oddIf(!sequence, "the sequence is nil, or the function that names a row's chat id")
	if err := cmp.Or(odd, apply(b, opts)); err != nil {
		return nil, c.path.unsendable(conversion, err)
	}
	if b.limiter == nil {
		c.path.bulk.Do(func() { c.path.bulkPace = pace.New(DefaultRate, c.path.clock) })
		b.limiter = c.path.bulkPace
	}
	b.ctx, b.cancel = context.WithCancel(ctx)
	b.waits, b.stop = context.WithCancelCause(b.ctx)
	select {
	case <-b.asked: // before the first call
		b.stop(errStopped)
	default:
		go func() {
			select {
			case <-b.asked:
				b.stop(errStopped)
			case <-b.ctx.Done():
			}
		}()
	}
	return b, nil
}

// guard runs the caller's code, which may panic or end its goroutine.
func (b *run) guard(chatID string, f func() (string, error)) (string, error) {
	return guard.Within(context.Background(), f, func(v any) error {
		return b.path.panicked(v, &call{contract: conversion, chatID: chatID})
	})
}

// item returns the item of an id, and whether it is new.
func (b *run) item(id string) (it *item, isNew bool) {
	if it = b.items[id]; it != nil {
		return it, false
	}
	it = &item{result: Conversion{ChatID: id}, done: make(chan struct{})}
	if len(b.items) >= b.memory { // it begins anew
		clear(b.items)
	}
	if b.memory > 0 {
		b.items[id] = it
	}
	return it, true
}

// convert completes an item, by a call unless the run has stopped.
func (b *run) convert(it *item) {
	defer close(it.done)
	id, err := b.guard(it.result.ChatID, func() (string, error) {
		if b.waits.Err() != nil && b.ctx.Err() == nil {
			return "", b.notTried(it.result.ChatID)
		}
		return b.path.convert(b.ctx, it.result.ChatID, b.limiter, func(c *call) { c.throttles, c.waits = maxThrottles, b.waits })
	})
	switch e, _ := text.Find[*Error](err); {
	case e == nil || !errors.Is(e.Kind, context.Canceled) && !errors.Is(e.Kind, context.DeadlineExceeded) || b.ctx.Err() != nil || b.waits.Err() == nil:
		err = b.settle(e)
	case e.Attempts > 0 && e.Err != nil: // the run ended the wait for a repeat
		err = e.Err
	default:
		err = b.notTried(it.result.ChatID)
	}
	it.result.OpenConversationID, it.err = id, err
}

// notTried makes the error of an id that was not called.
func (b *run) notTried(chatID string) *Error {
	e := &Error{Op: conversion.ID, ChatID: chatID, Kind: ErrNotTried, Local: true, Err: context.Cause(b.waits)}
	if cause, ok := e.Err.(*Error); ok { //nolint:errorlint // as settle leaves it
		e.RetryAfter = cause.RetryAfter
	}
	return e
}

// settle counts a failure (a success if e is nil), and ends the run if the next chat would fail in the same way. It returns e.
func (b *run) settle(e *Error) error {
	defer guard.Lock(&b.mu)()
	if e == nil {
		clear(b.inARow)
		return nil
	}
	switch enough := e.inARow(); {
	case enough > 0:
		if b.inARow[enough]++; b.inARow[enough] >= enough && b.waits.Err() == nil {
			e.EndsRun = true
			b.stop(e)
		}
	case !e.Local: // the service answered
		clear(b.inARow)
	}
	return e
}
