package dingtalk

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Conversion is one chat's pair of ids.
type Conversion struct {
	ChatID             string
	OpenConversationID string // empty if there is an error
}

// BulkOption changes one run of [Client.OpenConversationIDs].
type BulkOption func(*bulk)

// WithConcurrency sets how many calls may be under way at once, at least one. The default is 16, which is enough for any
// rate that the service allows.
func WithConcurrency(n int) BulkOption { return func(b *bulk) { b.concurrency = max(n, 1) } }

// WithMemory sets how many distinct chat ids a run remembers, so that one that comes again costs no second call. The
// default is 100,000, about 20 MB; ids that come again later than that are called again. With 0 or less, each is called.
func WithMemory(ids int) BulkOption { return func(b *bulk) { b.memory = max(ids, 0) } }

const (
	defaultConcurrency = 16
	defaultMemory      = 100_000
	// maxThrottles is how often a call of a run is repeated after throttles, beyond its ordinary attempts: the limiter
	// needs a few to find the limit.
	maxThrottles = 12
	// maxUnavailable and maxStrange are how many failures in a row, of the network or service and of answers that are
	// not the service's, end a run: the next would meet the same.
	maxUnavailable = 5
	maxStrange     = 3
)

// OpenConversationIDs converts many chats and yields one result for each id, in the order of chatIDs. Each distinct id
// is called once. The rate is that of the client's limiter, or else [DefaultRate] with an [AdaptiveLimiter].
//
// An error that concerns one chat ([ErrInvalidChatID], [ErrOwnerNotVisible]) does not stop the others. One that every
// further chat would meet does, and so do five failures of the service in a row, or three answers that are not the
// service's: no more calls are made, the calls under way are yielded, and every id after them comes with [ErrNotTried],
// which also wraps the cause. Break out of the loop at the first of those, or go on to learn them all.
//
// When ctx ends, the results that there are come first, and then one more without a ChatID, with the context's error;
// ids that were not read get none. A loop that ends early, or whose context does, leaves no call under way.
//
// chatIDs is read in a goroutine of its own, a bounded number of ids ahead. It may still be inside the sequence when the
// loop ends: what that reads from must stay open until it has returned.
func (c *Client) OpenConversationIDs(ctx context.Context, chatIDs iter.Seq[string], opts ...BulkOption) iter.Seq2[Conversion, error] {
	return func(yield func(Conversion, error) bool) {
		b := &bulk{client: c, concurrency: defaultConcurrency, memory: defaultMemory, limiter: c.limiter}
		if b.limiter == nil {
			b.limiter = c.bulkPace.limiter(c.clock)
		}
		for _, opt := range opts {
			opt(b)
		}
		b.run(ctx, chatIDs, yield)
	}
}

// bulk is one run. Ids go from the input to queue, in order, and to work; workers complete them in any order; the
// caller's goroutine yields them in the order of queue.
type bulk struct {
	client      *Client
	limiter     Limiter
	concurrency int
	memory      int

	queue chan *item // every id, in order
	work  chan *item // distinct ids

	mu     sync.Mutex
	streak streak
	stop   chan struct{} // closed when no further call is to be made
	cause  *Error        // why; set before stop is closed
}

// item is one distinct id. done is closed when the rest is final.
type item struct {
	result Conversion
	err    error
	done   chan struct{}
}

