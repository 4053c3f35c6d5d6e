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

// File is an output that a run can be continued with. It is locked until End or Discard.
type File struct {
	Name  string // as the user gave it
	Fresh bool   // nothing was in it before
	End   int64  // of the last whole record in the work file

	mode    Mode
	journal bool
	path    string   // without links
	lock    *os.File // the file at path
	work    *os.File // what records are written to: the same, or a file beside
	side    string   // the path of that other; empty if there is none
	state   State
	room    int
	created bool   // by this run
	looking bool   // it is only read
	begun   bool   // there is a state beside it
	owned   bool   // and this run is the first that wrote it
	pending string // with Force: the path whose state it is until there is a result
}

// perm is the output's mode, which all files beside it take.
func (f *File) perm() fs.FileMode {
	if info, err := f.lock.Stat(); err == nil {
		return info.Mode().Perm()
	}
	return 0o600
}

// Work is what the rows are in so far, at its beginning.
func (f *File) Work() (io.Reader, error) {
	if f.work == nil {
		return strings.NewReader(""), nil
	}
	_, err := f.work.Seek(0, io.SeekStart)
	return f.work, err
}

// Before is what was in the file when the run began, at its beginning.
func (f *File) Before() (*os.File, error) {
	_, err := f.lock.Seek(0, io.SeekStart)
	return f.lock, err
}

// Converted are results of an earlier part of the run that are not in the output yet.
func (f *File) Converted() map[string]string { return f.state.Converted }

// Begun is whether the file was there with a state, or was created: what it belongs to is known.
func (f *File) Begun() bool { return f.begun }

// Continued is whether the work file may hold rows already.
func (f *File) Continued() bool {
	return !f.Fresh && f.mode != Force
}

// Cut has the next record written at an offset, and drops what stands behind it.
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

// Write writes one whole record. What a failed write left of it is cut off.
func (f *File) Write(record []byte) error {
	n, err := f.work.Write(record)
	if err == nil {
		f.End += int64(n)
		return nil
	}
	_ = f.Cut(f.End) // if it fails too, --resume drops what is left
	return lang.Errorf("%s: %w", f.Name, withoutName(err))
}

func withoutName(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// StatePath is where the state is.
func (f *File) StatePath() string { return statePath(f.Name) }
