package run

import (
	"errors"
	"io"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// fileSink writes rows to a file that the run can be continued with. What is in it is a beginning of the input at any
// time; late results are kept in its state.
type fileSink struct {
	tally
	in     *table
	rows   *rows.Reader // whose rows are put
	out    *output.File
	retry  bool // what fails stays in its row, and there is an older row for each that gets none
	reach  int  // how many rows back failures in a row may reach
	headed bool
	kept   map[string]string // conversions that are not in the output
	recent []written         // the last rows
}

// written is a row that was written a moment ago.
type written struct {
	at      int64 // offset in the output
	id      string
	result  rows.Result
	unclear bool
}

// writeHeader writes the header, unless it is there.
func (s *fileSink) writeHeader() error {
	if s.headed {
		return nil
	}
	s.headed = true
	if header := s.rows.Header(); len(header) > 0 {
		return s.out.Write(header)
	}
	return nil
}

func (s *fileSink) put(it *item, id string, err error) error {
	w := written{id: it.id, result: s.result(it, id, err), unclear: err != nil && it.known == nil && unclear(err)}
	if err := s.writeHeader(); err != nil {
		return err
	}
	w.at = s.out.End
	if err := s.out.Write(s.rows.Finish(it.start, w.result)); err != nil {
		return err
	}
	if w.result.OpenConversationID != "" {
		if err := s.out.Keep(); err != nil {
			return explain.InFile(s.out.Name, err)
		}
	}
	delete(s.kept, w.id)
	s.add(w.result, 1)
	if len(s.recent) == 2*s.reach {
		s.recent = append(s.recent[:0], s.recent[s.reach:]...)
	}
	s.recent = append(s.recent, w)
	return nil
}

// ends takes rows out of the output again that failed for the same reason as the run did: they are tried again when it
// goes on. What was converted behind them is kept with the state.
func (s *fileSink) ends(_ *item, err error) {
	if s.retry || !unclear(explain.Cause(err)) {
		return
	}
	for i, w := range s.recent {
		if !w.unclear {
			continue
		}
		for _, w := range s.recent[i:] {
			s.add(w.result, -1)
			if w.result.OpenConversationID != "" {
				s.kept[w.id] = w.result.OpenConversationID
			}
		}
		_ = s.out.Cut(w.at) // if it fails, they stay failed in their rows
		s.recent = nil
		return
	}
}

func (s *fileSink) late(it *item, id string) { s.kept[it.id] = term.Printable(id) }

// skipped looks whether the run ended for a reason that rows before may have failed for: the item that met it may come
// later.
func (s *fileSink) skipped(it *item, err error) {
	if err != nil && (errors.Is(err, dingtalk.ErrNotTried) || endsRun(err)) {
		s.ends(it, err)
	}
}

// saved reports whether the output holds something that was not in it before this run, or in the one that it goes on with.
func (s *fileSink) saved() bool {
	switch {
	case len(s.kept) > 0:
		return true
	case s.out.Overwrites():
		return false // no row of it is a result
	case s.out.Fresh:
		return s.done.Load() > 0
	default:
		return true
	}
}

// end leaves the output so that nothing that was paid for is lost.
func (s *fileSink) end(complete, kept bool) error {
	if !kept {
		return s.out.Discard()
	}
	err := s.out.Keep()
	if !complete && s.retry && err == nil {
		err = s.copyRest()
	}
	done := err == nil && (complete || s.retry)
	if len(s.kept) > 0 && !done {
		err = errors.Join(err, s.out.Remember(s.kept))
	}
	switch {
	case err != nil:
		return errors.Join(err, s.out.Finish(false))
	case s.in.options.Output.Journaled():
		return s.out.Replace(done, s.assemble)
	case s.retry:
		return s.out.Replace(done, nil)
	default:
		return s.out.Finish(complete)
	}
}

// assemble makes a workbook or an array of its rows.
func (s *fileSink) assemble(out *os.File, journal io.Reader) error {
	again, err := s.in.reader()
	if err != nil {
		return err
	}
	return again.Assemble(out, journal)
}

// copyRest appends the old rows behind those that are written, with what was converted of them meanwhile.
func (s *fileSink) copyRest() error {
	n := int(s.done.Load())
	before, err := s.out.Before()
	if err != nil {
		return err
	}
	reader, err := s.in.reader()
	if err != nil {
		return err
	}
	old, err := reader.Old(before, s.in.options.Shard)
	if err != nil {
		return notAnOutput(s.out.Name, err)
	}
	defer func() { _, _ = old.Close(), reader.Close() }() // they were only read
	if err := s.writeHeader(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.in.describe(err)
		}
		result, err := old.Next(row)
		if err != nil {
			return notAnOutput(s.out.Name, err)
		}
		if i < n {
			continue
		}
		if id := s.kept[row.ChatID]; id != "" {
			result = rows.Result{OpenConversationID: id}
		}
		if err := s.out.Write(reader.Finish(row.Start, result)); err != nil {
			return err
		}
		s.add(result, 1)
	}
}
