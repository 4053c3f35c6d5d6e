// Package run converts many chats in one run. Data flows one way:
//
//	source  ──items──▶  dingtalk.ConvertEach  ──items with results, in order──▶  sink
//
// A source yields the chats of arguments, of lines, or of a file's rows (stream.go, file.go). Items without a
// call pass through the same way, so the order needs no bookkeeping. A sink takes results in the source's order: a report
// on standard output or a stream of rows (stream.go). Into a file, the source yields only chats that the
// journal does not know, the sink puts their results into it, and the output is assembled at the end (file.go).
//
// engine.go is the loop between them. Only the engine ends a run, in one way: it stops the pace, after which no request
// is sent, and conversions and descriptions in flight finish. From the first item without a result on, results go to the
// sink as late ones: each was paid for, and none may be lost.
//
// The rest: flags.go and command.go are the flags, table.go is the input, guard.go stops a run over values that are not
// ids, plan.go estimates the cost, rowrun.go prints the result and the command to continue.
package run

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// graceTime is how long calls in flight may take to finish after a signal or --timeout; descriptions, after any stop.
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
	pace    *connect.Pace
	reading context.CancelFunc
	ended   chan error // why the source's items ended; io.EOF after the last

	gap         error // why an item has no result; no later item is put
	undescribed int   // failed descriptions in a row
}

// newEngine makes an engine. With --check, granted gets each conversion before its group is described; it may be nil.
func newEngine(o *options, client *dingtalk.Client, from source, to sink, g *guard, granted func(id, conversion string), more ...dingtalk.BulkOption) *engine {
	e := &engine{
		client: client, source: from, sink: to, guard: g, limit: o.limit, pace: o.connect.Pace, ended: make(chan error, 1),
	}
	e.options = append(more, dingtalk.WithConcurrency(o.concurrency), dingtalk.WithStop(e.pace.Stopped()))
	if o.groups {
		e.groups = &describer{client: client, ahead: o.concurrency, granted: granted}
	}
	return e
}

// errLimit ends a run after --limit items. It is not a failure.
var errLimit = lang.Errorf("stopped by --limit")

// convert passes items from the source to the sink until the source ends or the run does. Its error is why the run ended early.
func (e *engine) convert(ctx context.Context) error {
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	e.reading = stopReading
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
	describing, undescribed := context.WithCancel(calls)
	defer undescribed()
	go func() {
		select {
		case <-e.pace.Stopped():
			time.AfterFunc(graceTime, undescribed) // one may sleep before a retry
		case <-finished:
		}
	}()
	for o := range e.groups.outcomes(describing, dingtalk.ConvertEach(calls, e.client, e.items(reading), (*item).called, e.options...)) {
		e.take(ctx, o)
	}
	if e.gap != nil {
		return e.gap
	}
	ended := <-e.ended
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
func (e *engine) end() { e.pace.Stop(); e.reading() }

// endFor stops sending, because an item has no result.
func (e *engine) endFor(cause error) {
	if e.gap == nil {
		e.gap = cause
	}
	e.end()
}

// take passes one result to the sink.
func (e *engine) take(ctx context.Context, o outcome) {
	it, id, err := o.Row, o.OpenConversationID, o.err
	e.describe(ctx, it, o.group)
	switch {
	case it == nil: // the last error of a cancelled run belongs to no item
		e.cut(ctx, err)
	case e.gap != nil && it.paid(id):
		e.sink.late(it, id)
	case e.gap != nil:
		e.sink.missed(it, err, false)
	case it.known != nil:
		e.put(it, "", nil)
	case err == nil:
		e.guard.saw(it.id, nil)
		e.put(it, id, nil)
	case errors.Is(err, dingtalk.ErrNotTried), fromContext(err):
		e.cut(ctx, err)
		e.sink.missed(it, err, false)
	case endsRun(err):
		e.endFor(err)
		e.sink.missed(it, err, true)
	default:
		e.guard.saw(it.id, err)
		e.put(it, "", err)
	}
}

// maxUndescribed is how many descriptions in a row may fail for a reason that may concern every chat.
const maxUndescribed = 5

// describe waits for an item's description, also when the run has ended: it may be paid for. It ends the run if there
// is none for a reason of every chat.
func (e *engine) describe(ctx context.Context, it *item, p *pending) {
	if p == nil {
		return
	}
	<-p.done
	switch {
	case p.err == nil:
		e.undescribed = 0
		it.group = p.group
	case errors.Is(p.err, dingtalk.ErrNotTried), fromContext(p.err):
		e.cut(ctx, p.err)
	case unclear(p.err) && e.undescribed < maxUndescribed-1:
		e.undescribed++
		it.group = &rows.Result{Status: notDescribed + rowResult(p.err).Code}
	default:
		e.endFor(p.err)
	}
}

// cut ends the run at an item that was not called, or whose call was cancelled.
func (e *engine) cut(ctx context.Context, err error) {
	if ended := explain.Ended(ctx, explain.Cause(err)); ended != nil {
		err = ended
	} else if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	e.endFor(err)
}

// put passes a result to the sink in order, and ends the run if it must.
func (e *engine) put(it *item, id string, err error) {
	if failure := e.sink.put(it, id, err); failure != nil {
		e.endFor(failure)
		if it.paid(id) {
			e.sink.late(it, id)
		}
	} else if e.guard.nonsense() {
		e.endFor(e.guard.refusal())
	}
}

// items yields the source's items until it or reading ends.
func (e *engine) items(reading context.Context) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for n := 0; ; n++ {
			if reading.Err() != nil {
				e.ended <- context.Cause(reading)
				return
			}
			if e.limit > 0 && n == e.limit {
				ended := errLimit
				if e.source.atEnd() {
					ended = io.EOF
				}
				e.ended <- ended
				return
			}
			it, err := e.source.next(reading)
			if err != nil {
				e.ended <- err
				return
			}
			if it.known == nil && !e.guard.admit(it.id, e.pace.Stopped()) || !yield(it) {
				e.ended <- context.Canceled
				return
			}
		}
	}
}

