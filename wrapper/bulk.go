package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Converted is a caller's own row with its result.
type Converted[R any] struct {
	Row R
	Conversion
}

// OpenConversationIDs converts many chats and yields one result for each id, in the order of chatIDs. It is [ConvertEach]
// for rows that are just ids.
func (c *Client) OpenConversationIDs(ctx context.Context, chatIDs iter.Seq[string], opts ...BulkOption) iter.Seq2[Conversion, error] {
	return func(yield func(Conversion, error) bool) {
		for row, err := range ConvertEach(ctx, c, chatIDs, func(id string) string { return id }, opts...) {
			if !yield(row.Conversion, err) {
				return
			}
		}
	}
}

// ConvertEach converts the chat of each row and yields the row with its result, in the order of rows; chatID returns a
// row's chat id. Each distinct id is called once. The rate is that of the client's limiter, or else [DefaultRate] with an
// [AdaptiveLimiter].
//
// What a failure means to the others is its [Error.Scope]. One of ScopeChat does not stop them. One of ScopeAll does, and
// so do some of ScopeUnclear in a row ([Kind.InARow]): no more requests are sent, those under way are yielded, the failure
// that ended the run has Error.EndsRun, and every id without a result comes with [ErrNotTried], which also wraps that
// failure. Break out of the loop at the first of those, or go on to learn them all.
//
// When ctx ends, the results that there are come first, and then one more without a row, with the context's error; rows
// that were not read get none. A loop that ends early, or whose context does, leaves no call under way.
//
// rows is read in a goroutine of its own, a bounded number of rows ahead. It may still be inside the sequence when the
// loop ends: what that reads from must stay open until it has returned. A sequence that panics ends the run, with an
// error of [ErrPanicked] that has no row.
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

// BulkOption changes one run of [ConvertEach] or [Client.OpenConversationIDs]. A nil one is skipped. A value that makes no
// sense ends the run before it begins, with an error of [ErrRejected].
type BulkOption func(*run) error

// WithConcurrency sets how many calls may be under way at once, at least one. The default is 16, which is enough for any
// rate that the service allows.
func WithConcurrency(n int) BulkOption {
	return func(b *run) error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d is not positive", n)
		}
		b.concurrency = n
		return nil
	}
}

// WithMemory sets how many distinct chat ids a run remembers, so that one that comes again costs no second call. The
// default is 100,000, about 20 MB; ids that come again later than that are called again. With 0, each is called.
func WithMemory(ids int) BulkOption {
	return func(b *run) error {
		if ids < 0 {
			return fmt.Errorf("WithMemory: %d is negative", ids)
		}
		b.memory = ids
		return nil
	}
}

// WithStop ends the spending of a run: once stop is closed, no further request is sent. Requests under way are finished,
// until ctx ends; a call that waits (for the limiter, a token, the circuit breaker, the budget or a repeat) is not sent.
// Every id without a result comes with [ErrNotTried], or with what its last request met.
func WithStop(stop <-chan struct{}) BulkOption {
	return func(b *run) error {
		b.asked = stop
		return nil
	}
}

const (
	defaultConcurrency = 16
	defaultMemory      = 100_000
)

func (b *run) configure(opts []BulkOption, sequence bool) error {
	if !sequence {
		return errors.New("the sequence is nil, or the function that names a row's chat id")
	}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(b); err != nil {
			return err
		}
	}
	if b.limiter == nil {
		b.limiter = b.client.bulkPace.get(b.client.path.clock)
	}
	return nil
}

// queued is a row on its way to the caller, and the item of its id.
type queued[R any] struct {
	row R
	*item
}

// convertEach makes the run. Rows go from the input to queue, in order, and their items to work; workers complete them in
// any order; the caller's goroutine yields them in the order of queue.
func convertEach[R any](ctx context.Context, b *run, rows iter.Seq[R], chatID func(R) string, yield func(Converted[R], error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	b.waits, b.halt = context.WithCancel(ctx)
	b.inARow = map[int]int{}
	b.work = make(chan *item)
	// Rows are queued before they are begun, and the caller waits for one that is no longer queued: so no more are begun
	// and not yet yielded than may be under way, and a process that is killed has spent no more calls without a result.
	queue := make(chan queued[R], b.concurrency-1)
	var broken error // of the input; final once queue is closed
	go func() {
		defer close(b.work)
		defer close(queue)
		ended := false
		defer func() {
			if v := recover(); !ended {
				broken = panicked(v, text.Secrets{}, convertCall)
			}
		}()
		read(ctx, b, rows, chatID, queue)
		ended = true
	}()
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
	defer workers.Wait()
	defer cancel()

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
			yieldRest(q, queue, convertCall.unsent(&verdict{ended: err}, nil), yield)
			return
		}
		if !more && broken != nil {
			yield(Converted[R]{}, broken)
		}
	}
}

// yieldRest yields what has been taken from the input when the caller's context ended: results where there are some. The
// input itself may be one that never returns, so it is not waited for, and the last error is the context's.
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
