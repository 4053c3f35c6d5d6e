package run

import (
	"errors"
	"fmt"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
)

// summary is the output of --json for a run over rows.
type summary struct {
	Complete  bool    `json:"complete"`
	Rows      int     `json:"rows"` // in the output
	Total     int     `json:"total,omitempty"`
	Converted int     `json:"converted"`
	Failed    int     `json:"failed"`
	Kept      int     `json:"kept,omitempty"` // conversions in the state or on standard error, but not in the output
	Skipped   int     `json:"skipped"`        // blank lines and comments
	Calls     int64   `json:"calls"`          // of this run
	Throttled int64   `json:"throttled"`
	Seconds   float64 `json:"seconds"`
	Output    string  `json:"output,omitempty"` // empty: nothing was saved
	ExitCode  int     `json:"exitCode"`
	Error     string  `json:"error,omitempty"`
}

// failure makes the command's error for a run that ended with cause.
func (r *fileRun) failure(cause error) error {
	var known *explain.Error
	switch {
	case errors.Is(cause, errLimit), cause == nil:
		if r.tally().failed == 0 {
			return nil
		}
		return &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("some rows were not converted"), Reported: true}
	case errors.As(cause, &known):
		return cause
	default:
		return &explain.Error{Code: explain.StopCode(cause), Err: explain.Cause(cause), Hint: explain.Hint(cause)}
	}
}

// end closes the output without losing paid results, and reports how the run ended. leaving is an error of closing it.
func (r *fileRun) end(cause, leaving error) error {
	if cause == nil && r.tally().done.Load() == 0 {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		if r.file != nil {
			return r.file.out.Discard()
		}
		return nil
	}
	kept, complete := true, cause == nil
	if r.file != nil {
		kept = complete || r.file.saved()
		var err error
		switch unassembled := r.in.options.Output.Journaled() && r.file.out.Begun() && !r.file.retry; {
		case r.taken.complete && !unassembled:
			err = r.file.out.Finish(true)
		default:
			err = r.file.end(complete, kept)
		}
		leaving = errors.Join(leaving, err)
	}
	if leaving != nil {
		leaving = explain.InFile(r.outputName(), leaving)
		if cause != nil {
			r.world.Note("%s", leaving)
		} else {
			cause = leaving
		}
	}
	failure := r.failure(cause)
	if !kept {
		failure = r.failureOfNothing(cause, failure)
	}
	var known *explain.Error
	if errors.As(cause, &known) && known.Reported {
		r.stream.lost.report(r.world)
		return failure // nobody reads the summary
	}
	return errors.Join(r.report(cause, failure, kept), failure)
}

// failureOfNothing makes the error of a run that changed nothing.
func (r *fileRun) failureOfNothing(cause, failure error) error {
	if cause == nil {
		return nil
	}
	return failure
}

// report prints the summary and how to continue.
func (r *fileRun) report(cause, failure error, kept bool) error {
	t, limited := r.tally(), errors.Is(cause, errLimit)
	s := summary{Complete: cause == nil, Skipped: r.taken.source.rows.Skipped, Calls: r.o.connect.Pace.Calls(), Throttled: r.o.connect.Pace.Throttled(), ExitCode: explain.ExitCode(failure)}
	if kept {
		s.Rows, s.Converted, s.Failed = t.converted+t.failed, t.converted, t.failed
	}
	if !r.started.IsZero() {
		s.Seconds = time.Since(r.started).Round(time.Millisecond).Seconds()
	}
	if r.in.scan != nil {
		s.Total, s.Skipped = r.in.scan.rows, r.in.scan.skipped
	}
	rows := explain.Rows(s.Rows)
	if cause != nil {
		if s.Error = explain.Describe(explain.Cause(cause)).String(); limited {
			s.Error = ""
		}
		if s.Total > 0 {
			rows = lang.T("%d of %s", s.Rows, explain.Rows(s.Total))
		}
	}
	where := lang.T("nothing was saved")
	switch {
	case kept:
		s.Output = fmt.Sprint(r.outputName())
		where = lang.T("in %s", r.outputName())
	case r.file != nil && !r.file.out.Fresh:
		where = lang.T("nothing was saved, and %s is as it was", r.outputName())
	}
	r.world.Note("%s: %d converted, %d failed; %s, %d throttled, %s; %s", rows, s.Converted, s.Failed,
		explain.Calls(s.Calls), s.Throttled, time.Duration(s.Seconds*float64(time.Second)).Round(time.Second/10), where)
	s.Kept = r.reportKept(cause)
	if cause == nil || limited {
		for _, sentinel := range explain.Sentinels() {
			if err := t.hinted[sentinel]; err != nil {
				r.world.Note("hint: %s", explain.Hint(err))
			}
		}
	}
	if kept {
		r.reportNext(cause, limited, s)
	}
	if r.o.json {
		return r.world.PrintJSON(s)
	}
	return nil
}

// reportKept prints how many conversions are not in the output, and where they are.
func (r *fileRun) reportKept(cause error) int {
	switch {
	case r.stream != nil:
		r.stream.lost.report(r.world)
		return len(r.stream.lost.pairs)
	case cause == nil || r.file.retry || len(r.file.kept) == 0:
		return 0
	}
	n := len(r.file.kept)
	r.world.Note("%s", lang.N(n, "%d more conversion behind the last row: kept in %s, for --resume",
		"%d more conversions behind the last row: kept in %s, for --resume", n, r.file.out.StatePath()))
	return n
}

// reportNext prints how to continue.
func (r *fileRun) reportNext(cause error, limited bool, s summary) {
	switch again := r.file != nil && r.in.scan != nil; {
	case !again:
	case cause != nil && r.o.output.mode != output.RetryFailed:
		r.world.Note("go on with: %s", r.o.againWith("--resume"))
	case cause != nil:
		r.world.Note("go on with: %s", r.o.againWith("--retry-failed"))
	case s.Failed > 0:
		r.world.Note("try the failed rows again with: %s", r.o.againWith("--retry-failed"))
	}
}