// outcome is an item's conversion and, with --check, the pending description of its group.
type outcome struct {
	dingtalk.Converted[*item]
	err   error
	group *pending // nil: no description
}

// pending is a description in flight.
type pending struct {
	done  chan struct{}
	group *rows.Result
	err   error
}

// describer fetches the descriptions of converted chats' groups.
type describer struct {
	client  *dingtalk.Client
	ahead   int                         // how many descriptions may be in flight
	granted func(id, conversion string) // gets each conversion before its description is asked for; may be nil
}

// maxDescribed is how many descriptions are remembered for repeated chats.
const maxDescribed = 100_000

// outcomes adds descriptions to conversions, in order. A nil describer adds none.
func (d *describer) outcomes(ctx context.Context, converted iter.Seq2[dingtalk.Converted[*item], error]) iter.Seq[outcome] {
	return func(yield func(outcome) bool) {
		if d == nil {
			for c, err := range converted {
				if !yield(outcome{Converted: c, err: err}) {
					return
				}
			}
			return
		}
		ahead := make(chan outcome, d.ahead)
		go func() {
			defer close(ahead)
			known := map[string]*pending{}
			for c, err := range converted {
				o := outcome{Converted: c, err: err}
				if c.Row != nil && c.Row.wantsGroup(c.OpenConversationID) {
					if len(known) >= maxDescribed {
						clear(known)
					}
					if d.granted != nil && err == nil && c.Row.known == nil {
						d.granted(c.Row.id, c.OpenConversationID)
					}
					if known[c.Row.id] == nil {
						known[c.Row.id] = d.ask(ctx, c.Row.id)
					}
					o.group = known[c.Row.id]
				}
				ahead <- o
			}
		}()
		for o := range ahead { // to the end: nobody else drains it
			yield(o)
		}
	}
}

// wantsGroup reports whether a chat is converted, now or before, but not described.
func (it *item) wantsGroup(id string) bool {
	if it.known != nil {
		return it.known.OpenConversationID != "" && it.known.Status == ""
	}
	return id != ""
}

// ask fetches a group's description.
func (d *describer) ask(ctx context.Context, chatID string) *pending {
	p := &pending{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.group, p.err = describe(ctx, d.client, chatID)
	}()
	return p
}

// describe fetches a group's description. It returns only errors that concern, or may concern, every chat.
func describe(ctx context.Context, client *dingtalk.Client, chatID string) (*rows.Result, error) {
	answer, err := client.GetChat(ctx, generated.GetChatParams{ChatID: chatID})
	switch {
	case err == nil && answer.ChatInfo != nil:
		info := answer.ChatInfo
		return &rows.Result{Name: given(info.Name), Owner: given(info.Owner), Status: statusOf(info.Status)}, nil
	case endsRun(err), unclear(err), fromContext(err):
		return nil, err
	}
	return &rows.Result{Status: notDescribed + rowResult(err).Code}, nil
}

func statusOf(status *int32) string {
	switch {
	case status == nil:
		return ""
	case *status == 1:
		return groupNormal
	case *status == 2:
		return groupDisbanded
	}
	return strconv.Itoa(int(*status))
}

func given(text *string) string {
	if text == nil {
		return ""
	}
	return term.Printable(*text)
}
