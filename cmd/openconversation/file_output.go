package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// outFile is where the rows of a run go: a file that the run can be continued with, or a stream.
type outFile struct {
	name  string
	w     io.Writer
	path  string   // empty for a stream
	lock  *os.File // the file at path
	file  *os.File // what is written: the same, or with --retry-failed and --force another beside
	side  string   // the path of that other; empty if there is none
	state runState
	end   int64 // of the last whole record in file
	fresh bool  // nothing was in the file at path before
	begun bool  // there is a state beside it
	owned bool  // and this run is the first that wrote it
}

// openOutput opens the output, or refuses to. A file is locked from here on.
func (a *app) openOutput(o convertOptions, in *inFile) (*outFile, error) {
	out := &outFile{
		name: "standard output", w: a.stdout,
		state: runState{Schema: stateSchema, PID: os.Getpid(), App: a.identity(o.connection), Format: string(in.format), Column: in.column, Retry: o.retryFailed},
	}
	if in.scan != nil {
		out.state.Input = in.scan.digest
	}
	if o.output == "" {
		return out, nil
	}
	out.name, out.path = o.output, o.output
	if target, err := filepath.EvalSymlinks(o.output); err == nil {
		out.path = target // so that a link is not replaced
	}
	info, err := os.Stat(out.path)
	if err == nil && !info.Mode().IsRegular() {
		return out.openStream(o, info)
	}
	missing := errors.Is(err, fs.ErrNotExist)
	if err := out.open(in); err != nil {
		return nil, err
	}
	if err := out.claim(o); err != nil {
		return nil, errors.Join(err, out.discard())
	}
	if missing && o.resume {
		a.note("%s does not exist; this is a new run", out.name) // its name may be mistyped, and calls cost
	}
	return out, nil
}

// claim makes the file the run's, as the flags allow.
func (out *outFile) claim(o convertOptions) error {
	if left := forcePath(out.path); exists(statePath(left)) { // of a --force that was killed before it had a result
		if err := errors.Join(removeIfThere(left), removeIfThere(statePath(left))); err != nil {
			return err
		}
	}
	old, err := loadState(out.path)
	switch {
	case o.force && !out.fresh:
		return out.overwrite()
	case o.force:
		return out.begin(true)
	case err != nil:
		return err
	case out.fresh && o.retryFailed:
		return usageError("%s does not exist, so no row of it has failed", o.output)
	case out.fresh:
		return out.begin(true)
	case o.resume:
		return out.mayResume(old)
	case o.retryFailed:
		return out.mayRetry(old)
	}
	return &exitError{code: exitUsage, err: errors.New(o.output + " exists"), hint: existsHint(old)}
}

func existsHint(old *runState) string {
	switch {
	case old == nil:
		return "name another --output, overwrite it with --force, or try its failed rows again with --retry-failed"
	case old.Retry:
		return "a --retry-failed of it was stopped: run that again, or overwrite it with --force"
	default:
		return "a run of it was stopped: go on with --resume, or overwrite it with --force"
	}
}

