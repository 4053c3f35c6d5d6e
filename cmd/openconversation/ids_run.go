package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// conversionRun passes on the results of ids that were given as arguments or lines.
type conversionRun struct {
	app     *app
	report  report
	text    *textReport // for what a person must see, also where report is for machines
	several bool

	stopReading  func() // of more ids
	done, failed int
	last         error // of the last chat that failed
	stopped      error // what ended the run, while calls that were under way still come in
}

// consume reports results until they end or the run is over.
func (r *conversionRun) consume(ctx context.Context, results iter.Seq2[dingtalk.Conversion, error]) error {
	for c, err := range results {
		if r.stopped == nil && errors.Is(err, dingtalk.ErrNotTried) {
			r.stopped = err
			r.stopReading()
		}
		if r.stopped != nil && err != nil {
			continue
		}
		if cause := ended(ctx, err); cause != nil {
			return r.end(cause) // the chat did not fail
		}
		write := func() error { return r.report.converted(c) }
		if err != nil {
			write = func() error { return r.report.failed(c.ChatID, err) }
		}
		if failed := write(); failed != nil {
			return r.end(failed)
		}
		if err == nil {
			r.done++
			continue
		}
		r.last = err
		if !endsRun(err) {
			r.failed++
			continue
		}
		r.stopped = err
		r.stopReading()
		if report := report(r.text); report != r.report {
			_ = report.failed(c.ChatID, err) // a text report does not fail
		}
	}
	if r.stopped != nil {
		return r.stop(r.stopped)
	}
	return nil
}

// ended is why ctx ended the call that failed with err, or nil if it did not.
func ended(ctx context.Context, err error) error {
	kind := failureKind(err)
	_, limited := ctx.Deadline()
	switch {
	case errors.Is(kind, context.DeadlineExceeded) && limited:
		<-ctx.Done() // the SDK reads the clock, and may be a moment ahead of the context's timer
	case !errors.Is(kind, context.Canceled):
		return nil
	}
	cause := context.Cause(ctx)
	var e, before *dingtalk.Error
	if cause != nil && errors.As(err, &e) && errors.As(e.Err, &before) {
		return fmt.Errorf("%w; before that: %s", cause, describe(before)) // such as what was being repeated
	}
	return cause
}

// stop ends the run at an error that every further chat would meet. It has been told, apart from one whose chats are
// not tried.
func (r *conversionRun) stop(err error) error {
	r.tally()
	told := r.last != nil && errors.Is(failureKind(r.last), failureKind(err))
	return &exitError{code: stopCode(err), err: stopCause(err), reported: told}
}

// end is the error of a run that has come to its end, or to what cut it short.
func (r *conversionRun) end(cause error) error {
	switch {
	case cause != nil:
		r.tally()
		return cause
	case r.failed > 0 && !r.several:
		return &exitError{code: exitCode(r.last), err: r.last, reported: true}
	case r.failed > 0:
		return &exitError{code: exitSomeFailed, err: errors.New("some chats were not converted"), reported: true}
	default:
		return nil
	}
}

// tally says how far a run of several came that was stopped.
func (r *conversionRun) tally() {
	if r.several {
		r.app.note("stopped: %d converted, %d failed, the rest not converted", r.done, r.failed)
	}
}
