package output

import (
	"errors"
	"io"
	"os"
	"runtime"
)

// Keep replaces the file's old content by the side file, now that there is a result. It rewrites a text file instead of
// replacing it, because the file has the lock; at the first result there are few rows.
func (f *File) Keep() error {
	if !f.Overwrites() {
		return nil
	}
	pending := f.pending
	f.pending = ""
	f.begun, f.owned = true, true
	if old, err := load(f.path); err == nil && old != nil { // from here on, the old content is gone
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

// adopt makes the state of a pending Force, with its reserved space, the file's.
func (f *File) adopt(pending string) error {
	return errors.Join(
		os.Rename(statePath(pending), statePath(f.path)),
		os.Rename(spareStatePath(pending, f.state.Mark), spareStatePath(f.path, f.state.Mark)))
}

// Replace replaces the file by the side file, or by the output of assemble. complete means that no row is left;
// otherwise the state stays.
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
		_ = f.lock.Close() // Windows cannot replace an open file; elsewhere the lock is held until the end
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

// assembled makes the whole output from the side file's rows.
func (f *File) assembled(assemble func(out *os.File, rows io.Reader) error) (path string, err error) {
	path = sidePath(f.path, f.state.Mark, newSide)
	if err := removeIfThere(path); err != nil { // left by a killed run
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

// Remember saves results that are not in the output: continuing the run then costs no call for them.
func (f *File) Remember(converted map[string]string) error {
	f.state.Converted = converted
	return f.state.save(f.path, f.perm(), 0)
}

// Finish closes the file. If it is complete, it has all rows; otherwise the run can be continued.
func (f *File) Finish(complete bool) error {
	err := f.work.Sync()
	if complete && err == nil {
		err = f.state.remove(f.path)
	}
	err = errors.Join(err, removeIfThere(spareStatePath(f.path, f.state.Mark))) // the next run reserves its own
	return errors.Join(err, f.leave())
}

// leave closes the files.
func (f *File) leave() error {
	var err error
	if f.work != f.lock {
		err = f.work.Close()
	}
	return errors.Join(err, f.lock.Close())
}

// DropSide removes the side file.
func (f *File) DropSide() error {
	if f.side == "" {
		return nil
	}
	side, err := f.side, f.work.Close()
	f.work, f.side = f.lock, ""
	return errors.Join(err, os.Remove(side))
}

// Discard restores the state before the run.
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
		_ = os.Remove(f.path) // under the lock: no other run uses it
	}
	err = errors.Join(err, f.leave())
	if (f.Fresh || f.created) && runtime.GOOS == "windows" {
		_ = os.Remove(f.path) // Windows cannot remove an open file, neither this run's nor another's
	}
	return err
}
