// Package journal keeps what chats convert to in a file: a map from chat id to result, of one app. It is all that a run
// remembers. Rows, columns and formats are not in it: a result belongs to an id, whatever file the id stands in.
//
//	{"openconversation":"journal","version":1,"mark":"4f…","crc":"…"}
//	{"pid":4711,"crc":"…"}                                 a run begins; with "app", whose results follow
//	{"id":"chat…","to":"cid…","crc":"…"}                   converted
//	{"id":"chat…","to":"cid…","name":"…","crc":"…"}        described later: the last line of an id holds
//	{"id":"chat…","code":"…","error":"…","crc":"…"}        failed
//	{"again":"failed","crc":"…"}                           or "all": a round begins
//	{"out":"sha256 …","complete":true,"crc":"…"}           an output was written
//
// A line is appended by one write as soon as its result is there: a killed process loses nothing that it was told. The
// file is longer than its lines by blank space for the calls in flight, so that a full disk loses nothing either. A line
// that cannot be read, wherever it is, is skipped: its chat is called again.
//
// The index in memory is 8 bytes an id: where its line is, and a part of its hash. Each hit compares the id in the line.
package journal

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// Open opens a journal and locks it; it creates the file if there is none.
func Open(want Wanted) (*Journal, error) {
	j := &Journal{want: want, halt: make(chan struct{})}
	if err := j.lock(); err != nil {
		return nil, err
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.file.Close()) // it stays as it is
	}
	if err := j.begin(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	j.ticker.Go(j.sync)
	return j, nil
}

// Read reads a journal without a lock, and never changes it. It returns an error that is fs.ErrNotExist if there is
// none.
func Read(want Wanted) (*Journal, error) {
	file, err := os.Open(want.Path)
	if err != nil {
		return nil, err
	}
	j := &Journal{want: want, file: file, reading: true}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	j.start = j.end
	return j, nil
}

// lock opens and locks the file.
func (j *Journal) lock() error {
	path := j.want.Path
	for {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		created := errors.Is(err, fs.ErrNotExist)
		if created {
			if file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666); errors.Is(err, fs.ErrExist) {
				continue // another process was faster
			}
			if err == nil && j.want.Mode != 0 {
				if err := file.Chmod(j.want.Mode); err != nil && !errors.Is(err, errors.ErrUnsupported) {
					return errors.Join(err, file.Close(), os.Remove(path))
				}
			}
		}
		if err != nil {
			return explain.Usage("%w", err)
		}
		if err := lockFile(file); err != nil {
			err = errors.Join(j.unlocked(err), file.Close())
			if created && !errors.Is(err, errLocked) {
				_ = os.Remove(path)
			}
			return err
		}
		mine, err := file.Stat()
		if err != nil {
			return errors.Join(err, file.Close())
		}
		if !mine.Mode().IsRegular() {
			return errors.Join(explain.Usage("%s is no file", path), file.Close())
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
	path := j.want.Path
	switch {
	case errors.Is(err, errLocked):
		if other, err := Read(Wanted{Path: path, Settles: j.want.Settles}); err == nil && other.file.Close() == nil && other.pid > 0 {
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

// begin makes the file ready for lines.
func (j *Journal) begin() error {
	if err := j.file.Truncate(j.end); err != nil {
		return err
	}
	j.size = j.end
	if j.Mark == "" {
		raw := make([]byte, 8)
		_, _ = rand.Read(raw) // never fails
		j.Mark = hex.EncodeToString(raw)
	}
	var err error
	if j.end == 0 {
		err = j.append(line{Format: format, Version: version, Mark: j.Mark})
	}
	if j.start = j.end; err == nil {
		err = j.append(line{PID: os.Getpid()})
	}
	if err != nil {
		return explain.InFile(lang.Literal(j.want.Path), err)
	}
	return errors.Join(j.file.Sync(), SyncFolder(j.want.Path))
}

// SyncFolder makes the name of a file last through a power failure, where the system can.
func SyncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err == nil {
		_ = folder.Sync() // not every system syncs a folder
		err = folder.Close()
	}
	return err
}

// roomFor is the space for a line, in bytes. The lines of DingTalk's ids need a fifth of it.
const roomFor = 512

// grow makes the file longer than its lines by so many bytes and the space for the calls in flight.
func (j *Journal) grow(n int) error {
	need := j.end + int64(n+j.want.Room*roomFor)
	if j.size >= need {
		return nil
	}
	_, err := j.file.WriteAt(bytes.Repeat([]byte("\n"), int(need-j.size)+64<<10), j.size)
	if info, failed := j.file.Stat(); failed == nil {
		j.size = info.Size() // WriteAt does not say how much of it was written
	}
	if j.size >= need {
		return nil
	}
	return err
}

// append appends a line. It returns an error also if the line was written, but the space for others is used up.
func (j *Journal) append(l line) error {
	raw := l.encode()
	full := j.grow(len(raw))
	if _, err := j.file.WriteAt(raw, j.end); err != nil {
		if info, failed := j.file.Stat(); failed == nil && info.Size() > j.end {
			j.size = info.Size()
			_, _ = j.file.WriteAt(bytes.Repeat([]byte("\n"), int(j.size-j.end)), j.end) // or the rest of the line is skipped when it is read
		}
		return err
	}
	j.end += int64(len(raw))
	j.size = max(j.size, j.end)
	j.dirty = true
	return full
}

// Put keeps a result, in the place of an earlier one. After an error nothing more must be sent; the result may be kept
// all the same.
func (j *Journal) Put(id string, r rows.Result) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.app == "" && j.want.App != "" { // from its first result on it is this app's
		_ = j.append(line{PID: os.Getpid(), App: j.want.App}) // if it fails, so does the next line
		j.app = j.want.App
	}
	before := j.end
	err := j.append(line{ID: id, Result: r})
	if j.end > before {
		j.lines++
		j.saw(r)
		if indexed := j.set(id, before); indexed != nil {
			return indexed
		}
	}
	return err
}

// Entry is what a journal knows of an id.
type Entry struct {
	rows.Result      // zero if there is none
	Settled     bool // the id must not be called
	Fresh       bool // of this run
}

// Get returns the entry of an id.
func (j *Journal) Get(id string) (e Entry, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	l, at, err := j.find(id)
	if err != nil || at == 0 {
		return e, err
	}
	fresh := at >= j.start
	return Entry{l.Result, l.OpenConversationID != "" || fresh || at > j.failed && j.want.Settles(l.Code), fresh}, nil
}

// Begin begins a round, unless one of its kind is under way.
func (j *Journal) Begin(again Again) error {
	if j.Round() == again {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.end
	if !j.reading {
		if err := j.append(line{Again: again}); err != nil {
			return err
		}
	}
	j.round(again, at)
	return nil
}

// Round returns the round that is under way: one that no complete output has ended.
func (j *Journal) Round() Again {
	switch {
	case j.all > j.written:
		return All
	case j.failed > j.written:
		return Failed
	}
	return ""
}

// Expect makes room in the index for so many more ids, so that it need not grow during calls.
func (j *Journal) Expect(ids int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.index.fit(j.index.used + ids)
}

// Empty reports whether no chat has a result; in a round of All, whether that round has no conversion.
func (j *Journal) Empty() bool { return !j.results || j.all > 0 && !j.paid }

// Wrote notes the digest of an output before it takes its place. complete ends a round.
func (j *Journal) Wrote(digest string, complete, details bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.end
	if err := j.append(line{Out: digest, Complete: complete, Details: details}); err != nil && j.end == at {
		return err
	}
	j.wrote(line{Out: digest, Complete: complete, Details: details}, at)
	return j.file.Sync()
}

// Has reports whether an output with this digest was written.
func (j *Journal) Has(digest string) bool { return j.outputs[digest] }

// Last returns the digest of the last output.
func (j *Journal) Last() string { return j.last }

// sync makes the lines last through a power failure, once a second.
func (j *Journal) sync() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-j.halt:
			return
		}
		j.mu.Lock()
		dirty := j.dirty
		j.dirty = false
		j.mu.Unlock()
		if dirty {
			_ = j.file.Sync() // Close says if it fails
		}
	}
}

