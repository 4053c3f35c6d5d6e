package run

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// wanted describes the journal of the run.
func (r *rowRun) wanted() journal.Wanted {
	return journal.Wanted{App: r.o.connect.Identity(r.world), Room: r.o.reach() + 1, Settles: explain.OfOneChat}
}

// intoFile calls what the journal does not know, and then assembles the output.
func (r *rowRun) intoFile(ctx context.Context) (err error) {
	if r.journal, err = journal.Open(r.o.output, r.in.file, r.wanted()); err != nil {
		return err
	}
	r.output = lang.Literal(r.journal.Name)
	j := r.journal
	defer func() {
		if closed := j.Close(); closed != nil {
			err = errors.Join(err, explain.InFile(r.journal.Path, closed))
		}
	}()
	if err := r.learn(ctx); err != nil {
		return err
	}
	if r.nothing() {
		return nil
	}
	scan := r.scan
	s := &fileSink{journal: j, flying: map[string]bool{}, count: count{total: int64(scan.distinct), what: explain.Chats[int64]}}
	s.done.Store(int64(scan.distinct - scan.calls - scan.describe))
	r.sink, r.count, r.skipped = s, &s.count, scan.skipped
	var cause error
	switch {
	case r.guard.nonsense():
		cause = r.guard.refusal()
	case scan.calls+scan.describe > 0:
		if cause, err = r.callRest(ctx, s); err != nil {
			return err
		}
	}
	return r.assemble(s, cause)
}

// learn reads the input through, and adds to the journal what it has as results.
func (r *rowRun) learn(ctx context.Context) error {
	j := r.journal
	if j.Skipped > 0 {
		r.world.Note("%s", lang.N(j.Skipped, "%d line of %s cannot be read; its chat is called again", "%d lines of %s cannot be read; their chats are called again", j.Skipped, r.journal.Path))
	}
	r.in.options.Details = r.in.options.Details || j.Details
	if again := r.o.again; again != "" {
		if j.Empty() && again == string(journal.Failed) {
			r.world.Note("%s has no journal with results; this is a new run", r.journal.Name) // the name may be mistyped, and calls cost quota
		} else {
			j.Begin(journal.Again(again))
		}
	}
	if err := r.readThrough(ctx); err != nil {
		return err
	}
	r.nameIDs(r.scan.found.Name)
	j.Expect(r.scan.calls)
	if r.scan.earlier == 0 {
		return nil
	}
	r.world.Note("%s", lang.N(r.scan.earlier, "%d row of %s has its result already", "%d rows of %s have their results already", r.scan.earlier, r.in.name))
	_, err := r.in.each(ctx, func(row rows.Row) error {
		if row.Known.OpenConversationID == "" {
			return nil
		}
		e, err := j.Get(row.ChatID)
		if err != nil || e.OpenConversationID != "" {
			return err
		}
		row.Known.Code, row.Known.Error = "", ""
		if err := j.Put(row.ChatID, row.Known); err != nil {
			return explain.InFile(r.journal.Path, err)
		}
		return nil
	})
	return err
}

// callRest calls the chats that are not known. cause is why that ended early.
func (r *rowRun) callRest(ctx context.Context, s *fileSink) (cause, err error) {
	client, done, err := r.o.connect.Dial(ctx, r.world)
	if err != nil {
		return nil, err
	}
	defer done()
	reader, err := r.in.reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }() // read-only
	scan := r.scan
	if known := scan.distinct - scan.calls; known > 0 {
		r.world.Note("%s", lang.N(known, "%d chat is known; %d to call", "%d chats are known; %d to call", known, scan.calls))
	}
	r.found(reader)
	scan.report(r.world)
	from := &fileSource{in: r.in, rows: reader, sink: s, groups: r.o.groups, left: scan.calls + scan.describe}
	return r.call(ctx, client, from, s.granted, dingtalk.WithMemory(0)), nil
}

