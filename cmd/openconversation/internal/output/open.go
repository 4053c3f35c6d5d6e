package output

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Wanted describes the output that the flags ask for.
type Wanted struct {
	Path    string
	Mode    Mode
	Journal bool     // rows cannot be appended to the file: they go to a side file until the end
	Input   *os.File // the output must be another file; nil for a stream
	State   State
	Room    int // conversions in flight at once: the state has space for as many
}

// Stream opens an output that is not a file, such as a pipe or a device; it returns nil for a file or a missing one. It
// stops waiting when ctx ends, because a pipe opens only with a reader.
func Stream(ctx context.Context, name string, mode Mode) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil //nolint:nilerr // it does not exist yet; Open reports other faults
	}
	switch {
	case info.Mode().IsRegular():
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

// Open opens the output and takes it for the run if the mode allows. A run that continues gets its state.
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
		return nil, errors.Join(unwritable(err), f.Discard())
	}
	return f, nil
}

// unwritable makes a usage error if no file can be created next to the output, which is not a passing fault.
func unwritable(err error) error {
	for _, kind := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENAMETOOLONG} {
		if errors.Is(err, kind) {
			return explain.Usage("%w", err)
		}
	}
	return err
}

// open opens and locks the file, and creates it if necessary.
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
			_ = file.Close() // another process replaced the file
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

// unlocked makes the error of a file that could not be locked.
func (f *File) unlocked(err error) error {
	switch {
	case errors.Is(err, errLocked):
		return lockedBy(f.path)
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, errors.ErrUnsupported):
		return explain.UsageHint("write to a local disk, and move the file when the run is complete",
			"%s: its file system has no locks (%w), and without one two runs could write to the file at once", f.Name, err)
	default:
		return lang.Errorf("%s: it cannot be locked: %w", f.Name, err)
	}
}
