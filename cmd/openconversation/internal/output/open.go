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

// Wanted is an output as the flags ask for it.
type Wanted struct {
	Path    string
	Mode    Mode
	Journal bool     // rows cannot be appended to such a file: they go beside until the end
	Input   *os.File // which the output must not be; nil for a stream
	State   State
	Room    int // conversions that may be under way at once: so many can be kept in the state, whatever happens
}

// Stream opens an output that is no file, such as a pipe or a device; nil if it is one, or is not there yet. It gives up
// when ctx ends, since a pipe opens when somebody reads from it.
func Stream(ctx context.Context, name string, mode Mode) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil //nolint:nilerr // it is not there yet; what else is wrong with it, Open says
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
		return nil, errors.Join(unwritable(err), f.Discard())
	}
	return f, nil
}

// unwritable is a usage error where no file may be made beside the output: that is no passing fault of this machine.
func unwritable(err error) error {
	for _, kind := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENAMETOOLONG} {
		if errors.Is(err, kind) {
			return explain.Usage("%w", err)
		}
	}
	return err
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
		return lang.Errorf("%s: it cannot be locked: %w", f.Name, err)
	}
}
