package run

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// convertRows converts the rows of the flags' input.
func convertRows(ctx context.Context, w *term.World, o *options) error {
	defer term.HoldPipe()()
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	in, err := openTable(reading, w, o)
	if errors.Is(err, io.EOF) {
		w.Note("%s holds no chat id; nothing was done", nameOf(o.input.path))
		return nil
	}
	if err != nil {
		return err
	}
	defer in.close()
	if (o.output.mode == output.Resume || o.output.mode == output.RetryFailed) && in.file == nil {
		return explain.Usage("--resume and --retry-failed need an --input that can be read again")
	}
	if o.output.dryRun {
		return printPlan(ctx, w, o, in)
	}
	o.connect.Pace = connect.NewPace(o.bulk.qps, o.bulk.maxCalls)
	r := &fileRun{world: w, o: o, in: in}
	if in.scan != nil && in.scan.rows == 0 {
		return r.withoutRows(ctx)
	}
	client, done, err := o.connect.Dial(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	return r.run(ctx, reading, client)
}

func nameOf(path string) lang.Said {
	if path == "-" {
		return lang.T(standardInput)
	}
	return lang.Literal(path)
}

// withoutRows writes an output without rows: the header of a table that has only one.
func (r *fileRun) withoutRows(ctx context.Context) error {
	if r.in.scan.column == "" || !r.in.options.Format.Columns() {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	err := r.begin(ctx)
	switch {
	case errors.Is(err, io.EOF):
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	case err != nil:
		return err
	}
	r.world.Note("%s holds no chat id; its header is all that is written", r.in.name)
	if err := r.sink().writeHeader(); err != nil {
		if r.file != nil {
			err = errors.Join(err, r.file.out.Discard())
		}
		return err
	}
	if r.stream != nil {
		return nil
	}
	return r.file.end(true, true)
}

// begin opens the output and positions the run after its rows.
func (r *fileRun) begin(ctx context.Context) (err error) {
	what := lang.T("the list")
	if r.in.options.Format != rows.Lines {
		what = lang.T("this column or field")
	}
	if r.taken, err = r.in.begin(r.o.guardOf(what)); err != nil {
		return err
	}
	if name := r.taken.source.rows.Name(); name != "" {
		r.taken.guard.what = lang.Literal(name)
	}
	if r.o.output.path == "" {
		r.stream = &streamSink{name: lang.T("standard output"), w: r.world.Out, rows: r.taken.source.rows}
		return nil
	}
	stream, err := output.Stream(ctx, r.o.output.path, r.o.output.mode)
	if err != nil {
		return err
	}
	if stream != nil {
		r.stream = &streamSink{name: lang.Literal(r.o.output.path), w: stream, rows: r.taken.source.rows}
		return nil
	}
	_, statErr := os.Stat(r.o.output.path)
	want := output.Wanted{
		Path: r.o.output.path, Mode: r.o.output.mode, Journal: r.in.options.Output.Journaled(), Input: r.in.file,
		Room:  r.o.reach() + 1,
		State: stateOf(r.world, r.o, r.in, r.taken),
	}
	out, err := output.Open(want)
	if err != nil {
		return err
	}
	if errors.Is(statErr, os.ErrNotExist) && r.o.output.mode == output.Resume {
		r.world.Note("%s does not exist; this is a new run", out.Name) // the name may be mistyped, and calls cost quota
	}
	if err := r.taken.takeUp(r.world, r.o.output.mode, out); err != nil {
		return errors.Join(err, out.Discard())
	}
	r.file = &fileSink{
		in: r.in, rows: r.taken.source.rows, out: out, retry: r.o.output.mode == output.RetryFailed,
		reach: 2*r.o.reach() + 8, headed: out.End > 0, kept: map[string]string{},
	}
	r.file.converted, r.file.failed = r.taken.tally.converted, r.taken.tally.failed
	r.file.done.Store(r.taken.tally.done.Load())
	for id := range r.taken.left {
		r.file.kept[id] = r.taken.source.known[id].OpenConversationID
	}
	return nil
}

func (r *fileRun) run(ctx, reading context.Context, client *dingtalk.Client) error {
	err := r.begin(ctx)
	if errors.Is(err, io.EOF) {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	if err != nil {
		return err
	}
	if r.taken.complete {
		if r.file.retry {
			return r.end(nil, r.file.out.DropSide())
		}
		return r.end(nil, nil)
	}
	if r.in.scan != nil { // before a call is spent
		if err := r.sink().writeHeader(); err != nil {
			return r.end(err, nil)
		}
	}
	if r.taken.guard.nonsense() {
		return r.end(r.taken.guard.refusal(), nil)
	}
	if r.in.options.Format != rows.Lines {
		r.world.Note("reading %s: %s", r.in.name, r.taken.source.rows.Found())
	}
	if r.in.scan != nil {
		r.in.scan.trims.report(r.world)
	}
	e := &engine{
		stop:   make(chan struct{}),
		client: client, source: &r.taken.source, sink: r.sink(), guard: r.taken.guard, limits: r.o.bulk.limits,
		options: r.bulkOptions(),
	}
	if r.o.groups {
		e.describe(r.o.bulk.concurrency)
	}
	r.started = time.Now()
	hide := showProgress(r, e)
	cause := e.convert(ctx)
	hide()
	if r.in.scan == nil {
		r.taken.source.trims.report(r.world)
	}
	return r.end(cause, nil)
}

// bulkOptions sizes the memory for repeated chats.
func (r *fileRun) bulkOptions() []dingtalk.BulkOption {
	options := []dingtalk.BulkOption{dingtalk.WithConcurrency(r.o.bulk.concurrency)}
	switch {
	case r.in.scan == nil:
	case r.in.scan.repeats():
		options = append(options, dingtalk.WithMemory(r.in.scan.distinct+1)) // and the empty id
	default:
		options = append(options, dingtalk.WithMemory(0))
	}
	return options
}
