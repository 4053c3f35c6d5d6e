package run

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// graceTime is how long calls in flight may take to finish after a signal or --timeout.
const graceTime = 5 * time.Second

// engine is the loop of a run.
type engine struct {
	client  *dingtalk.Client
	options []dingtalk.BulkOption
	source  source
	sink    sink
	guard   *guard
	limit   int        // --limit; 0: none
	groups  *describer // nil: groups are not described

	stopOnce sync.Once
	stop     chan struct{} // closed when the run stops sending
	reading  context.CancelFunc

	gap    error // why an item has no result; no later item is put
	failed int   // items that have failed in this run

	undescribed int // failed descriptions in a row
}

// describe makes the engine describe groups, too, ahead of them at a time. granted gets each conversion before; it may
// be nil.
func (e *engine) describe(ahead int, granted func(id, conversion string)) {
	e.groups = &describer{client: e.client, ahead: ahead, stop: e.stop, granted: granted}
}

// errLimit ends a run after --limit items. It is not a failure.
var errLimit = lang.Errorf("stopped by --limit")

// convert passes items from the source to the sink until the source ends or the run does. Its error is why the run
// ended early.
func (e *engine) convert(ctx context.Context) error {
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	e.reading = func() { stopReading(nil) }
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		select {
		case <-ctx.Done():
		case <-finished:
			return
		}
		e.end()
		select {
		case <-time.After(graceTime):
		case <-finished:
		}
		cancel()
	}()

	input := newInput(e.source, e.guard, e.limit, e.stop)
	options := append(e.options, dingtalk.WithStop(e.stop))
	for o := range e.groups.outcomes(calls, dingtalk.ConvertEach(calls, e.client, input.items(reading), (*item).called, options...)) {
		e.take(ctx, o)
	}
	cancel()
	e.groups.wait()
	if e.gap != nil {
		return e.gap
	}
	ended := input.ended()
	switch cause := context.Cause(ctx); {
	case errors.Is(ended, io.EOF):
		return nil
	case cause != nil:
		return cause
	default:
		return ended
	}
}

// end stops sending.
func (e *engine) end() {
	e.stopOnce.Do(func() { close(e.stop); e.reading() })
}

// ending reports whether the run has stopped sending.
func (e *engine) ending() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// take passes one result to the sink.
func (e *engine) take(ctx context.Context, o outcome) {
	it, c, err := o.Row, o.Converted, o.err
	if e.gap == nil && !e.described(ctx, it, o.group) {
		if it.known == nil {
			e.sink.late(it, c.OpenConversationID)
		}
		return
	}
	switch {
	case it == nil: // the last error of a cancelled run belongs to no item
		e.cut(ctx, err)
	case e.gap != nil && err == nil && it.known == nil:
		e.sink.late(it, c.OpenConversationID)
	case e.gap != nil:
		e.sink.skipped(it, err)
	case it.known != nil:
		e.put(it, "", nil)
	case err == nil:
		e.guard.saw(it.id, nil)
		e.put(it, c.OpenConversationID, nil)
	case errors.Is(err, dingtalk.ErrNotTried), fromContext(err):
		e.cut(ctx, err)
		e.sink.skipped(it, err)
	case endsRun(err):
		e.gap = err
		e.end()
		e.sink.ends(it, err)
	default:
		e.guard.saw(it.id, err)
		e.put(it, "", err)
	}
}

// maxUndescribed is how many descriptions in a row may fail for a reason that may concern every chat.
const maxUndescribed = 5

// described waits for an item's description. It returns false if the run must end before the item is put: its
// conversion is then kept for the run's continuation.
func (e *engine) described(ctx context.Context, it *item, p *pending) bool {
	if p == nil {
		return true
	}
	<-p.done
	switch {
	case p.err == nil:
		e.undescribed = 0
		it.group = p.group
		return true
	case errors.Is(p.err, dingtalk.ErrNotTried), fromContext(p.err):
		e.cut(ctx, p.err)
		return false
	case unclear(p.err) && e.undescribed < maxUndescribed-1:
		e.undescribed++
		it.group = &group{status: notDescribed + rowResult(p.err).Code}
		return true
	}
	if e.gap == nil {
		e.gap = p.err
	}
	e.end()
	return false
}

// cut ends the run at an item that was not called, or whose call was cancelled.
func (e *engine) cut(ctx context.Context, err error) {
	if e.gap != nil {
		return
	}
	switch ended, cause := explain.Ended(ctx, explain.Cause(err)), context.Cause(ctx); {
	case ended != nil:
		e.gap = ended
	case cause != nil:
		e.gap = cause
	default:
		e.gap = err
	}
	e.end()
}

// put passes a result to the sink in order, and ends the run if it must.
func (e *engine) put(it *item, id string, err error) {
	if failure := e.sink.put(it, id, err); failure != nil {
		e.gap = failure
		e.end()
		if id != "" {
			e.sink.late(it, id)
		}
		return
	}
	if err == nil && (it.known == nil || it.known.OpenConversationID != "") {
		return
	}
	if e.failed++; e.guard.nonsense() {
		e.gap = e.guard.refusal()
		e.end()
	}
}

// input adapts the source to the SDK.
type input struct {
	source source
	guard  *guard
	limit  int
	stop   <-chan struct{}
	end    chan error // why the items end; io.EOF after the last
}

func newInput(s source, g *guard, limit int, stop <-chan struct{}) *input {
	return &input{source: s, guard: g, limit: limit, stop: stop, end: make(chan error, 1)}
}

// items yields the source's items until it or reading ends.
func (in *input) items(reading context.Context) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for n := 0; ; n++ {
			if reading.Err() != nil {
				in.end <- context.Cause(reading)
				return
			}
			if in.limit > 0 && n == in.limit {
				if in.source.atEnd() {
					in.end <- io.EOF
				} else {
					in.end <- errLimit
				}
				return
			}
			it, err := in.source.next(reading)
			if err != nil {
				in.end <- err
				return
			}
			if it.known == nil && !in.guard.admit(it.id, in.stop) {
				in.end <- context.Canceled
				return
			}
			if !yield(it) {
				in.end <- context.Canceled
				return
			}
		}
	}
}

// ended returns why the items ended. It waits until the source is no longer read, unless its read may never return.
func (in *input) ended() error { return <-in.end }
