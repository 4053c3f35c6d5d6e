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

// fileSink writes rows to a file from which the run can be continued. The file always holds a prefix of the input's
// rows; its state keeps late results.
type fileSink struct {
	tally
	in     *table
	rows   *rows.Reader // source of the rows
	out    *output.File
	retry  bool // failures stay in their rows, and rows without a result keep the old one
	reach  int  // how many rows back a series of failures may reach
	headed bool
	kept   map[string]string // conversions not in the output
	recent []written         // the last written rows
}

// written is a recently written row.
type written struct {
	at      int64 // offset in the output
	id      string
	result  rows.Result
	unclear bool
}

// writeHeader writes the header, unless the file has it.
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

// ends removes the last rows that failed for the reason that ended the run: the continued run tries them again. Later
// conversions go to the state.
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
		_ = s.out.Cut(w.at) // if it fails, the failed rows stay
		s.recent = nil
		return
	}
}

func (s *fileSink) late(it *item, id string) { s.kept[it.id] = term.Printable(id) }

// skipped checks whether earlier rows failed for the reason that ended the run: the item with that failure may come
// later.
func (s *fileSink) skipped(it *item, err error) {
	if err != nil && (errors.Is(err, dingtalk.ErrNotTried) || endsRun(err)) {
		s.ends(it, err)
	}
}

// saved reports whether the output has anything new from this run or the one it continues.
func (s *fileSink) saved() bool {
	switch {
	case len(s.kept) > 0:
		return true
	case s.out.Overwrites():
		return false // no row is a result
	case s.out.Fresh:
		return s.done.Load() > 0
	default:
		return true
	}
}

// end closes the output without losing paid results.
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

// assemble makes a workbook or an array from the journal.
func (s *fileSink) assemble(out *os.File, journal io.Reader) error {
	again, err := s.in.reader()
	if err != nil {
		return err
	}
	return again.Assemble(out, journal)
}

// copyRest appends the old output's remaining rows, with conversions made meanwhile.
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
	old, err := reader.Old(before)
	if err != nil {
		return notAnOutput(s.out.Name, err)
	}
	defer func() { _, _ = old.Close(), reader.Close() }() // read-only
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
