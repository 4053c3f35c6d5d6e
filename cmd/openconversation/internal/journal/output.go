package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// side matches what follows an output's name in the names of files that a run may change.
var side = regexp.MustCompile(`^\.(journal|[0-9a-f]{16}\.new)$`)

// Open opens the journal of the output with that name and locks it, or begins one. input must be another file; nil: there is none.
func Open(name string, input *os.File, want Wanted) (*Journal, error) {
	j, err := find(name, input, want)
	if err != nil {
		return nil, err
	}
	there, err := os.Stat(j.output())
	if err == nil && there.Size() > 0 {
		if info, err := os.Stat(j.Path); err != nil || info.Size() == 0 {
			return nil, explain.UsageHint("name another --output; to keep the results that are in this one, give it as --input",
				"%s exists, and no journal of a run is beside it", name)
		}
	}
	var mode fs.FileMode // of a new journal; 0: what the system gives
	if err == nil {
		if err := writable(j.output()); err != nil {
			return nil, err
		}
		mode = there.Mode().Perm()
	}
	if err := j.lock(mode); err != nil {
		return nil, unwritable(err)
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.file.Close()) // it stays as it is
	}
	j.stop = func() {}
	if err = j.begin(); err == nil {
		err = j.tidy()
	}
	if err != nil {
		return nil, errors.Join(unwritable(err), j.Close())
	}
	j.stop = term.Every(time.Second, j.sync)
	return j, nil
}

// Look reads the journal of an output without a lock, and never changes it. It returns nil if there is none.
func Look(name string, input *os.File, want Wanted) (*Journal, error) {
	j, err := find(name, input, want)
	if err == nil {
		err = j.look()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return j, err
}

func (j *Journal) look() (err error) {
	if j.file, err = os.Open(j.Path); err != nil {
		return err
	}
	if err = j.load(); err != nil {
		return errors.Join(err, j.file.Close())
	}
	j.start = j.end
	return nil
}

func find(name string, input *os.File, want Wanted) (*Journal, error) {
	path, err := resolve(name)
	if err != nil {
		return nil, explain.Usage("%w", err)
	}
	j := &Journal{Name: name, Path: path + ".journal", want: want}
	if input == nil {
		return j, nil
	}
	mine, err := input.Stat()
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && os.SameFile(info, mine) {
		return nil, explain.Usage("%s is the input", name)
	}
	for _, output := range []string{name, path} {
		a, err := filepath.Abs(input.Name())
		b, err2 := filepath.Abs(output)
		if rest, beside := strings.CutPrefix(a, b); err == nil && err2 == nil && beside && side.MatchString(rest) {
			return nil, explain.UsageHint("copy it to another name first, if it is what you want to convert", "the input %s is a file of a run that writes %s", input.Name(), name)
		}
	}
	return j, nil
}

// output returns the output's path without links.
func (j *Journal) output() string { return strings.TrimSuffix(j.Path, ".journal") }

func (j *Journal) beside(what string) string { return j.output() + "." + j.mark + "." + what }

// writable finds out before the first call that the file cannot be replaced.
func writable(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return explain.UsageHint("close it in other programs, if it is open there", "%w", err)
	}
	return file.Close()
}

// lock opens and locks the file.
func (j *Journal) lock(mode fs.FileMode) error {
	path := j.Path
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return explain.Usage("%w", err)
		}
		locked := lockFile(file)
		mine, err := file.Stat()
		switch {
		case err != nil:
		case !mine.Mode().IsRegular():
			err = explain.Usage("%s is no file", path)
		case locked != nil:
			if err = j.unlocked(locked); mine.Size() == 0 && !errors.Is(locked, errLocked) {
				_ = os.Remove(path) // it was just created
			}
		case mine.Size() == 0 && mode != 0:
			if err = file.Chmod(mode); errors.Is(err, errors.ErrUnsupported) {
				err = nil
			}
		}
		if err != nil {
			return errors.Join(err, file.Close())
		}
		if now, err := os.Stat(path); err == nil && os.SameFile(mine, now) {
			j.file, j.size = file, mine.Size()
			return nil
		}
		_ = file.Close() // another process has removed it
	}
}

