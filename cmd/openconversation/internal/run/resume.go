package run

import (
	"context"
	"errors"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// rowSource is the source of the rows of a table.
type rowSource struct {
	in    *table
	rows  *rows.Reader
	old   *rows.Old              // with --retry-failed: the old rows
	known map[string]rows.Result // results of the run's earlier part
	trims trims
	n     int // rows read
}

// read reads a row and its old result, if there is one.
func (s *rowSource) read() (rows.Row, *rows.Result, error) {
	row, err := s.rows.Read()
	if err != nil {
		return row, nil, s.in.describe(err)
	}
	s.n++
	s.trims.add(row.Trimmed, row.Line)
	if s.old == nil {
		return row, nil, nil
	}
	before, err := s.old.Next(row)
	return row, &before, s.in.describe(err)
}

func (s *rowSource) atEnd() bool { return s.in.scan != nil && s.n == s.in.scan.rows }

// item makes the item of a row.
func (s *rowSource) item(row rows.Row, before *rows.Result) *item {
	it := &item{id: row.ChatID, start: row.Start}
	if before != nil && before.OpenConversationID != "" {
		it.known = before
		return it
	}
	if it.known = problem(row.ChatID, row.Problem); it.known != nil {
		return it
	}
	if known, ok := s.known[row.ChatID]; ok {
		it.known = &known
	}
	return it
}

// taken is the state of a run that is continued or planned.
type taken struct {
	source   rowSource
	complete bool  // no row is left
	end      int64 // of the last whole record in the work file
	tally    tally
	left     map[string]bool // chats with known conversions that are not yet in a row
	guard    *guard
}

// begin starts a run at the first row.
func (in *table) begin(g *guard) (*taken, error) {
	reader, err := in.reader()
	if err != nil {
		return nil, err
	}
	return &taken{source: rowSource{in: in, rows: reader, known: map[string]rows.Result{}}, left: map[string]bool{}, guard: g}, nil
}

// remember adds conversions of the state.
func (t *taken) remember(converted map[string]string) {
	for id, conversion := range converted {
		t.source.known[id] = rows.Result{OpenConversationID: conversion}
		t.left[id] = true
	}
}

// written reads the rows written so far.
func (t *taken) written(name string, work io.Reader) error {
	in := t.source.in
	done, err := t.source.rows.Written(work)
	if err != nil {
		return cannotContinue(name, err)
	}
	for {
		if err := done.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return cannotContinue(name, err)
		}
		row, _, err := t.source.read()
		if errors.Is(err, io.EOF) {
			return explain.Usage("%s holds more rows than the input", name)
		}
		if err != nil {
			return err
		}
		result, ok := done.Result(row.Start)
		if !ok {
			return explain.Usage("%s cannot be continued: row %d is not what the input's line %d gives", name, t.tally.done.Load()+1, row.Line)
		}
		t.learn(row, result, in.scan.repeats())
	}
	t.end = done.End()
	return nil
}

// learn records a row's result.
func (t *taken) learn(row rows.Row, result rows.Result, repeats bool) {
	if repeats {
		t.source.known[row.ChatID] = result
	}
	delete(t.left, row.ChatID)
	t.guard.seed(row.ChatID, result.Code == codeUnknown, result.OpenConversationID != "")
	t.tally.add(result, 1)
}

func cannotContinue(name string, err error) error {
	var wrong *rows.Error
	if errors.As(err, &wrong) {
		return explain.Usage("%s cannot be continued: %w", name, err)
	}
	return explain.InFile(name, err)
}

// counts counts rows of an output.
type counts struct{ converted, failed int }

func (c *counts) add(result rows.Result) {
	if result.OpenConversationID == "" {
		c.failed++
	} else {
		c.converted++
	}
}

