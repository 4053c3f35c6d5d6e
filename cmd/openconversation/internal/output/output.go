// Package output manages the output file of a run. A run's truth is its journal, beside the output; the output is
// assembled from input and journal at the end and at every orderly stop, and takes its name when it is whole. After a
// kill the next run does it. Nothing of the user's is lost:
//
//	FILE               replaced only if it is as a run wrote it: its digest is in the journal
//	FILE.journal       what the chats of this output convert to; it stays
//	FILE.MARK.new      an output while it is assembled; the next run removes it
//	FILE.MARK.before   an output that someone has edited, before it was replaced
//
// MARK is the journal's. A file without a journal is refused.
package output

import (
	"context"
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

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Stream opens an output that is not a file, such as a pipe or a device; it returns nil for a file or a missing one. It
// stops waiting when ctx ends, because a pipe opens only with a reader.
func Stream(ctx context.Context, name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil //nolint:nilerr // it does not exist yet; Open reports other faults
	}
	switch {
	case info.Mode().IsRegular():
		return nil, nil
	case info.IsDir():
		return nil, explain.Usage("%s is a folder", name)
	}
	file, err := term.Open(ctx, name, os.O_WRONLY, 0)
	if err != nil && ctx.Err() == nil {
		return nil, explain.Usage("%w", err)
	}
	return file, err
}

// File is an output and its journal, which is locked until Close.
type File struct {
	Name    string // as the user gave it
	Journal *journal.Journal

	path string // without links
}

// side matches what follows an output's name in the names of files that a run may change.
var side = regexp.MustCompile(`^\.(journal|[0-9a-f]{16}\.new)$`)

// Open opens the journal of the output with that name, or begins one. want has everything but the journal's path. input
// must be another file.
func Open(name string, input *os.File, want journal.Wanted) (*File, error) {
	f, err := find(name, input)
	if err != nil {
		return nil, err
	}
	there, err := os.Stat(f.path)
	if exists := err == nil && there.Size() > 0; exists {
		if info, err := os.Stat(f.JournalPath()); err != nil || info.Size() == 0 {
			return nil, explain.UsageHint("name another --output; to keep the results that are in this one, give it as --input",
				"%s exists, and no journal of a run is beside it", name)
		}
	}
	if err == nil {
		if err := writable(f.path); err != nil {
			return nil, err
		}
		want.Mode = there.Mode().Perm()
	}
	want.Path = f.JournalPath()
	if f.Journal, err = journal.Open(want); err != nil {
		return nil, unwritable(err)
	}
	if err := f.tidy(); err != nil {
		return nil, errors.Join(unwritable(err), f.Journal.Close())
	}
	return f, nil
}

// Look reads the journal of an output without a lock. It returns nil if there is none.
func Look(name string, input *os.File, want journal.Wanted) (*journal.Journal, error) {
	f, err := find(name, input)
	if err != nil {
		return nil, err
	}
	want.Path = f.JournalPath()
	j, err := journal.Read(want)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return j, err
}

func find(name string, input *os.File) (*File, error) {
	path, err := resolve(name)
	if err != nil {
		return nil, explain.Usage("%w", err)
	}
	f := &File{Name: name, path: path}
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
	return f, nil
}

// JournalPath returns the path of the journal.
func (f *File) JournalPath() string { return f.path + ".journal" }

func (f *File) beside(what string) string { return f.path + "." + f.Journal.Mark + "." + what }

// writable finds out before the first call that the file cannot be replaced.
func writable(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return explain.UsageHint("close it in other programs, if it is open there", "%w", err)
	}
	return file.Close()
}

// tidy removes what a killed run has left, and finds out whether files can be created beside the output.
func (f *File) tidy() error {
	file, err := os.OpenFile(f.beside("new"), os.O_WRONLY|os.O_CREATE, 0o600)
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
func (f *File) Replace(complete, details bool, assemble func(io.Writer) error) (r Replaced, err error) {
	path := f.beside("new")
	digest, err := f.write(path, assemble)
	defer func() { _ = os.Remove(path) }() // it is there only after an error, or if nothing has changed
	if err != nil {
		return r, explain.InFile(lang.Literal(f.Name), err)
	}
	now, err := digestOf(f.path)
	if err != nil {
		return r, err
	}
	mine := now == "" || f.Journal.Has(now)
	r.Edited = now != "" && !mine && f.Journal.Last() == digest
	r.Same = now == digest || r.Edited
	if !r.Same || complete && f.Journal.Round() != "" {
		if err := f.Journal.Wrote(digest, complete, details); err != nil { // first: a killed run must leave no output that is not known
			return r, err
		}
	}
	if r.Same {
		return r, nil
	}
	if !mine {
		if r.Before, err = f.keep(); err != nil {
			return r, err
		}
	}
	if err := os.Rename(path, f.path); err != nil {
		return r, err
	}
	return r, journal.SyncFolder(f.path)
}

// write assembles the output in a file of its own.
func (f *File) write(path string, assemble func(io.Writer) error) (digest string, err error) {
	like, err := os.Stat(f.path)
	if err != nil {
		like, err = os.Stat(f.JournalPath())
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
func (f *File) keep() (string, error) {
	name := f.beside("before")
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, os.Rename(f.path, name)
		}
		name = fmt.Sprintf("%s.%d", f.beside("before"), n)
	}
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
