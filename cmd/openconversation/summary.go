package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// summary is how a run over a file ended.
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
	Output    string  `json:"output"`
	ExitCode  int     `json:"exitCode"`
	Error     string  `json:"error,omitempty"`
}

// leave lets go of the file. Its state is removed if it is complete, and with it what was begun beside it.
func (out *outFile) leave(complete bool) error {
	if out.path == "" {
		if out.file != nil {
			return out.file.Close()
		}
		return nil
	}
	var err error
	if complete {
		err = os.Remove(statePath(out.path))
		if os.IsNotExist(err) {
			err = nil
		}
	}
	if out.file != out.lock {
		err = errors.Join(err, out.file.Close())
	}
	return errors.Join(err, out.lock.Close())
}

// end leaves the output so that nothing that was paid for is lost, and says how the run ended.
func (r *fileRun) end(stopped error) error {
	if stopped == nil && r.done.Load() == 0 {
		r.app.note("%s holds no chat id; nothing was done", r.in.name)
		if r.out.fresh {
			_ = os.Remove(r.out.path)
		}
		return r.out.leave(true)
	}
	saved := r.save(stopped == nil)
	if saved != nil {
		saved = fmt.Errorf("%s: %w", r.out.name, withoutName(saved))
		if stopped == nil {
			stopped = saved
		}
	}
	failure := stopped
	var known *exitError
	switch {
	case stopped == nil && r.failed > 0:
		failure = &exitError{code: exitSomeFailed, err: errors.New("some rows were not converted"), reported: true}
	case stopped != nil && !errors.As(stopped, &known):
		failure = &exitError{code: stopCode(stopped), err: stopCause(stopped), hint: hintFor(stopped)}
	}
	if known != nil && known.reported {
		return failure // there is nobody who would read more
	}
	return errors.Join(r.report(stopped, failure), failure)
}

// save completes the file or leaves it to be continued.
func (r *fileRun) save(complete bool) error {
	out := r.out
	if out.path == "" {
		return out.leave(complete)
	}
	if !complete && out.fresh && r.done.Load() == 0 && len(r.late) == 0 && !r.o.retryFailed {
		_ = os.Remove(out.path) // there is nothing in it
		return out.leave(true)
	}
	var err error
	if r.o.retryFailed {
		if !complete {
			err = r.copyRest(int(r.done.Load()))
		}
		if err == nil {
			err = errors.Join(out.file.Sync(), os.Rename(out.retryPath(), out.path))
		}
		return errors.Join(err, out.leave(err == nil))
	}
	if !complete {
		out.state.Converted = r.late
		err = out.state.save(out.path)
	}
	return errors.Join(err, out.file.Sync(), out.leave(complete))
}

// report prints the summary, and how to go on.
func (r *fileRun) report(stopped, failure error) error {
	s := summary{
		Complete: stopped == nil, Rows: int(r.done.Load()), Converted: r.converted, Failed: r.failed, Skipped: r.rows.Skipped,
		Calls: r.pace.calls.Load(), Throttled: r.pace.throttled.Load(), Output: r.out.name, ExitCode: exitCode(failure),
	}
	if !r.started.IsZero() {
		s.Seconds = time.Since(r.started).Round(time.Millisecond).Seconds()
	}
	if r.in.scan != nil {
		s.Total, s.Skipped = r.in.scan.rows, r.in.scan.skipped
	}
	of := ""
	if stopped != nil {
		s.Error = describe(stopCause(stopped))
		if s.Total > 0 {
			of = fmt.Sprintf(" of %d", s.Total)
		}
	}
	r.app.note("%d%s rows: %d converted, %d failed; %d calls, %d throttled, %s; in %s",
		s.Rows, of, s.Converted, s.Failed, s.Calls, s.Throttled, time.Duration(s.Seconds*float64(time.Second)).Round(time.Second/10), s.Output)
	for _, row := range failures {
		if err := r.hinted[row.sentinel]; err != nil && stopped == nil {
			r.app.note("hint: %s", hintFor(err))
		}
	}
	if stopped == nil && r.failed > 0 && r.out.path != "" && r.in.scan != nil {
		r.app.note("try the failed rows again with: %s", r.command("--retry-failed"))
	}
	if stopped != nil && r.out.path != "" && r.in.scan != nil {
		again := "--resume"
		if r.o.retryFailed {
			again = "--retry-failed"
		}
		r.app.note("go on with: %s", r.command(again))
	}
	if r.o.json {
		return r.app.printJSON(s)
	}
	return nil
}

// command is what goes on with the run.
func (r *fileRun) command(flag string) string {
	words := []string{commandName, "convert", "--input", r.o.input, "--output", r.o.output, flag}
	if r.o.redis != "" {
		words = append(words, "--redis", r.o.redis)
	}
	for i, word := range words {
		if strings.ContainsFunc(word, func(c rune) bool { return !strings.ContainsRune("-_./=:+,@%", c) && !isAlphanumeric(c) }) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

func isAlphanumeric(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
