package output

import (
	"errors"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// claim takes the file for the run, if the mode allows.
func (f *File) claim() error {
	old, err := load(f.path)
	if err != nil {
		return err // with Force, too: the file may not be a run's
	}
	current := ""
	if old != nil {
		current = old.Mark
	}
	if err := removeLeftovers(f.path, current); err != nil {
		return err
	}
	switch {
	case f.mode == Force && !f.Fresh:
		return f.overwrite()
	case f.Fresh && f.mode == RetryFailed:
		return explain.Usage("%s does not exist, so no row of it has failed", f.Name)
	case f.Fresh:
		return f.begin(true)
	case f.mode == Resume:
		return f.mayResume(old)
	case f.mode == RetryFailed:
		return f.mayRetry(old)
	}
	return explain.UsageHint(existsHint(old), "%s exists", f.Name)
}

func existsHint(old *State) lang.Format {
	switch {
	case old == nil:
		return "name another --output, overwrite it with --force, or try its failed rows again with --retry-failed"
	case old.Retry:
		return "a --retry-failed of it was stopped: run that again, or overwrite it with --force"
	default:
		return "a run of it was stopped: go on with --resume, or overwrite it with --force"
	}
}

// begin saves the state, and opens the side file for rows if they do not go to the file itself.
func (f *File) begin(first bool) error {
	f.begun, f.owned = true, first
	if err := f.state.save(f.path, f.perm(), f.room); err != nil { // first: a killed run must leave no file without a state
		return err
	}
	switch {
	case f.journal:
		return f.writeBeside(rowsSide, !first)
	case f.mode == RetryFailed:
		return f.writeBeside(retrySide, !first)
	}
	return nil
}

// writeBeside opens the side file for rows. A continued run has one already.
func (f *File) writeBeside(what string, goesOn bool) error {
	path := sidePath(f.path, f.state.Mark, what)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if !goesOn || errors.Is(err, os.ErrNotExist) {
		if err == nil {
			_ = file.Close() // cannot happen: the mark is random
		}
		file, err = create(path, f.perm())
	}
	if err != nil {
		return err
	}
	f.work, f.side = file, path
	return nil
}

// overwrite writes rows to a side file until the first result. A run without results, as with wrong credentials, must
// not cost paid results.
func (f *File) overwrite() error {
	f.pending = sidePath(f.path, f.state.Mark, forceSide)
	if err := f.state.save(f.pending, f.perm(), f.room); err != nil { // first: see begin
		return err
	}
	what := forceSide
	if f.journal {
		what = rowsSide
	}
	if err := f.writeBeside(what, false); err != nil {
		return errors.Join(err, f.state.remove(f.pending))
	}
	return nil
}

// Overwrites reports whether the file still holds what was in it before.
func (f *File) Overwrites() bool { return f.pending != "" }

// mayResume returns nil if the file is from the same run, or has no state and so must be complete.
func (f *File) mayResume(old *State) error {
	switch {
	case old == nil:
		return nil
	case old.Retry:
		return explain.Usage("a --retry-failed of %s was stopped; run that again", f.Name)
	}
	if err := old.mustMatch(f.state, f.path); err != nil {
		return err
	}
	f.state.Converted, f.state.Mark = old.Converted, old.Mark
	return f.begin(false)
}

// mayRetry opens the side file, and keeps its rows if a --retry-failed wrote them.
func (f *File) mayRetry(old *State) error {
	switch {
	case old == nil:
	case !old.Retry:
		return explain.Usage("a run of %s was stopped; finish it with --resume first", f.Name)
	default:
		if err := old.mustMatch(f.state, f.path); err != nil {
			return err
		}
		f.state.Converted, f.state.Mark = old.Converted, old.Mark
	}
	return f.begin(old == nil)
}
