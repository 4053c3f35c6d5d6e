package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// rowRun is a run over rows.
type rowRun struct {
	world   *term.World
	o       *options
	in      *table
	guard   *guard
	sink    sink
	count   *count           // of the sink
	output  lang.Said        // its name
	journal *journal.Journal // nil: a stream
	scan    *scan            // nil for a stream, and before it is read through
	saved   bool             // the output has what the run has come to; always so for a stream
	skipped int              // blank lines and comments
	started time.Time
}

// readThrough reads the input to its end, before anything is written or called.
func (r *rowRun) readThrough(ctx context.Context) error {
	in := r.in
	if in.options.Format == rows.XLSX {
		in.options.Width = -1 // it is found out here
	}
	var read atomic.Int64
	defer r.o.show(r.world, func() progress {
		return progress{reading: in.name, done: read.Load(), total: -1, what: explain.Rows[int64]}
	})()
	s, distinct := &scan{}, newCounter()
	reader, err := in.each(ctx, func(row rows.Row) error {
		if !s.saw(row) {
			return nil
		}
		read.Add(1)
		has := row.Known.OpenConversationID != ""
		if problem(row.ChatID, row.Problem) != nil {
			if s.invalid++; has {
				return explain.UsageHint("name the column or field that its results were made from, or remove its results",
					"%s: line %d has a result, and %s is no chat id", in.name, row.Line, term.Shown(row.ChatID))
			}
			return nil
		}
		e, err := r.journal.Get(row.ChatID)
		if err != nil {
			return err
		}
		if has && r.journal.Round() != journal.All {
			s.earlier++
			if e.OpenConversationID == "" {
				e = journal.Entry{Result: row.Known, Settled: true}
			}
		}
		switch {
		case !e.Settled:
			distinct.add(row.ChatID, toCall)
			return nil
		case r.o.groups && !described(e):
			distinct.add(row.ChatID, toDescribe)
		default:
			distinct.add(row.ChatID, toKeep)
			s.done++
		}
		r.guard.settle(row.ChatID, e.Code == string(generated.CodeInvalidChatID), e.OpenConversationID != "")
		return nil
	})
	switch {
	case err == nil:
		s.calls, s.describe, s.distinct = distinct.count()
		s.skipped, s.found = reader.Skipped, reader.Found()
		in.options.Width = s.found.Width
	case !errors.Is(err, io.EOF):
		return err
	}
	r.scan = s
	return nil
}

// found tells what the input is, before calls are spent.
func (r *rowRun) found(reader *rows.Reader) {
	if r.in.options.Format != rows.Lines {
		r.world.Note("reading %s: %s", r.in.name, reader.Found())
	}
}

// nothing reports whether the input holds neither a row nor a header.
func (r *rowRun) nothing() bool {
	s := r.scan
	if s.rows > 0 {
		return false
	}
	if s.found.Name != "" && r.in.options.Format.Columns() {
		r.world.Note("%s holds no chat id; its header is all that is written", r.in.name)
		return false
	}
	r.world.Note("%s holds no chat id; nothing was done", r.in.name)
	return true
}

// nameIDs makes the guard speak of the column or field of the ids.
func (r *rowRun) nameIDs(name string) {
	if name != "" {
		r.guard.what = lang.Literal(name)
	}
}

// call calls the chats of a source. The error is why the run ended early.
func (r *rowRun) call(ctx context.Context, client *dingtalk.Client, from source, granted func(id, conversion string), more ...dingtalk.BulkOption) error {
	e := newEngine(r.o, client, from, r.sink, r.guard, granted, more...)
	r.started = time.Now()
	c, before := r.count, r.count.done.Load()
	defer r.o.show(r.world, func() progress {
		return progress{
			done: c.done.Load(), before: before, total: c.total, what: c.what, took: time.Since(r.started),
			calls: r.o.connect.Pace.Calls(), throttled: r.o.connect.Pace.Throttled(), stopping: e.pace.Stopping(),
		}
	})()
	return e.convert(ctx)
}

