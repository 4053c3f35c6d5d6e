package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// fileRun converts the rows of a file, in their order. What is in the output is a beginning of the input at any time.
type fileRun struct {
	app   *app
	o     convertOptions
	in    *inFile
	rows  *rows.Reader
	out   *outFile
	old   *oldRows // with --retry-failed: what is kept
	pace  *pace
	known map[string]rows.Result // of chats that the run was begun with

	stopReading func() // of more rows

	pending chan pending  // rows whose ids have been taken, in their order
	ended   chan error    // why no more rows are taken; io.EOF after the last
	idle    chan struct{} // closed when no row is being taken

	recent    []written   // the last rows, as far back as failures in a row may reach
	inARow    map[int]int // doubtful failures that came last, by how many it takes
	doubt     error       // the one that was enough
	headed    bool        // the header is in the output
	late      map[string]string
	stopping  atomic.Bool
	done      atomic.Int64 // rows in the output
	converted int
	failed    int
	hinted    map[error]error // the first failure of each kind
	started   time.Time
}

// pending is a row on its way to the output.
type pending struct {
	start  []byte
	id     string
	result *rows.Result // known without a call
}

func (a *app) convertFile(ctx context.Context, o convertOptions) error {
	fileOutput := o.output != ""
	switch {
	case o.json && !fileOutput && !o.dryRun:
		return usageError("--json gives a summary on standard output, where the rows go: add --output")
	case (o.resume || o.retryFailed || o.force) && !fileOutput:
		return usageError("--resume, --retry-failed and --force need --output")
	}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	in, err := a.openInput(reading, o)
	if err != nil {
		return err
	}
	defer in.close()
	if (o.resume || o.retryFailed) && in.scan == nil {
		return usageError("--resume and --retry-failed need an --input that can be read again")
	}
	if o.dryRun {
		return a.printPlan(ctx, in.scan, o)
	}
	if in.scan != nil && in.scan.rows == 0 {
		a.note("%s holds no chat id; nothing was done", in.name)
		return nil
	}
	p := newPace(o.qps, o.maxCalls)
	o.pace = p
	client, done, err := a.connect(ctx, o.connection)
	if err != nil {
		return err
	}
	defer done()
	r := &fileRun{app: a, o: o, in: in, pace: p, stopReading: stopReading, known: map[string]rows.Result{}, late: map[string]string{}, hinted: map[error]error{}, inARow: map[int]int{}}
	return r.run(ctx, reading, client)
}

func (r *fileRun) run(ctx, reading context.Context, client converter) (err error) {
	if r.rows, err = r.in.rows(); errors.Is(err, io.EOF) {
		r.app.note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	} else if err != nil {
		return err
	}
	r.in.column = r.rows.Name()
	if r.out, err = r.app.openOutput(r.o, r.in); err != nil {
		return err
	}
	complete, err := r.takeUp()
	if err != nil {
		return errors.Join(err, r.out.discard())
	}
	if complete {
		return r.end(nil)
	}
	if r.headed = r.out.end > 0; r.in.scan != nil {
		if err := r.writeHeader(); err != nil { // before a call is spent
			return r.end(err)
		}
	}
	return r.end(r.convert(ctx, reading, client))
}

// writeHeader writes the header, unless it is there.
func (r *fileRun) writeHeader() error {
	header := r.rows.Header()
	if r.headed || len(header) == 0 {
		return nil
	}
	r.headed = true
	return r.out.write(header)
}

// graceTime is how long calls under way may take to end after a signal.
const graceTime = 5 * time.Second

// convert takes rows and writes them until there are no more or the run is over.
func (r *fileRun) convert(ctx, reading context.Context, client converter) error {
	r.started = time.Now()
	r.pending, r.ended = make(chan pending, r.o.concurrency+1), make(chan error, 1)
	r.idle = make(chan struct{})
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
		var signalled signalError
		if errors.As(context.Cause(ctx), &signalled) {
			r.stopping.Store(true)
			select {
			case <-time.After(graceTime):
			case <-finished:
			}
		}
		cancel()
	}()
	hide := r.app.showProgress(r)
	defer hide()

	var stopped error
	gap := false // a row is not in the output, so none behind it can be
	for c, err := range client.OpenConversationIDs(calls, r.ids(reading, calls), r.bulkOptions()...) {
		var p pending
		select {
		case p = <-r.pending:
		default: // the last error of a run that was cancelled is no row's
		}
		switch {
		case gap && err == nil && p.result == nil:
			r.late[p.id] = c.OpenConversationID
		case gap:
		case errors.Is(failureKind(err), context.Canceled):
			gap = true
			r.stopReading()
		default:
			if stopped = r.settle(p, c, err); stopped == nil {
				continue
			}
			var own *rowError
			if gap = errors.As(stopped, &own); !gap {
				return stopped // nothing can be written any more
			}
			r.stopReading() // calls under way still come in
		}
	}
	if cancel(); r.in.file != nil {
		<-r.idle
	}
	return r.outcome(ctx, stopped)
}

// outcome is why the run did not come to its end, or nil.
func (r *fileRun) outcome(ctx context.Context, stopped error) error {
	var own *rowError
	if errors.As(stopped, &own) {
		if doubtful(stopCause(own.err)) {
			return errors.Join(own.err, r.rollBack())
		}
		return own.err
	}
	ended := context.Cause(ctx)
	select {
	case err := <-r.ended:
		if errors.Is(err, io.EOF) {
			ended = nil
		} else if ended == nil {
			ended = r.in.describe(err)
		}
	default:
	}
	if ended == nil && r.doubt != nil {
		return errors.Join(r.doubt, r.rollBack())
	}
	return ended
}

// ids takes rows from the input, until it ends or the run does, and yields their chats. One that needs no call stands as an
// empty id, which the SDK refuses: so rows and results come in step.
func (r *fileRun) ids(reading, calls context.Context) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		defer close(r.idle)
		for {
			if reading.Err() != nil {
				r.ended <- context.Cause(reading)
				return
			}
			p, err := r.next()
			if err != nil {
				r.ended <- err
				return
			}
			select {
			case r.pending <- p:
			case <-calls.Done():
				return
			}
			id := p.id
			if p.result != nil {
				id = ""
			}
			if !yield(id) {
				return
			}
		}
	}
}

func (r *fileRun) next() (pending, error) {
	row, err := r.rows.Read()
	if err != nil {
		return pending{}, err
	}
	p := pending{start: row.Start, id: row.ChatID, result: rowProblem(row)}
	if r.old != nil {
		kept, err := r.old.next(row.Start)
		if err != nil {
			return p, err
		}
		if kept.OpenConversationID != "" {
			p.result = &kept
			return p, nil
		}
	}
	if known, ok := r.known[row.ChatID]; ok && p.result == nil {
		p.result = &known
	}
	return p, nil
}

// bulkOptions remember no more chats than come again.
func (r *fileRun) bulkOptions() []dingtalk.BulkOption {
	options := []dingtalk.BulkOption{dingtalk.WithConcurrency(r.o.concurrency)}
	switch {
	case r.in.scan == nil:
	case r.in.scan.repeats():
		options = append(options, dingtalk.WithMemory(r.in.scan.distinct+1)) // and the empty id
	default:
		options = append(options, dingtalk.WithMemory(0))
	}
	return options
}
