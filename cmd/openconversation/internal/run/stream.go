package run

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// streamSink writes rows to a stream, which cannot be continued. To lose no late result, it writes the rows before it
// as failed.
type streamSink struct {
	tally
	done   atomic.Int64 // rows; may be read during the run
	name   lang.Said
	w      io.Writer
	rows   *rows.Reader
	total  int64 // rows; -1: unknown
	headed bool
	gap    []*item // after the last row, without a result
	why    []error
	lost   lost
}

func (s *streamSink) put(it *item, id string, err error) error {
	return s.write(it, s.result(it, id, err))
}

func (s *streamSink) write(it *item, result rows.Result) error {
	if err := s.writeHeader(); err != nil {
		return err
	}
	if err := s.record(s.rows.Finish(it.start, result)); err != nil {
		return err
	}
	if it.none {
		return nil
	}
	s.add(result)
	s.done.Add(1)
	return nil
}

// writeHeader writes the header once.
func (s *streamSink) writeHeader() error {
	if s.headed {
		return nil
	}
	s.headed = true
	return s.record(s.rows.Header())
}

func (s *streamSink) record(record []byte) error {
	if len(record) == 0 {
		return nil
	}
	_, err := s.w.Write(record)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE):
		err = &explain.Error{Code: explain.Unavailable, Err: err, Reported: true} // the reader has all it wants
	default:
		err = explain.InFile(s.name, err)
	}
	s.lost.err = err
	return err
}

func (s *streamSink) missed(it *item, err error, _ bool) {
	s.gap, s.why = append(s.gap, it), append(s.why, err)
}

func (s *streamSink) late(it *item, id string) {
	for i, missed := range s.gap {
		if s.lost.err != nil {
			break
		}
		_ = s.write(missed, s.result(missed, "", s.why[i])) // its failure is kept
	}
	s.gap, s.why = nil, nil
	result := s.result(it, id, nil)
	if s.lost.err == nil && s.write(it, result) == nil {
		return
	}
	s.lost.add(it.id, result.OpenConversationID)
}

func (s *streamSink) progress() (done, total int64, what func(int64) lang.Text) {
	return s.done.Load(), s.total, explain.Rows[int64]
}

func (s *streamSink) missing() *lost { return &s.lost }

// intoStream writes each row as soon as it has its result.
func (r *rowRun) intoStream(ctx context.Context, out io.Writer) error {
	if r.in.file != nil { // faults are found before a call is spent
		if err := r.readThrough(ctx); err != nil {
			return err
		}
	}
	reader, err := r.in.reader()
	if errors.Is(err, io.EOF) {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // read-only
	r.nameIDs(reader.Found().Name)
	if r.output = lang.T("standard output"); r.o.output != "" {
		r.output = lang.Literal(r.o.output)
	}
	s := &streamSink{name: r.output, w: out, rows: reader, total: -1}
	r.sink, r.saved = s, true
	if r.in.scan != nil {
		s.total = int64(r.in.scan.rows)
		if r.nothing() {
			return nil
		}
		if r.in.scan.rows == 0 {
			return s.writeHeader()
		}
	}
	client, done, err := r.o.connect.Dial(ctx, r.world)
	if err != nil {
		return err
	}
	defer done()
	options := []dingtalk.BulkOption(nil)
	if r.in.scan != nil {
		if err := s.writeHeader(); err != nil {
			return r.end(err, s.tally)
		}
		options = append(options, dingtalk.WithMemory(r.in.scan.distinct+1)) // and the empty id
	}
	r.found(reader)
	from := &rowSource{in: r.in, rows: reader}
	cause := r.call(ctx, client, from, nil, options...)
	from.seen.report(r.world)
	r.skipped = reader.Skipped
	if cause == nil && s.done.Load() == 0 {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	return r.end(cause, s.tally)
}

// rowSource is the source of all rows, for a stream.
type rowSource struct {
	in   *table
	rows *rows.Reader
	seen scan // of it, what report prints
	n    int  // rows read
}

// next implements source.
func (s *rowSource) next(context.Context) (*item, error) {
	row, err := s.rows.Read()
	if err != nil {
		return nil, s.in.describe(err)
	}
	if row.None {
		s.seen.none++
		return &item{start: row.Start, known: &rows.Result{}, none: true}, nil
	}
	s.n++
	s.seen.trims.add(row.Trimmed, row.Line)
	if row.Hidden {
		s.seen.hidden++
	}
	it := &item{id: row.ChatID, start: row.Start, known: problem(row.ChatID, row.Problem)}
	if it.known == nil && row.Known.OpenConversationID != "" {
		it.known = &row.Known
	}
	return it, nil
}

func (s *rowSource) atEnd() bool { return s.in.scan != nil && s.n == s.in.scan.rows }
