package main

import (
	"errors"
	"fmt"
	"time"
)

// ending is how a run over a file ended. The exit code, the summary and how to go on follow from it.
type ending struct {
	cause             error // why it stopped; nil if every row is in the output
	kept              bool  // the output holds what the run came to; otherwise all is as it was found
	converted, failed int   // rows of the output
}

// summary is what --json prints of an ending.
type summary struct {
	Complete  bool    `json:"complete"`
	Rows      int     `json:"rows"` // in the output
	Total     int     `json:"total,omitempty"`
	Converted int     `json:"converted"`
	Failed    int     `json:"failed"`
	Skipped   int     `json:"skipped"` // blank lines and comments
	Calls     int64   `json:"calls"`   // of this run
	Throttled int64   `json:"throttled"`
	Seconds   float64 `json:"seconds"`
	Output    string  `json:"output,omitempty"` // empty if nothing was saved
	ExitCode  int     `json:"exitCode"`
	Error     string  `json:"error,omitempty"`
}

// err is what the command returns.
func (e ending) err() error {
	var known *exitError
	switch {
	case e.cause == nil && e.failed == 0:
		return nil
	case e.cause == nil:
		return &exitError{code: exitSomeFailed, err: errors.New("some rows were not converted"), reported: true}
	case errors.As(e.cause, &known):
		return e.cause
	default:
		return &exitError{code: stopCode(e.cause), err: stopCause(e.cause), hint: hintFor(e.cause)}
	}
}

// end leaves the output so that nothing that was paid for is lost, and says how the run ended.
func (r *fileRun) end(cause error) error {
	if cause == nil && r.done.Load() == 0 {
		r.app.note("%s holds no chat id; nothing was done", r.in.name)
		return r.out.discard()
	}
	e := ending{cause: cause, kept: cause == nil || r.saved()}
	if err := r.leave(e); err != nil {
		err = fmt.Errorf("%s: %w", r.out.name, withoutName(err))
		if e.cause != nil {
			r.app.note("%s", err)
		} else {
			e.cause = err
		}
	}
	if e.kept {
		e.converted, e.failed = r.converted, r.failed
	}
	failure := e.err()
	var known *exitError
	if errors.As(e.cause, &known) && known.reported {
		return failure // there is nobody who would read more
	}
	return errors.Join(r.report(e, failure), failure)
}

// saved is whether the output holds something that was not in it before this run, or in the one that it goes on with.
func (r *fileRun) saved() bool {
	switch {
	case len(r.late) > 0:
		return true
	case r.out.overwrites():
		return false // no row of it is a result
	case r.out.fresh:
		return r.done.Load() > 0
	default:
		return true
	}
}

// leave completes the file, leaves it to be continued, or leaves everything as it was found.
func (r *fileRun) leave(e ending) error {
	out, complete := r.out, e.cause == nil
	if !e.kept {
		return out.discard()
	}
	if out.path == "" {
		return out.leave(complete)
	}
	err := out.keep()
	if out.side != "" {
		if !complete {
			err = r.copyRest(int(r.done.Load()))
		}
		if err != nil {
			return errors.Join(err, out.leave(false))
		}
		return out.replace()
	}
	if !complete {
		out.state.Converted = r.late
		err = errors.Join(err, out.state.save(out.path))
	}
	err = errors.Join(err, out.file.Sync())
	return errors.Join(err, out.leave(complete && err == nil))
}

// report prints the summary, and how to go on.
func (r *fileRun) report(e ending, failure error) error {
	s := summary{
		Complete: e.cause == nil, Rows: e.converted + e.failed, Converted: e.converted, Failed: e.failed, Skipped: r.rows.Skipped,
		Calls: r.pace.calls.Load(), Throttled: r.pace.throttled.Load(), ExitCode: exitCode(failure),
	}
	if !r.started.IsZero() {
		s.Seconds = time.Since(r.started).Round(time.Millisecond).Seconds()
	}
	if r.in.scan != nil {
		s.Total, s.Skipped = r.in.scan.rows, r.in.scan.skipped
	}
	of, where := "", "nothing was saved"
	if e.cause != nil {
		s.Error = describe(stopCause(e.cause))
		if s.Total > 0 {
			of = fmt.Sprintf(" of %d", s.Total)
		}
	}
	switch {
	case e.kept:
		s.Output = r.out.name
		where = "in " + s.Output
	case !r.out.fresh:
		where += ", and " + r.out.name + " is as it was"
	}
	r.app.note("%d%s rows: %d converted, %d failed; %d calls, %d throttled, %s; %s",
		s.Rows, of, s.Converted, s.Failed, s.Calls, s.Throttled, time.Duration(s.Seconds*float64(time.Second)).Round(time.Second/10), where)
	if e.cause == nil {
		for _, row := range failures {
			if err := r.hinted[row.sentinel]; err != nil {
				r.app.note("hint: %s", hintFor(err))
			}
		}
	}
	switch again := e.kept && r.out.path != "" && r.in.scan != nil; {
	case !again:
	case e.cause != nil && !r.o.retryFailed:
		r.app.note("go on with: %s", againWith(r.o, "--resume"))
	case e.cause != nil:
		r.app.note("go on with: %s", againWith(r.o, "--retry-failed"))
	case e.failed > 0:
		r.app.note("try the failed rows again with: %s", againWith(r.o, "--retry-failed"))
	}
	if r.o.json {
		return r.app.printJSON(s)
	}
	return nil
}
