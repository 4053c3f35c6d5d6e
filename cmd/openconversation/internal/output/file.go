package output

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Mode is how a run begins with its output.
type Mode int

// The modes.
const (
	New Mode = iota
	Resume
	RetryFailed
	Force
)

// File is the output of a run that can be continued. It is locked until End or Discard.
type File struct {
	Name  string // as the user gave it
	Fresh bool   // it was empty before
	End   int64  // of the last whole record in the work file

	mode    Mode
	journal bool
	path    string   // without links
	lock    *os.File // the file at path
	work    *os.File // the file that records go to: lock or the side file
	side    string   // path of the side file; empty: none
	state   State
	room    int
	created bool   // by this run
	looking bool   // read-only
	begun   bool   // it has a state
	owned   bool   // this run wrote the first state
	pending string // with Force: the path with the state until the first result
}

// perm returns the output's mode, which all side files get.
func (f *File) perm() fs.FileMode {
	if info, err := f.lock.Stat(); err == nil {
		return info.Mode().Perm()
	}
	return 0o600
}

// Work returns a reader of the rows so far.
func (f *File) Work() (io.Reader, error) {
	if f.work == nil {
		return strings.NewReader(""), nil
	}
	_, err := f.work.Seek(0, io.SeekStart)
	return f.work, err
}

// Before returns the file as it was before the run, at its start.
func (f *File) Before() (*os.File, error) {
	_, err := f.lock.Seek(0, io.SeekStart)
	return f.lock, err
}

// Converted returns results of an earlier part of the run that are not yet in the output.
func (f *File) Converted() map[string]string { return f.state.Converted }

// Begun reports whether the file had a state or is new: in both cases its run is known.
func (f *File) Begun() bool { return f.begun }

// Continued reports whether the work file may hold rows already.
func (f *File) Continued() bool {
	return !f.Fresh && f.mode != Force
}

// Cut truncates the work file at an offset, where the next record goes.
func (f *File) Cut(end int64) error {
	f.End = end
	if f.looking {
		return nil
	}
	if err := f.work.Truncate(end); err != nil {
		return err
	}
	_, err := f.work.Seek(end, io.SeekStart)
	return err
}

// Write writes one whole record, and cuts off the remains of a failed write.
func (f *File) Write(record []byte) error {
	n, err := f.work.Write(record)
	if err == nil {
		f.End += int64(n)
		return nil
	}
	_ = f.Cut(f.End) // if this fails, too, --resume drops the remains
	return lang.Errorf("%s: %w", f.Name, withoutName(err))
}

func withoutName(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// StatePath returns the path of the state.
func (f *File) StatePath() string { return statePath(f.Name) }