func (out *outFile) openStream(o convertOptions, info fs.FileInfo) (*outFile, error) {
	if info.IsDir() {
		return nil, usageError("%s is a folder", o.output)
	}
	if o.resume || o.retryFailed {
		return nil, usageError("%s is no file that could be continued", o.output)
	}
	file, err := os.OpenFile(out.path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	out.path, out.file, out.w = "", file, file
	return out, nil
}

// open opens and locks the file, and creates it if need be.
func (out *outFile) open(in *inFile) error {
	for {
		file, err := os.OpenFile(out.path, os.O_RDWR|os.O_CREATE, 0o666)
		if errors.Is(err, fs.ErrNotExist) {
			return usageError("%w", err)
		}
		if err != nil {
			return err
		}
		if err := lockFile(file); err != nil {
			_ = file.Close() // it is another's
			if errors.Is(err, errLocked) {
				return lockedBy(out.path)
			}
			return err
		}
		mine, err := file.Stat()
		if err != nil {
			return errors.Join(err, file.Close())
		}
		if now, err := os.Stat(out.path); err != nil || !os.SameFile(mine, now) {
			_ = file.Close() // another process has put a new file in its place
			continue
		}
		if in.file != nil {
			if input, err := in.file.Stat(); err == nil && os.SameFile(mine, input) {
				_ = file.Close() // nothing was written
				return usageError("%s is the input", out.name)
			}
		}
		old, _ := loadState(out.path)
		out.lock, out.file, out.w = file, file, file
		out.fresh = mine.Size() == 0 && old == nil
		return nil
	}
}

// begin says beside the file what it belongs to.
func (out *outFile) begin(first bool) error {
	out.begun, out.owned = true, first
	return out.state.save(out.path)
}

// forcePath is where a --force writes that has no result yet.
func forcePath(output string) string { return output + ".force" }

// overwrite has the rows written beside, until one of them is a result. A run that comes to none, for want of the right
// credentials or of a network, costs nothing that was paid for before.
func (out *outFile) overwrite() error {
	side := forcePath(out.path)
	if err := out.state.save(side); err != nil { // first, so that a file without one is somebody else's
		return err
	}
	if err := out.writeBeside(side, os.O_EXCL); err != nil {
		return errors.Join(err, removeIfThere(statePath(side)))
	}
	return nil
}

// overwrites is whether the file still holds what was in it before.
func (out *outFile) overwrites() bool { return out.side != "" && out.side == forcePath(out.path) }

// writeBeside opens the file at path, to which rows go instead.
func (out *outFile) writeBeside(path string, flags int) error {
	info, err := out.lock.Stat()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flags, info.Mode().Perm())
	if err != nil {
		return err
	}
	out.file, out.w, out.side = file, file, path
	return nil
}

// mayResume is nil if the file is one that the same run left, or one without a state, which has to be complete.
func (out *outFile) mayResume(old *runState) error {
	switch {
	case old == nil:
		return nil
	case old.Retry:
		return usageError("a --retry-failed of %s was stopped; run that again", out.name)
	}
	if err := old.mustMatch(out.state, out.path); err != nil {
		return err
	}
	out.state.Converted = old.Converted
	return out.begin(false)
}

func (out *outFile) retryPath() string { return out.path + ".retry" }

// mayRetry opens the file beside, and keeps what is in it if a --retry-failed left it.
func (out *outFile) mayRetry(old *runState) error {
	flags := 0
	switch {
	case old == nil:
		flags = os.O_TRUNC
	case !old.Retry:
		return usageError("a run of %s was stopped; finish it with --resume first", out.name)
	default:
		if err := old.mustMatch(out.state, out.path); err != nil {
			return err
		}
		out.state.Converted = old.Converted
	}
	if err := out.writeBeside(out.retryPath(), flags); err != nil {
		return err
	}
	return out.begin(old == nil)
}

// write writes one whole record. What a failed write left of it is cut off.
func (out *outFile) write(record []byte) error {
	n, err := out.w.Write(record)
	if err == nil {
		out.end += int64(n)
		return nil
	}
	if out.path != "" {
		_ = out.file.Truncate(out.end) // if it fails too, --resume drops what is left
	}
	if errors.Is(err, syscall.EPIPE) {
		return &exitError{code: exitUnavailable, err: err, reported: true} // the reader has what it wanted
	}
	return fmt.Errorf("%s: %w", out.name, withoutName(err))
}

func withoutName(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// finished reads the records that the file holds already, and has the next written behind the last whole one. each is
// called for every record behind the header.
func (out *outFile) finished(in *rows.Reader, each func(done *rows.Written) error) error {
	if _, err := out.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	done, err := in.Written(out.file)
	var other *rows.Error
	if errors.As(err, &other) {
		return usageError("%s cannot be continued: its header is not what this input gives", out.name)
	}
	for ; err == nil; out.end = done.End() {
		if err = done.Next(); err == nil {
			err = each(done)
		}
	}
	if !errors.Is(err, io.EOF) { // a torn last record is written again
		return err
	}
	if err := out.file.Truncate(out.end); err != nil {
		return err
	}
	_, err = out.file.Seek(out.end, io.SeekStart)
	return err
}
