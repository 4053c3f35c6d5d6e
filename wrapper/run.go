package dingtalk

import (
	"context"
	"errors"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/pace"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

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

	items  map[string]*item // of the last ids, by id
	recent []string         // a ring of the ids in items, once it has grown to memory
	next   int              // in recent

	mu     sync.Mutex
	inARow map[int]int // failures in a row, keyed by the number that ends the run
}

// item is one distinct id. done is closed when the rest is final.
type item struct {
	result Conversion
	err    error
	done   chan struct{}
}

// bulkPace is the limiter shared by a client's runs, unless the client has one. The first run makes it: an app without
// runs does not link it.
type bulkPace struct {
	once sync.Once
	pace Limiter
}

func (c *Client) newRun(ctx context.Context, opts []BulkOption, sequence bool) (*run, error) {
	b := &run{path: c.path, concurrency: 16, memory: 100_000, limiter: c.limiter, items: map[string]*item{}, inARow: map[int]int{}}
	err := apply(b, opts)
	if !sequence {
		err = errors.New("the sequence is nil, or the function that names a row's chat id")
	}
	if err != nil {
		return nil, unsendable(conversion, err)
	}
	if b.limiter == nil {
		own := &c.path.bulk
		own.once.Do(func() { own.pace = pace.New(DefaultRate, c.path.clock) })
		b.limiter = own.pace
	}
	b.ctx, b.cancel = context.WithCancel(ctx)
	b.waits, b.stop = context.WithCancelCause(b.ctx)
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
			case <-b.ctx.Done():
			}
		}()
	}
	return b, nil
}

// read reads the input, which may panic or end the goroutine.
func (b *run) read(input, end func()) {
	returned := false
	defer end()
	defer func() {
		if v := recover(); !returned {
			b.broken = b.path.panicked(v, &call{contract: conversion})
		}
	}()
	input()
	returned = true
}

// item returns the item of an id, and whether it is new.
func (b *run) item(id string) (it *item, isNew bool) {
	if it = b.items[id]; it != nil {
		return it, false
	}
	it = &item{result: Conversion{ChatID: id}, done: make(chan struct{})}
	switch {
	case b.memory == 0:
		return it, true
	case len(b.recent) < b.memory:
		b.recent = append(b.recent, id)
	default:
		delete(b.items, b.recent[b.next])
		b.recent[b.next] = id
		b.next = (b.next + 1) % b.memory
	}
	b.items[id] = it
	return it, true
}

// convert completes an item, by a call unless the run has stopped.
func (b *run) convert(it *item) {
	returned := false
	defer close(it.done)
	defer func() {
		if v := recover(); !returned {
			it.err = b.settle(b.path.panicked(v, &call{contract: conversion, chatID: it.result.ChatID}))
		}
	}()
	var err error
	if b.waits.Err() == nil || b.ctx.Err() != nil {
		it.result.OpenConversationID, err = b.path.convert(b.ctx, it.result.ChatID, b.limiter, b.adapt)
	} else {
		err = b.notTried(it.result.ChatID)
	}
	switch e, _ := text.Find[*Error](err); {
	case e == nil || !isContextEnd(e.Kind) || b.ctx.Err() != nil || b.waits.Err() == nil:
		err = b.settle(e)
	case e.Attempts > 0 && e.Err != nil: // the run ended the wait for a repeat
		err = e.Err
	default:
		err = b.notTried(it.result.ChatID)
	}
	it.err, returned = err, true
}

// adapt adapts a call to the run.
func (b *run) adapt(c *call) { c.throttles, c.waits = maxThrottles, b.waits }

// notTried makes the error of an id that was not called.
func (b *run) notTried(chatID string) *Error {
	e := &Error{Op: conversion.ID, ChatID: chatID, Kind: ErrNotTried, Local: true, Err: context.Cause(b.waits)}
	if cause, ok := e.Err.(*Error); ok { //nolint:errorlint // as settle leaves it
		e.RetryAfter = cause.RetryAfter
	}
	return e
}

// settle counts a failure (a success if e is nil), and ends the run if the next chat would fail in the same way. It
// returns e.
func (b *run) settle(e *Error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
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