// unlocked makes the error of a file that could not be locked.
func (j *Journal) unlocked(err error) error {
	path := j.Path
	switch {
	case errors.Is(err, errLocked):
		if other := (&Journal{Path: path, want: Wanted{Settles: j.want.Settles}}); other.look() == nil && other.file.Close() == nil && other.pid > 0 {
			return explain.Usage("%s is being written by process %d", path, other.pid)
		}
		return explain.Usage("%s is being written by another process", path)
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, errors.ErrUnsupported):
		return explain.UsageHint("write to a local disk, and move the file when the run is complete",
			"%s: its file system has no locks (%w), and without one two runs could write to the file at once", path, err)
	default:
		return lang.Errorf("%s: it cannot be locked: %w", path, err)
	}
}

// tidy removes what a killed run has left, and finds out whether files can be created beside the output.
func (j *Journal) tidy() error {
	file, err := os.OpenFile(j.beside("new"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
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

// Replaced is what became of the file at an output's name.
type Replaced struct {
	Same   bool   // it is as it was
	Edited bool   // someone has edited it, and it stays so, as there is nothing new
	Before string // where it is kept, because someone has edited it
}

// Replace writes the output beside the file and replaces it. complete means that no chat is left; details, that it
// describes groups. A file that someone has edited stays, if the output is the one before, or is kept beside.
func (j *Journal) Replace(complete, details bool, assemble func(io.Writer) error) (r Replaced, err error) {
	path := j.beside("new")
	digest, err := j.write(path, assemble)
	defer func() { _ = os.Remove(path) }() // it is there only after an error, or if nothing has changed
	if err != nil {
		return r, explain.InFile(lang.Literal(j.Name), err)
	}
	now, err := digestOf(j.output())
	if err != nil {
		return r, err
	}
	mine := now == "" || j.outputs[now]
	r.Edited = !mine && j.last == digest
	r.Same = now == digest || r.Edited
	if !r.Same || complete && j.Round() != "" {
		if err := j.wrote(digest, complete, details); err != nil { // first: a killed run must leave no output that is not known
			return r, err
		}
	}
	if r.Same {
		return r, nil
	}
	if !mine {
		if r.Before, err = j.keep(); err != nil {
			return r, err
		}
	}
	if err := os.Rename(path, j.output()); err != nil {
		return r, err
	}
	return r, syncFolder(j.Path)
}

// write assembles the output in a file of its own.
func (j *Journal) write(path string, assemble func(io.Writer) error) (digest string, err error) {
	like, err := os.Stat(j.output())
	if err != nil {
		like, err = j.file.Stat()
	}
	if err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if err = file.Chmod(like.Mode().Perm()); err == nil || errors.Is(err, errors.ErrUnsupported) {
		err = assemble(io.MultiWriter(file, sum))
	}
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, file.Sync(), file.Close())
}

// keep gives the file another name.
func (j *Journal) keep() (string, error) {
	name := j.beside("before")
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, os.Rename(j.output(), name)
		}
		name = fmt.Sprintf("%s.%d", j.beside("before"), n)
	}
}

// Close closes the journal. It removes one without any result.
func (j *Journal) Close() error {
	if j.stop == nil {
		return j.file.Close()
	}
	j.stop()
	end := j.end
	if j.void() {
		end = min(end, j.all)
	}
	unused := !j.results && len(j.outputs) == 0 && j.Skipped == 0
	if unused {
		_ = os.Remove(j.Path) // under the lock; Windows cannot remove an open file
	}
	err := errors.Join(j.file.Truncate(end), j.file.Sync(), release(j.file))
	if unused {
		_ = os.Remove(j.Path)
	}
	return err
}

// digestOf returns the digest of a file; it is empty if there is none, or it is empty.
func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err = errors.Join(err, file.Close()); n == 0 || err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// resolve follows links, also to a file that does not exist yet. A link is never replaced.
func resolve(path string) (string, error) {
	for range 40 {
		target, err := os.Readlink(path)
		if err != nil {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if errors.Is(err, fs.ErrNotExist) {
				return "", lang.Errorf("%s: the folder %s does not exist", path, filepath.Dir(path))
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
	return "", lang.Errorf("%s: too many links", path)
}