// Close closes the journal. It removes one without any result, and writes one anew that is mostly replaced lines.
func (j *Journal) Close() error {
	if j.reading {
		return j.file.Close()
	}
	close(j.halt)
	j.ticker.Wait()
	end := j.end
	switch {
	case j.all > 0 && !j.paid:
		end = j.all // nothing has come of the round
	case j.marker > 0:
		end = j.marker
	}
	unused := !j.results && len(j.outputs) == 0 && j.Skipped == 0 && j.Mark != ""
	if unused {
		_ = os.Remove(j.want.Path) // under the lock; Windows cannot remove an open file
	}
	var err error
	if j.Mark != "" { // it is a journal
		err = errors.Join(j.file.Truncate(end), j.file.Sync())
		if err == nil && !unused && j.Round() == "" && j.lines > 2*j.index.used {
			_ = j.compact(end) // the old one has everything
		}
	}
	err = errors.Join(err, j.file.Close())
	if unused {
		_ = os.Remove(j.want.Path)
	}
	return err
}

// compact writes the journal anew without the lines that later ones have replaced, such as those of an earlier round. Until the
// new one takes its name, the old one stays.
func (j *Journal) compact(end int64) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(j.want.Path, ".journal") + "." + j.Mark + ".new"
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(name) }() // it is there only after an error
	if err = file.Chmod(info.Mode().Perm()); errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	out := bufio.NewWriterSize(file, 256<<10)
	_, _ = out.Write(line{Format: format, Version: version, Mark: j.Mark, App: j.app}.encode()) // Flush returns the error
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, end), 256<<10)
	for at := int64(0); err == nil; {
		var raw []byte
		raw, err = in.ReadBytes('\n')
		if l, known := decode(bytes.TrimSuffix(raw, []byte("\n"))); known && j.keeps(l, at) {
			_, _ = out.Write(raw)
		}
		at += int64(len(raw))
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, out.Flush(), file.Sync(), file.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(name, j.want.Path), SyncFolder(j.want.Path))
}

// keeps reports whether the line at an offset still says something.
func (j *Journal) keeps(l line, at int64) bool {
	switch {
	case l.ID != "":
		return j.index.has(l.ID, at)
	case l.Out != "":
		return at == j.kept[0] || at == j.kept[1] // a killed process may have left the other one in its place
	}
	return l.Again == Failed && at == j.failed // failures before it are called again
}
