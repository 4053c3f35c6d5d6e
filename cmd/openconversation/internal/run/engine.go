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

// graceTime is how long calls under way may take to end after a signal or --timeout.
const graceTime = 5 * time.Second

// engine is the loop of a run.
type engine struct {
	client  *dingtalk.Client
	options []dingtalk.BulkOption
	source  source
	sink    sink
	guard   *guard
	limits  limits
	groups  *describer // nil if groups are not described

	stopOnce sync.Once
	stop     chan struct{} // closed when nothing more is to be sent
	reading  context.CancelFunc

	gap    error // why an item has no result; none behind it is put
	failed int   // items that have failed in this run

	undescribed int // groups in a row that could not be described
}

// describe has groups described as well, so many at a time.
func (e *engine) describe(ahead int) {
	e.groups = &describer{client: e.client, ahead: ahead, stop: e.stop}
}

// limits end a run that is asked to end.
type limits struct {
	failures int // --max-failures; 0 is none
	items    int // --limit; 0 is none
}

// errLimit ends a run that has done as many items as it was to do. It is no failure.
var errLimit = lang.Errorf("stopped by --limit")

// convert takes items from the source and gives them to the sink until there are no more or the run is over. Its error
// is why the run did not come to its end.
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

	input := newInput(e.source, e.guard, e.limits.items, e.stop)
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

// end has nothing more sent.
func (e *engine) end() {
	e.stopOnce.Do(func() { close(e.stop); e.reading() })
}

// ending reports whether nothing more is sent.
func (e *engine) ending() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// take gives one result to the sink.
func (e *engine) take(ctx context.Context, o outcome) {
	it, c, err := o.Row, o.Converted, o.err
	if e.gap == nil && !e.described(ctx, it, o.group) {
		if it.known == nil {
			e.sink.late(it, c.OpenConversationID)
		}
		return
	}
	switch {
	case it == nil: // the last error of a run that was cut off is no item's
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

// maxUndescribed is how many descriptions in a row may fail for a reason that may be about every chat.
const maxUndescribed = 5

// described waits for the description of an item. It says whether the item can be put: otherwise the run ends, and what was
// converted is kept for its continuation.
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

// cut ends the run at an item that was not asked for, or whose call was cut off.
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

// put gives a result to the sink in its order, and ends the run where it must go no further.
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
	e.failed++
	switch {
	case e.guard.nonsense():
		e.gap = e.guard.refusal()
	case e.limits.failures > 0 && e.failed >= e.limits.failures:
		e.gap = &explain.Error{
			Code: explain.SomeFailed, Err: &failuresError{lang.N(e.failed, "stopped by --max-failures: %d chat has failed", "stopped by --max-failures: %d chats have failed", e.failed)},
			Hint: lang.T("look at what failed and why; to go on all the same, give a higher --max-failures"),
		}
	default:
		return
	}
	e.end()
}

// failuresError ends a run with --max-failures.
type failuresError struct{ lang.Text }

func (e *failuresError) Error() string { return e.String() }

// input is the source as the SDK reads it.
type input struct {
	source source
	guard  *guard
	limit  int
	stop   <-chan struct{}
	end    chan error // why there are no more; io.EOF after the last
}

func newInput(s source, g *guard, limit int, stop <-chan struct{}) *input {
	return &input{source: s, guard: g, limit: limit, stop: stop, end: make(chan error, 1)}
}

// items yields the items until there are no more, or reading ends.
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

// ended is why there were no more items. It waits until the source is not read any more, unless it is one that may
// never return.
func (in *input) ended() error { return <-in.end }
