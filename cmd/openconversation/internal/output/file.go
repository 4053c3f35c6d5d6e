package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
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

// Wanted is an output as the flags ask for it.
type Wanted struct {
	Path    string
	Mode    Mode
	Journal bool     // rows cannot be appended to such a file: they go beside until the end
	Input   *os.File // which the output must not be; nil for a stream
	State   State
	Room    int // conversions that may be under way at once: so many can be kept in the state, whatever happens
}

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

// resolve is where a name leads through links, also where the last leads to nothing yet. A link is never replaced.
func resolve(path string) (string, error) {
	for range 40 {
		target, err := os.Readlink(path)
		if err != nil {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("%s: the folder %s does not exist", path, filepath.Dir(path))
			}
			if err != nil {
				return "", err
			}
			return filepath.Join(dir, filepath.Base(path)), nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// Stream opens an output that is no file, such as a pipe or a device; nil if it is one, or is not there yet. It gives up
// when ctx ends, since a pipe opens when somebody reads from it.
func Stream(ctx context.Context, name string, mode Mode) (*os.File, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil || info.Mode().IsRegular():
		return nil, nil
	case info.IsDir():
		return nil, explain.Usage("%s is a folder", name)
	case mode == Resume || mode == RetryFailed:
		return nil, explain.Usage("%s is no file that could be continued", name)
	}
	file, err := term.Open(ctx, name, os.O_WRONLY, 0)
	if err != nil && ctx.Err() == nil {
		return nil, explain.Usage("%w", err)
	}
	return file, err
}

// Open opens the output and makes it the run's, as the mode allows, or refuses to. A state that goes on is taken up.
func Open(want Wanted) (*File, error) {
	path, err := resolve(want.Path)
	if err != nil {
		return nil, explain.Usage("%w", err)
	}
	f := &File{Name: want.Path, path: path, mode: want.Mode, journal: want.Journal, state: want.State, room: want.Room}
	f.state.Schema, f.state.PID, f.state.Mark, f.state.Retry = stateSchema, os.Getpid(), newMark(), want.Mode == RetryFailed
	if want.Input != nil && (IsSide(want.Input.Name(), want.Path) || IsSide(want.Input.Name(), path)) {
		return nil, explain.UsageHint("copy it to another name first, if it is what you want to convert", "the input %s is a side file of %s", want.Input.Name(), want.Path)
	}
	if err := f.open(want.Input); err != nil {
		return nil, err
	}
	if err := f.claim(); err != nil {
		return nil, errors.Join(err, f.Discard())
	}
	return f, nil
}

// open opens and locks the file, and creates it if need be.
func (f *File) open(input *os.File) error {
	for {
		file, err := os.OpenFile(f.path, os.O_RDWR, 0)
		created := false
		if errors.Is(err, fs.ErrNotExist) {
			file, err = os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
			created = err == nil
		}
		if errors.Is(err, fs.ErrExist) {
			continue // another process was faster
		}
		if err != nil {
			return explain.Usage("%w", err)
		}
		if err := lockFile(file); err != nil {
			_ = file.Close() // nothing was written
			if created {
				_ = os.Remove(f.path)
			}
			return f.unlocked(err)
		}
		mine, err := file.Stat()
		if err != nil {
			return errors.Join(err, file.Close())
		}
		if now, err := os.Stat(f.path); err != nil || !os.SameFile(mine, now) {
			_ = file.Close() // another process has put a new file in its place
			continue
		}
		if input != nil {
			if info, err := input.Stat(); err == nil && os.SameFile(mine, info) {
				_ = file.Close() // nothing was written
				return explain.Usage("%s is the input", f.Name)
			}
		}
		f.lock, f.work = file, file
		f.created = f.created || created
		f.Fresh = mine.Size() == 0 && !exists(statePath(f.path))
		return nil
	}
}

// unlocked is the refusal of a file that could not be locked.
func (f *File) unlocked(err error) error {
	switch {
	case errors.Is(err, errLocked):
		return lockedBy(f.path)
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, errors.ErrUnsupported):
		return explain.UsageHint("write to a local disk, and move the file when the run is complete",
			"%s: its file system has no locks (%w), and without one two runs could write to the file at once", f.Name, err)
	default:
		return fmt.Errorf("%s: it cannot be locked: %w", f.Name, err)
	}
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
	return fmt.Errorf("%s: %w", f.Name, withoutName(err))
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