func (b *bulk) run(ctx context.Context, chatIDs iter.Seq[string], yield func(Conversion, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	// Ids are queued before they are begun, and the caller waits for one that is no longer queued: so no more are begun
	// and not yet yielded than may be under way, and a process that is killed has spent no more calls without a result.
	b.queue = make(chan *item, b.concurrency-1)
	b.work = make(chan *item)
	b.stop = make(chan struct{})
	go b.read(ctx, chatIDs)
	var workers sync.WaitGroup
	for range b.concurrency {
		workers.Go(func() { b.convertAll(ctx) })
	}
	defer workers.Wait()
	defer cancel()

	for more := true; more; {
		var it *item
		select {
		case it, more = <-b.queue:
		case <-ctx.Done():
		}
		if it != nil {
			select {
			case <-it.done:
				more = yield(it.result, it.err)
				continue
			case <-ctx.Done():
			}
		}
		if err := ctx.Err(); err != nil {
			workers.Wait()
			b.end(it, err, yield)
			return
		}
	}
}

// end yields what has been taken from the input when the caller's context ended: results where there are some. The
// input itself may be one that never returns, so it is not waited for, and the last error is the context's.
func (b *bulk) end(it *item, cause error, yield func(Conversion, error) bool) {
	ended := canceled(generated.OperationChatIDToOpenConversationID.ID, cause, nil)
	for more := true; more; {
		if it != nil {
			select {
			case <-it.done:
			default:
				it.err = ended
			}
			if !yield(it.result, it.err) {
				return
			}
		}
		select {
		case it, more = <-b.queue:
		default:
			more = false
		}
	}
	yield(Conversion{}, ended)
}

// read feeds the input to queue and work until it ends or ctx does.
func (b *bulk) read(ctx context.Context, chatIDs iter.Seq[string]) {
	defer close(b.work)
	defer close(b.queue)
	seen := newMemory(b.memory)
	for id := range chatIDs {
		it, known := seen.item(id)
		select {
		case b.queue <- it:
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

// convertAll completes items until there are no more or ctx ends.
func (b *bulk) convertAll(ctx context.Context) {
	for {
		select {
		case it, more := <-b.work:
			if !more {
				return
			}
			b.convert(ctx, it)
		case <-ctx.Done():
			return
		}
	}
}

// convert completes an item, by a call unless the run has stopped.
func (b *bulk) convert(ctx context.Context, it *item) {
	defer close(it.done)
	select {
	case <-b.stop:
		it.err = notTried(b.cause)
		return
	default:
	}
	var err error
	it.result.OpenConversationID, err = b.client.convert(ctx, it.result.ChatID, b.limiter, maxThrottles)
	it.err = err
	b.mu.Lock()
	defer b.mu.Unlock()
	if cause := b.streak.stops(err); cause != nil && b.cause == nil {
		b.cause = cause
		close(b.stop)
	}
}

// notTried is the error of an id for which no call was made.
func notTried(cause *Error) error {
	return &Error{
		Op: generated.OperationChatIDToOpenConversationID.ID, Kind: ErrNotTried, Local: true,
		RetryAfter: cause.RetryAfter, Err: cause,
	}
}

// streak counts failures in a row that may or may not be about one chat alone.
type streak struct{ unavailable, strange int }

// stops returns err as the end of the run, if the next chat would meet it too.
func (s *streak) stops(err error) *Error {
	e, ok := as[*Error](err)
	if !ok {
		*s = streak{}
		return nil
	}
	switch {
	case errors.Is(e.Kind, ErrInvalidChatID), errors.Is(e.Kind, ErrOwnerNotVisible):
		if !e.Local {
			*s = streak{}
		}
		return nil
	case errors.Is(e.Kind, ErrUnavailable):
		if s.unavailable++; s.unavailable < maxUnavailable {
			return nil
		}
	case errors.Is(e.Kind, ErrUnexpectedResponse), errors.Is(e.Kind, ErrRejected),
		errors.Is(e.Kind, ErrPermissionDenied) && generated.LookupErrorCode(string(e.Code)) == nil:
		if s.strange++; s.strange < maxStrange {
			return nil
		}
	}
	return e
}

// memory finds the item of an id that has come before, among the last so many distinct ones.
type memory struct {
	size  int
	items map[string]*item
	order []string // a ring of the ids in items, once it has grown to size
	next  int
}

func newMemory(size int) *memory { return &memory{size: size, items: make(map[string]*item)} }

func (m *memory) item(id string) (it *item, known bool) {
	if it, known = m.items[id]; known {
		return it, true
	}
	it = &item{result: Conversion{ChatID: id}, done: make(chan struct{})}
	switch {
	case m.size == 0:
		return it, false
	case len(m.order) < m.size:
		m.order = append(m.order, id)
	default:
		delete(m.items, m.order[m.next])
		m.order[m.next] = id
		m.next = (m.next + 1) % m.size
	}
	m.items[id] = it
	return it, false
}