// assemble writes the output, and reports how the run ended.
func (r *rowRun) assemble(s *fileSink, cause error) error {
	j, complete := r.journal, cause == nil
	if !complete && (j.Empty() || j.Round() == journal.All) {
		return r.end(cause, s.tally)
	}
	t := tally{hinted: s.hinted}
	reader, err := r.in.reader()
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // read-only
	called := r.o.connect.Pace.Calls() > 0
	replaced, err := r.journal.Replace(complete, reader.Found().Details, func(out io.Writer) error {
		return r.in.describe(reader.Assemble(out, func(row rows.Row) (rows.Result, error) {
			result, called, err := r.resultOf(row)
			t.add(result)
			switch {
			case !called || result.OpenConversationID != "" || result.Code == notTried:
			case explain.OfOneChat(result.Code):
				t.settled++
			default:
				t.passing++
			}
			return result, err
		}))
	})
	switch {
	case err != nil:
		r.world.Note("all results are in %s; once the cause is gone, the same command makes the output and calls none of them again", r.journal.Path)
		return &explain.Error{Code: explain.Unavailable, Err: err}
	case replaced.Before != "":
		r.world.Note("%s was edited since a run wrote it: it is kept as %s", r.journal.Name, replaced.Before)
	case replaced.Edited && complete && !called:
		r.world.Note("%s is complete; nothing was called; it was edited since a run wrote it, and stays as it is", r.journal.Name)
	case replaced.Same && complete && !called:
		r.world.Note("%s is complete; nothing was called", r.journal.Name)
	}
	r.saved = true
	return r.end(cause, t)
}

// resultOf returns the result of a row, and whether it comes of a call.
func (r *rowRun) resultOf(row rows.Row) (result rows.Result, called bool, err error) {
	if refused := problem(row.ChatID, row.Problem); refused != nil {
		return *refused, false, nil
	}
	e, err := r.journal.Get(row.ChatID)
	if err == nil && e.Result == (rows.Result{}) {
		return rows.Result{Code: notTried, Error: dingtalk.ErrNotTried.Error()}, false, nil
	}
	return e.Result, true, err
}

// fileSource is the source of the chats that are to be called, each once.
type fileSource struct {
	in     *table
	rows   *rows.Reader
	sink   *fileSink
	groups bool
	left   int // chats to call
}

// next implements source.
func (s *fileSource) next(context.Context) (*item, error) {
	for {
		row, err := s.rows.Read()
		if err != nil {
			return nil, s.in.describe(err)
		}
		if row.None || problem(row.ChatID, row.Problem) != nil {
			continue
		}
		it, err := s.sink.take(row.ChatID, s.groups)
		if err != nil {
			return nil, err
		}
		if it != nil {
			s.left--
			return it, nil
		}
	}
}

func (s *fileSource) atEnd() bool { return s.left <= 0 }

// fileSink keeps results in the journal as soon as they are there.
type fileSink struct {
	count   // of distinct chats
	journal *journal.Journal

	mu     sync.Mutex
	flying map[string]bool // chats that are being called
}

// take returns the item of a chat that is to be called, and nil for one that needs no call.
func (s *fileSink) take(id string, groups bool) (*item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flying[id] {
		return nil, nil
	}
	e, err := s.journal.Get(id)
	if err != nil || e.Settled && (!groups || described(e)) {
		return nil, err
	}
	it := &item{id: id}
	if e.Settled {
		e.Status = ""
		it.known = &e.Result
	}
	s.flying[id] = true
	return it, nil
}

func (s *fileSink) landed(id string) {
	s.mu.Lock()
	delete(s.flying, id)
	s.mu.Unlock()
}

// granted keeps a conversion whose description is still asked for.
func (s *fileSink) granted(id, conversion string) {
	_ = s.journal.Put(id, s.result(&item{}, conversion, nil)) // put says what is wrong
}

func (s *fileSink) put(it *item, id string, err error) error {
	result := s.result(it, id, err)
	failure := s.journal.Put(it.id, result)
	s.landed(it.id)
	if failure != nil && it.paid(id) {
		return failure // it comes again as late
	}
	s.add(result)
	s.done.Add(1)
	return failure
}

// late keeps what the journal has not.
func (s *fileSink) late(it *item, id string) {
	result := s.result(it, id, nil)
	e, err := s.journal.Get(it.id)
	if err != nil || e.Result != result {
		before := s.journal.Put(it.id, result)
		if e, err = s.journal.Get(it.id); err != nil || e.OpenConversationID == "" {
			s.lost.err = errors.Join(before, err)
			s.lost.add(it.id, id)
			return
		}
	}
	s.add(result)
}

func (s *fileSink) missed(*item, error, bool) {}
