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

// rowSource is the source of all rows, for a stream.
type rowSource struct {
	read  func() (rows.Row, error) // io.EOF after the last
	total int                      // rows; 0: unknown
	ahead []*item                  // read, but not yet passed on
	err   error                    // why read ended
	seen  scan                     // of the rows, what report prints
}

// next implements source.
func (s *rowSource) next(context.Context) (*item, error) {
	if !s.atLeast(1) {
		return nil, s.err
	}
	it := s.ahead[0]
	s.ahead = s.ahead[1:]
	return it, nil
}

func (s *rowSource) atEnd() bool {
	return len(s.ahead) == 0 && (errors.Is(s.err, io.EOF) || s.total > 0 && s.seen.rows == s.total)
}

// atLeast reports whether n more rows follow. It may wait for them.
func (s *rowSource) atLeast(n int) bool {
	for len(s.ahead) < n && s.err == nil {
		var row rows.Row
		if row, s.err = s.read(); s.err == nil {
			s.ahead = append(s.ahead, s.item(row))
		}
	}
	return len(s.ahead) >= n
}

func (s *rowSource) item(row rows.Row) *item {
	if !s.seen.saw(row) {
		return &item{start: row.Start, known: &rows.Result{}, none: true}
	}
	it := &item{id: row.ChatID, start: row.Start, known: problem(row.ChatID, row.Problem)}
	if it.known == nil && row.Known.OpenConversationID != "" {
		it.known = &row.Known
	}
	return it
}

// stream is the sink of a stream, which cannot be continued. To lose no late result, it writes the rows before it as failed.
type stream struct {
	tally
	done   atomic.Int64 // rows; may be read during the run
	total  int64        // rows; -1: unknown
	name   lang.Said
	out    io.Writer
	record func(it *item, result rows.Result, err error) []byte
	gap    []*item // after the last row, without a result
	why    []error
	lost   lost
}

func (s *stream) put(it *item, id string, err error) error {
	result := s.result(it, id, err)
	if failed := s.print(s.record(it, result, err)); failed != nil {
		return failed
	}
	if !it.none {
		s.add(result)
		s.done.Add(1)
	}
	return nil
}

// print writes a record.
func (s *stream) print(record []byte) error {
	if len(record) == 0 {
		return nil
	}
	_, err := s.out.Write(record)
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

func (s *stream) missed(it *item, err error, _ bool) {
	s.gap, s.why = append(s.gap, it), append(s.why, err)
}

func (s *stream) late(it *item, id string) {
	for i, missed := range s.gap {
		if s.lost.err == nil {
			_ = s.put(missed, "", s.why[i]) // its failure is kept
		}
	}
	s.gap, s.why = nil, nil
	if s.lost.err != nil || s.put(it, id, nil) != nil {
		s.lost.add(it.id, s.result(it, id, nil).OpenConversationID)
	}
}

func (s *stream) progress() (done, total int64, what func(int64) lang.Text) {
	return s.done.Load(), s.total, explain.Rows[int64]
}

func (s *stream) missing() *lost { return &s.lost }

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
	head := reader.Header()
	s := &stream{name: r.output, out: out, total: -1, record: func(it *item, result rows.Result, _ error) []byte {
		record := append(head, reader.Finish(it.start, result)...)
		head = nil
		return record
	}}
	r.sink, r.saved = s, true
	from := &rowSource{read: func() (rows.Row, error) {
		row, err := reader.Read()
		return row, r.in.describe(err)
	}}
	options := []dingtalk.BulkOption(nil)
	if scan := r.scan; scan != nil {
		if r.nothing() {
			return nil
		}
		if scan.rows == 0 {
			return s.print(head)
		}
		s.total, from.total = int64(scan.rows), scan.rows
		options = append(options, dingtalk.WithMemory(scan.distinct+1)) // and the empty id
	}
	client, done, err := r.o.connect.Dial(ctx, r.world)
	if err != nil {
		return err
	}
	defer done()
	if r.scan != nil {
		if err := s.print(head); err != nil {
			return r.end(err, s.tally)
		}
		head = nil
	}
	r.found(reader)
	cause := r.call(ctx, client, from, nil, options...)
	from.seen.report(r.world)
	r.skipped = reader.Skipped
	if cause == nil && s.done.Load() == 0 {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	return r.end(cause, s.tally)
}
