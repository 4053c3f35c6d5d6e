package output

import (
	"errors"
	"io/fs"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
)

// Look opens an output read-only, to see how far it is: without a lock or a new state. It refuses what Open would
// refuse for Resume and RetryFailed.
func Look(name string, mode Mode, journal bool, now State) (*File, error) {
	path, err := resolve(name)
	if err != nil {
		return nil, explain.Usage("%w", err)
	}
	f := &File{Name: name, path: path, mode: mode, journal: journal, looking: true}
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mode == RetryFailed:
		return nil, explain.Usage("%s does not exist, so no row of it has failed", name)
	case errors.Is(err, fs.ErrNotExist):
		f.Fresh = true
		return f, nil
	case err != nil:
		return nil, explain.Usage("%w", err)
	}
	f.lock = file
	old, err := load(path)
	if err == nil {
		err = f.mayLook(old, now)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) mayLook(old *State, now State) error {
	switch {
	case old == nil:
		return nil
	case old.Retry && f.mode == Resume:
		return explain.Usage("a --retry-failed of %s was stopped; run that again", f.Name)
	case !old.Retry && f.mode == RetryFailed:
		return explain.Usage("a run of %s was stopped; finish it with --resume first", f.Name)
	}
	if err := old.mustMatch(now, f.path); err != nil {
		return err
	}
	f.state, f.begun = *old, true
	path := f.path
	switch {
	case f.journal:
		path = sidePath(f.path, old.Mark, rowsSide)
	case f.mode == RetryFailed:
		path = sidePath(f.path, old.Mark, retrySide)
	}
	var err error
	if f.work, err = os.Open(path); errors.Is(err, fs.ErrNotExist) {
		return nil // it is still empty
	}
	return err
}

// Close closes an output opened by Look.
func (f *File) Close() {
	for _, file := range []*os.File{f.lock, f.work} {
		if file != nil {
			_ = file.Close() // it was only read
		}
	}
}
