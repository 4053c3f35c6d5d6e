package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
)

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
// in every other loop, unless ctx has ended: give the sequence's source that context, too, or close the source in
// [WithInputEnd]. A sequence that panics ends the run with an error of [ErrPanicked] without a row.
func ConvertEach[R any](ctx context.Context, c *Client, rows iter.Seq[R], chatID func(R) string, opts ...BulkOption) iter.Seq2[Converted[R], error] {
	return func(yield func(Converted[R], error) bool) {
		b := &run{client: c, concurrency: defaultConcurrency, memory: defaultMemory, limiter: c.limiter}
		if err := b.configure(opts, rows != nil && chatID != nil); err != nil {
			yield(Converted[R]{}, &Error{Op: convertCall.op, Kind: ErrRejected, Local: true, Message: "not sent: " + err.Error()})
			return
		}
		convertEach(ctx, b, rows, chatID, yield)
	}
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

// WithInputEnd calls end once the sequence has returned, in the goroutine that read it: the place to close its source.
// An error of end, such as that of [database/sql.Rows.Err], comes as it is after the last row, without a row.
func WithInputEnd(end func() error) BulkOption {
	return func(b *run) error {
		b.inputEnd = end
		return nil
	}
}

const (
	defaultConcurrency = 16
	maxConcurrency     = 4096 // far above every rate limit
	defaultMemory      = 100_000
)

func (b *run) configure(opts []BulkOption, sequence bool) error {
	if !sequence {
		return errors.New("the sequence is nil, or the function that names a row's chat id")
	}
	if err := apply(b, opts); err != nil {
		return err
	}
	if b.limiter == nil {
		b.limiter = b.client.bulkPace.get(b.client.path.clock)
	}
	return nil
}

// queued is a row in the output queue with the item of its id.
type queued[R any] struct {
	row R
	*item
}

// convertEach runs three stages. The reader puts rows into queue in input order and their items into work. Workers
// complete items in any order. The caller's goroutine yields the rows of queue.
func convertEach[R any](ctx context.Context, b *run, rows iter.Seq[R], chatID func(R) string, yield func(Converted[R], error) bool) {
	caller := ctx
	ctx, cancel := context.WithCancel(ctx)
	b.waits, b.halt = context.WithCancel(ctx)
	b.inARow = map[int]int{}
	b.work = make(chan *item)
	// A row enters queue before its call starts, and leaves it only to be yielded. So at most concurrency rows are
	// started and not yet yielded, and a killed process has spent at most that many calls without a result.
	queue := make(chan queued[R], b.concurrency-1)
	var broken error // the input's panic, or what inputEnd returned; final once queue is closed
	guard := func(f func() error) {
		err, ended := error(nil), false
		defer func() {
			if v := recover(); !ended {
				err = b.client.path.panicked(v, convertCall)
			}
			if broken == nil {
				broken = err
			}
		}()
		err = f()
		ended = true
	}
	go func() {
		defer close(b.work)
		defer close(queue)
		if b.inputEnd != nil {
			defer guard(b.inputEnd)
		}
		guard(func() error { read(ctx, b, rows, chatID, queue); return nil })
	}()
	select {
	case <-b.asked: // before the first call
		b.stop(errStopped)
	default:
	}
	if b.asked != nil {
		go func() {
			select {
			case <-b.asked:
				b.stop(errStopped)
			case <-ctx.Done():
			}
		}()
	}
	var workers sync.WaitGroup
	for range b.concurrency {
		workers.Go(func() { b.convertAll(ctx, &workers) })
	}
	defer func() {
		cancel()
		workers.Wait()
		for more := true; more; {
			select {
			case _, more = <-queue:
			case <-caller.Done(): // the source may never return
				more = false
			}
		}
	}()

	for more := true; more; {
		var q queued[R]
		select {
		case q, more = <-queue:
		case <-ctx.Done():
		}
		if q.item != nil {
			select {
			case <-q.done:
				more = yield(Converted[R]{q.row, q.result}, q.err)
				continue
			case <-ctx.Done():
			}
		}
		if err := ctx.Err(); err != nil {
			workers.Wait()
			yieldRest(q, queue, (&call{subject: convertCall}).unsent(&verdict{ended: err}, nil), yield)
			return
		}
		if !more && broken != nil {
			yield(Converted[R]{}, broken)
		}
	}
}

// yieldRest yields the rows read before ctx ended, with their results if they have one, and ctx's error at last. It
// does not wait for the input, which may never return.
func yieldRest[R any](q queued[R], queue <-chan queued[R], ended *Error, yield func(Converted[R], error) bool) {
	for more := true; more; {
		if q.item != nil {
			err := error(ended)
			select {
			case <-q.done:
				err = q.err
			default:
			}
			if !yield(Converted[R]{q.row, q.result}, err) {
				return
			}
		}
		select {
		case q, more = <-queue:
		default:
			more = false
		}
	}
	yield(Converted[R]{}, ended)
}

// read feeds the input to queue and work until it ends or ctx does.
func read[R any](ctx context.Context, b *run, rows iter.Seq[R], chatID func(R) string, queue chan<- queued[R]) {
	seen := newMemory(b.memory)
	for row := range rows {
		it, known := seen.item(chatID(row))
		select {
		case queue <- queued[R]{row, it}:
		case <-ctx.Done():
			return
		}
		if known {
			continue
		}
		select {
		case b.work <- it:
		case <-ctx.Done():
			return
		}
	}
}