// summary is the output of --json for a run over rows.
type summary struct {
	Complete  bool    `json:"complete"`
	Rows      int     `json:"rows"` // converted or failed
	Total     int     `json:"total,omitempty"`
	Converted int     `json:"converted"`
	Failed    int     `json:"failed"`
	Left      int     `json:"left,omitempty"`        // rows of the output whose chat was not called
	Bare      int     `json:"undescribed,omitempty"` // rows converted whose group could not be described, with --check
	Kept      int     `json:"kept,omitempty"`        // conversions on standard error alone
	Skipped   int     `json:"skipped"`               // blank lines and comments
	Calls     int64   `json:"calls"`                 // of this run
	Throttled int64   `json:"throttled"`
	Seconds   float64 `json:"seconds"`
	Output    string  `json:"output,omitempty"` // empty: nothing was saved
	ExitCode  int     `json:"exitCode"`
	Error     string  `json:"error,omitempty"`
}

// failure makes the command's error for a run that ended with cause.
func failure(cause error, t tally) error {
	var known *explain.Error
	switch {
	case errors.Is(cause, errLimit), cause == nil:
		if t.failed+t.undescribed == 0 {
			return nil
		}
		return &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("some rows were not converted"), Reported: true}
	case errors.As(cause, &known):
		return cause
	default:
		return &explain.Error{Code: explain.StopCode(cause), Err: explain.Cause(cause), Hint: explain.Hint(cause)}
	}
}

// end reports how a run ended.
func (r *rowRun) end(cause error, t tally) error {
	failed := failure(cause, t)
	var known *explain.Error
	if errors.As(cause, &known) && known.Reported {
		r.count.lost.report(r.world)
		return failed // nobody reads the summary
	}
	return errors.Join(r.report(cause, failed, t), failed)
}

// report prints the summary and how to continue.
func (r *rowRun) report(cause, failed error, t tally) error {
	limited := errors.Is(cause, errLimit)
	s := summary{
		Complete: cause == nil, Rows: t.converted + t.failed, Converted: t.converted, Failed: t.failed, Left: t.left, Bare: t.undescribed, Skipped: r.skipped,
		Calls: r.o.connect.Pace.Calls(), Throttled: r.o.connect.Pace.Throttled(), ExitCode: explain.ExitCode(failed),
	}
	if !r.started.IsZero() {
		s.Seconds = time.Since(r.started).Round(time.Millisecond).Seconds()
	}
	if r.scan != nil {
		s.Total = r.scan.rows
	}
	rows := explain.Rows(s.Rows)
	if cause != nil {
		if s.Error = explain.Describe(explain.Cause(cause)).String(); limited {
			s.Error = ""
		}
		if s.Total > 0 {
			rows = lang.T("%d of %s", s.Rows, explain.Rows(s.Total))
		}
	}
	where := lang.T("in %s", r.output)
	switch {
	case r.saved:
		s.Output = fmt.Sprint(r.output)
	case r.journal.Empty():
		where = lang.T("nothing was saved")
	default:
		where = lang.T("in %s, and %s stays as it is until all chats are called", r.journal.Path, r.output)
	}
	r.world.Note("%s: %d converted, %d failed; %s, %d throttled, %s; %s", rows, s.Converted, s.Failed,
		explain.Calls(s.Calls), s.Throttled, time.Duration(s.Seconds*float64(time.Second)).Round(time.Second/10), where)
	if s.Bare > 0 {
		r.world.Note("%s", lang.N(s.Bare, "the group of %d row could not be described; the same command tries it again", "the groups of %d rows could not be described; the same command tries them again", s.Bare))
	}
	s.Kept = len(r.count.lost.pairs)
	r.count.lost.report(r.world)
	if cause == nil || limited {
		for _, sentinel := range explain.Sentinels() {
			if err := t.hinted[sentinel]; err != nil {
				r.world.Note("hint: %s", explain.Hint(err))
			}
		}
	}
	if r.journal != nil && !r.journal.Empty() {
		r.reportNext(cause, t)
	}
	if r.o.json {
		return r.world.PrintJSON(s)
	}
	return nil
}

// reportNext prints how to continue.
func (r *rowRun) reportNext(cause error, t tally) {
	switch {
	case cause != nil && r.guard.nonsense(): // its hint says how
	case cause != nil:
		r.world.Note("go on with: %s", r.o.againWith())
	case t.passing > 0:
		r.world.Note("%s", lang.N(t.passing, "%d row failed for a reason that may pass; try it again with: %s", "%d rows failed for a reason that may pass; try them again with: %s", t.passing, r.o.againWith()))
	case t.settled > 0 && r.o.again == "":
		r.world.Note("call the failed chats again, if that can help, with: %s", r.o.againWith("--again", "failed"))
	}
}
