package run

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// memory is the soft limit of a run over a file, in bytes: the index of a million chats and a workbook fit.
const memory = 44 << 20

// convertRows converts the rows of the flags' input.
func convertRows(ctx context.Context, w *term.World, o *options) error {
	defer term.HoldPipe()()
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(memory))
	}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	r := &rowRun{world: w, o: o}
	var pipe io.Writer = w.Out
	if o.output.path != "" && !o.output.dryRun {
		file, err := output.Stream(ctx, o.output.path)
		switch {
		case err != nil:
			return err
		case file == nil:
			pipe = nil
		case o.output.again != "":
			return explain.Usage("%s is no file that could be continued", o.output.path)
		default:
			pipe = file
		}
	}
	var err error
	r.in, err = openTable(reading, w, o, pipe == nil || o.output.dryRun)
	if errors.Is(err, io.EOF) {
		w.Note("%s holds no chat id; nothing was done", nameOf(o.input.path))
		return nil
	}
	if err != nil {
		return err
	}
	defer r.in.close()
	o.connect.Pace = connect.NewPace(o.bulk.qps, o.bulk.maxCalls)
	what := lang.T("the list")
	if r.in.options.Format != rows.Lines {
		what = lang.T("this column or field")
	}
	r.guard = o.guardOf(what)
	switch {
	case o.output.dryRun:
		return r.plan(ctx)
	case pipe == nil:
		return r.intoFile(ctx)
	default:
		return r.intoStream(ctx, pipe)
	}
}

func nameOf(path string) lang.Said {
	if path == "-" {
		return lang.T(standardInput)
	}
	return lang.Literal(path)
}

// rowRun is a run over rows.
type rowRun struct {
	world   *term.World
	o       *options
	in      *table
	guard   *guard
	sink    rowSink
	file    *output.File // nil: a stream
	saved   bool         // the output has what the run has come to; always so for a stream
	skipped int          // blank lines and comments
	started time.Time
}

// rowSink is a sink of rows. Progress may be read during the run.
type rowSink interface {
	sink
	progress() (done, total int64, what func(int64) lang.Text)
}

// found tells what the input is, before calls are spent.
func (r *rowRun) found(reader *rows.Reader) {
	if r.in.options.Format != rows.Lines {
		r.world.Note("reading %s: %s", r.in.name, reader.Found())
	}
}

// nothing reports whether the input holds neither a row nor a header.
func (r *rowRun) nothing() bool {
	if s := r.in.scan; s.rows > 0 || s.column != "" && r.in.options.Format.Columns() {
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
func (r *rowRun) call(ctx context.Context, client *dingtalk.Client, from source, granted func(id, conversion string), options ...dingtalk.BulkOption) error {
	e := &engine{
		stop:   make(chan struct{}),
		client: client, source: from, sink: r.sink, guard: r.guard, limit: r.o.bulk.items,
		options: append(options, dingtalk.WithConcurrency(r.o.bulk.concurrency)),
	}
	if r.o.groups {
		e.describe(r.o.bulk.concurrency, granted)
	}
	r.started = time.Now()
	defer showProgress(r, e)()
	return e.convert(ctx)
}

// intoStream writes each row as soon as it has its result.
func (r *rowRun) intoStream(ctx context.Context, out io.Writer) (err error) {
	if r.in.file != nil { // faults are found before a call is spent
		if r.in.scan, err = r.in.readThrough(ctx, nil, r.o, r.seed); err != nil {
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
	r.nameIDs(reader.Name())
	name := lang.Said(lang.T("standard output"))
	if r.o.output.path != "" {
		name = lang.Literal(r.o.output.path)
	}
	s := &streamSink{name: name, w: out, rows: reader, total: -1}
	r.sink, r.saved = s, true
	if r.in.scan != nil {
		s.total = int64(r.in.scan.rows)
		if r.nothing() {
			return nil
		}
		if r.in.scan.rows == 0 {
			r.world.Note("%s holds no chat id; its header is all that is written", r.in.name)
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

// codeUnknown is the code of a row with an unknown chat.
const codeUnknown = string(generated.CodeInvalidChatID)

// seed tells the guard of a chat that is known.
func (r *rowRun) seed(id string, known rows.Result) {
	r.guard.seed(id, known.Code == codeUnknown, known.OpenConversationID != "")
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
