package dingtalk

import (
	"context"
	"errors"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Conversion is a chat's pair of ids.
type Conversion struct {
	ChatID             string
	OpenConversationID string // empty if there is an error
}

// convertCall names the conversion in errors of a run.
var convertCall = subject{op: generated.OperationChatIDToOpenConversationID.ID}

// maxThrottles is the number of retries after throttles, beyond the ordinary attempts, of a call of a run: the limiter
// needs a few to find the limit.
const maxThrottles = 12

// run is the part of a run that does not depend on the row type.
type run struct {
	client      *Client
	limiter     Limiter
	concurrency int
	memory      int
	inputEnd    func() error    // called when the input has returned; nil: nothing is
	asked       <-chan struct{} // closed by the caller to stop the run (see WithStop); nil: never

	work  chan *item      // distinct ids
	waits context.Context // ends when the run stops sending requests

	mu      sync.Mutex
	inARow  map[int]int // failures in a row, keyed by the number that ends the run
	stopped bool
	cause   error // why it stopped
	halt    context.CancelFunc
}

// item is one distinct id. done is closed when the rest is final.
type item struct {
	result Conversion
	err    error
	done   chan struct{}
}

// convertAll completes items until there are no more or ctx ends. If foreign code ends the worker's goroutine, another
// worker replaces it.
func (b *run) convertAll(ctx context.Context, workers *sync.WaitGroup) {
	returned := false
	defer func() {
		if !returned {
			workers.Go(func() { b.convertAll(ctx, workers) })
		}
	}()
	for more := true; more; {
		var it *item
		select {
		case it, more = <-b.work:
			if more {
				b.convert(ctx, it)
			}
		case <-ctx.Done():
			more = false
		}
	}
	returned = true
}

// convert completes an item, by a call unless the run has stopped.
func (b *run) convert(ctx context.Context, it *item) {
	defer close(it.done)
	returned := false
	defer func() {
		if v := recover(); !returned {
			it.err = b.settle(b.client.path.panicked(v, subject{op: convertCall.op, chatID: it.result.ChatID}))
		}
	}()
	if b.waits.Err() != nil {
		it.err = b.notTried(it.result.ChatID)
	} else {
		it.result.OpenConversationID, it.err = b.client.path.convert(ctx, it.result.ChatID, b.limiter, b.change)
		e, failed := text.Find[*Error](it.err)
		switch {
		case failed && isContextEnd(e.Kind) && ctx.Err() == nil && b.waits.Err() != nil: // the run ended the wait
			if earlier, ok := e.Err.(*Error); ok && e.Attempts > 0 { //nolint:errorlint // as call.unsent makes it
				it.err = earlier
			} else {
				it.err = b.notTried(it.result.ChatID)
			}
		case failed:
			it.err = b.settle(e)
		default:
			_ = b.settle(nil)
		}
	}
	returned = true
}

// change adapts a call to the run.
func (b *run) change(c *call) { c.throttles, c.waits = maxThrottles, b.waits }

// errStopped is the cause when the caller ends a run.
var errStopped = errors.New("the run was stopped")

// notTried makes the error of an id that was not called.
func (b *run) notTried(chatID string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &Error{Op: convertCall.op, ChatID: chatID, Kind: ErrNotTried, Local: true, Err: b.cause}
	if cause, ok := b.cause.(*Error); ok { //nolint:errorlint // as settle leaves it
		e.RetryAfter = cause.RetryAfter
	}
	return e
}

// settle counts a failure (a success if e is nil), and ends the run if the next chat would fail in the same way. It
// returns e.
func (b *run) settle(e *Error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case e == nil:
		clear(b.inARow)
		return nil
	case e.Scope() == ScopeChat:
		if !e.Local { // the service answered
			clear(b.inARow)
		}
		return e
	}
	enough := e.inARow()
	if b.inARow[enough]++; b.inARow[enough] >= enough && !b.stopped {
		e.EndsRun = true
		b.end(e)
	}
	return e
}

// stop ends the run: it sends no further requests.
func (b *run) stop(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		b.end(cause)
	}
}

// end is stop with b.mu held.
func (b *run) end(cause error) {
	b.stopped, b.cause = true, cause
	b.halt()
}

// memory finds the item of a repeated id among the last size distinct ids.
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
