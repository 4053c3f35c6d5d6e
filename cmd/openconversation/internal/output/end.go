package output

import (
	"errors"
	"io"
	"os"
	"runtime"
)

// Keep ends what Force overwrites, now that there is a result: what was written beside becomes the file. A text file is
// rewritten, not replaced, since it has the lock; there are few rows when the first result comes.
func (f *File) Keep() error {
	if !f.Overwrites() {
		return nil
	}
	pending := f.pending
	f.pending = ""
	f.begun, f.owned = true, true
	if old, err := load(f.path); err == nil && old != nil { // from here on, what was there is gone
		_ = errors.Join(removeIfThere(sidePath(f.path, old.Mark, retrySide)), removeIfThere(sidePath(f.path, old.Mark, rowsSide)), removeIfThere(spareStatePath(f.path, old.Mark)))
	}
	if f.journal {
		return f.adopt(pending)
	}
	rows := f.work
	f.work, f.side = f.lock, ""
	_, err := rows.Seek(0, io.SeekStart)
	if err == nil {
		err = f.lock.Truncate(0)
	}
	if err == nil {
		_, err = f.lock.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(f.lock, rows)
	}
	return errors.Join(err, f.adopt(pending), rows.Close(), os.Remove(pending))
}

// adopt makes the state of a pending Force the file's, and with it the room for the next one.
func (f *File) adopt(pending string) error {
	return errors.Join(
		os.Rename(statePath(pending), statePath(f.path)),
		os.Rename(spareStatePath(pending, f.state.Mark), spareStatePath(f.path, f.state.Mark)))
}

// Replace puts a file in this one's place: what was written beside, or what assemble makes of it. complete is whether
// nothing is left to do; otherwise the state stays.
func (f *File) Replace(complete bool, assemble func(out *os.File, rows io.Reader) error) error {
	path, err := f.side, f.work.Sync()
	if assemble != nil && err == nil {
		path, err = f.assembled(assemble)
	}
	if err != nil {
		return errors.Join(err, f.leave())
	}
	if f.journal && !complete {
		_ = f.work.Close()
	} else {
		err = f.work.Close()
	}
	if runtime.GOOS == "windows" {
		_ = f.lock.Close() // what is open cannot be replaced there; elsewhere the lock is held until it is done
	}
	if err == nil {
		err = os.Rename(path, f.path)
	}
	switch {
	case err == nil && complete:
		err = f.state.remove(f.path)
		if f.journal {
			err = errors.Join(err, removeIfThere(f.side))
		}
	case err == nil:
		err = removeIfThere(spareStatePath(f.path, f.state.Mark))
	}
	_ = f.lock.Close() // it was only read
	return err
}

// assembled makes the whole file of the rows beside.
func (f *File) assembled(assemble func(out *os.File, rows io.Reader) error) (path string, err error) {
	path = sidePath(f.path, f.state.Mark, newSide)
	if err := removeIfThere(path); err != nil { // of a run that was killed
		return path, err
	}
	out, err := create(path, f.perm())
	if err != nil {
		return path, err
	}
	rows, err := f.Work()
	if err == nil {
		err = assemble(out, rows)
	}
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return path, errors.Join(err, removeIfThere(path))
	}
	return path, nil
}

// Remember saves results that are not in the output, so that going on needs no call for them.
func (f *File) Remember(converted map[string]string) error {
	f.state.Converted = converted
	return f.state.save(f.path, f.perm(), 0)
}

// Finish leaves the file, which holds all rows if complete; else it can be continued.
func (f *File) Finish(complete bool) error {
	err := f.work.Sync()
	if complete && err == nil {
		err = f.state.remove(f.path)
	}
	err = errors.Join(err, removeIfThere(spareStatePath(f.path, f.state.Mark))) // the next run sets its own aside
	return errors.Join(err, f.leave())
}

// leave lets go of the files.
func (f *File) leave() error {
	var err error
	if f.work != f.lock {
		err = f.work.Close()
	}
	return errors.Join(err, f.lock.Close())
}

// DropSide removes what was written beside the file.
func (f *File) DropSide() error {
	if f.side == "" {
		return nil
	}
	side, err := f.side, f.work.Close()
	f.work, f.side = f.lock, ""
	return errors.Join(err, os.Remove(side))
}

// Discard leaves everything as it was found.
func (f *File) Discard() error {
	var err error
	if f.side != "" && (f.owned || f.Overwrites()) {
		err = f.DropSide()
	}
	if f.Overwrites() {
		err = errors.Join(err, f.state.remove(f.pending))
	}
	if f.owned {
		err = errors.Join(err, f.state.remove(f.path))
	}
	if f.Fresh || f.created {
		_ = os.Remove(f.path) // while it has the lock, so that it is nobody else's
	}
	err = errors.Join(err, f.leave())
	if (f.Fresh || f.created) && runtime.GOOS == "windows" {
		_ = os.Remove(f.path) // there a file cannot be removed while it is open, neither this run's nor another's
	}
	return err
}