// finished reads a complete output together with the input, and counts rows. It returns an error if the output belongs
// to another input.
func (t *taken) finished(name string, content io.ReadSeeker) (counts counts, err error) {
	in := t.source.in
	again, err := in.reader()
	if err != nil {
		return counts, err
	}
	defer func() { _ = again.Close() }() // read-only
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return counts, err
	}
	old, err := again.Old(content)
	if err != nil {
		return counts, notAnOutput(name, err)
	}
	defer func() { _ = old.Close() }() // read-only
	for {
		row, err := again.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return counts, in.describe(err)
		}
		result, err := old.Next(row)
		if errors.Is(err, io.EOF) {
			return counts, errIncomplete
		}
		if err != nil {
			return counts, notAnOutput(name, err)
		}
		counts.add(result)
	}
	if err := old.End(); err != nil {
		return counts, notAnOutput(name, err)
	}
	return counts, nil
}

// errIncomplete is the error of an output with fewer rows than the input.
var errIncomplete = lang.Errorf("it has fewer rows than the input")

func notAnOutput(name string, err error) error {
	var wrong *rows.Error
	if errors.As(err, &wrong) {
		return explain.Usage("%s is not an output for this input: %w", name, err)
	}
	return explain.InFile(name, err)
}

// openOld opens the rows of a complete output again, to read them with the source.
func (t *taken) openOld(name string, content io.ReadSeeker) error {
	reader, err := t.source.in.reader()
	if err != nil {
		return err
	}
	t.source.rows = reader
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	t.source.old, err = reader.Old(content)
	if err != nil {
		return notAnOutput(name, err)
	}
	return nil
}

// takeUp reads the finished rows and positions input and output after them.
func (t *taken) takeUp(w *term.World, mode output.Mode, out *output.File) error {
	t.remember(out.Converted())
	if !out.Continued() {
		return nil
	}
	total := t.source.in.scan.rows
	switch {
	case mode == output.RetryFailed:
		before, err := out.Before()
		if err != nil {
			return err
		}
		counts, err := t.finished(out.Name, before)
		if errors.Is(err, errIncomplete) {
			return explain.Usage("%s is not complete; finish it with --resume first", out.Name)
		}
		if err != nil {
			return err
		}
		if counts.failed == 0 {
			w.Note("%s holds no failed row", out.Name)
			t.complete = true
			t.tally.add(rows.Result{OpenConversationID: "-"}, counts.converted)
			return nil
		}
		if counts.converted > 0 {
			t.guard.seed("", false, true)
		}
		if before, err = out.Before(); err != nil {
			return err
		}
		if err := t.openOld(out.Name, before); err != nil {
			return err
		}
	case !out.Begun():
		before, err := out.Before()
		if err != nil {
			return err
		}
		counts, err := t.finished(out.Name, before)
		if errors.Is(err, errIncomplete) {
			return explain.Usage("%s is not complete, and there is no state beside it that says what it belongs to", out.Name)
		}
		if err != nil {
			return err
		}
		w.Note("%s is complete; nothing was called", out.Name)
		t.complete = true
		t.tally.add(rows.Result{OpenConversationID: "-"}, counts.converted)
		t.tally.add(rows.Result{}, counts.failed)
		return nil
	}
	work, err := out.Work()
	if err != nil {
		return err
	}
	if err := t.written(out.Name, work); err != nil {
		return err
	}
	if err := out.Cut(t.end); err != nil {
		return err
	}
	switch done := int(t.tally.done.Load()); {
	case mode == output.RetryFailed:
	case done == total:
		w.Note("%s is complete; nothing was called", out.Name)
		t.complete = true
	default:
		w.Note("%d of %d rows are done; going on", done, total)
	}
	return nil
}

// codeUnknown is the code of a row with an unknown chat.
const codeUnknown = string(generated.CodeInvalidChatID)

// next implements source.
func (s *rowSource) next(context.Context) (*item, error) {
	row, before, err := s.read()
	if err != nil {
		return nil, err
	}
	return s.item(row, before), nil
}
