package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// keep ends what --force overwrites: what was written beside becomes the file. The file is rewritten, not replaced,
// since it has the lock; there are few rows when the first result comes.
func (out *outFile) keep() error {
	if !out.overwrites() {
		return nil
	}
	rows, side := out.file, out.side
	out.file, out.w, out.side = out.lock, out.lock, "" // from here on, what was in the file is gone
	out.begun, out.owned = true, true
	_ = os.Remove(out.retryPath())
	_, err := rows.Seek(0, io.SeekStart)
	if err == nil {
		err = out.lock.Truncate(0)
	}
	if err == nil {
		_, err = io.Copy(out.lock, rows)
	}
	if err == nil {
		err = os.Rename(statePath(side), statePath(out.path))
	}
	return errors.Join(err, rows.Close(), os.Remove(side))
}

// replace puts what was written beside in the file's place, and lets go of both.
func (out *outFile) replace() error {
	defer func() { _ = out.lock.Close() }() // it was only read
	err := errors.Join(out.file.Sync(), out.file.Close())
	if runtime.GOOS == "windows" {
		_ = out.lock.Close() // what is open cannot be replaced there; elsewhere the lock is held until it is done
	}
	if err == nil {
		err = os.Rename(out.side, out.path)
	}
	if err == nil {
		err = removeIfThere(statePath(out.path))
	}
	return err
}

// dropSide removes what was written beside the file.
func (out *outFile) dropSide() error {
	side, err := out.side, out.file.Close()
	out.file, out.w, out.side = out.lock, out.lock, ""
	return errors.Join(err, os.Remove(side), removeIfThere(statePath(side)))
}

// discard leaves everything as it was found.
func (out *outFile) discard() error {
	var err error
	if out.side != "" && (out.owned || out.overwrites()) {
		err = out.dropSide()
	}
	if out.fresh {
		_ = os.Remove(out.path) // while it has the lock, so that it is nobody else's
	}
	err = errors.Join(err, out.leave(out.owned))
	if out.fresh && runtime.GOOS == "windows" {
		_ = os.Remove(out.path) // there a file cannot be removed while it is open, neither this run's nor another's
	}
	return err
}

// leave lets go of the file. Its state is removed if it is complete.
func (out *outFile) leave(complete bool) error {
	if out.path == "" {
		if out.file != nil {
			return out.file.Close()
		}
		return nil
	}
	var err error
	if complete {
		err = removeIfThere(statePath(out.path))
	}
	if out.file != out.lock {
		err = errors.Join(err, out.file.Close())
	}
	return errors.Join(err, out.lock.Close())
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
