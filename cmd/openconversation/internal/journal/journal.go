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
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Wanted describes a journal.
type Wanted struct {
	Path string
	Mode fs.FileMode // of a new file; 0: what the system gives
	App  string      // digest of the app and its host; empty: not known, as where nothing is called
	Room int         // lines that there must be space for at any time: those of the calls in flight

	// Settles reports whether a failure with this code says something of its chat: it holds until a round of Failed.
	Settles func(code string) bool
}

// Journal is a journal, which is locked if it is open for writing. Its methods may be called by several goroutines.
type Journal struct {
	Mark    string // random, for the names of files beside the output
	Details bool   // the last output has descriptions
	Skipped int    // lines that cannot be read

	want Wanted
	file *os.File
	pid  int    // of the last run
	app  string // whose results it has, once that is known
	stop func() // ends the calls of sync; nil: it is only read

	mu     sync.Mutex
	index  index
	window []byte // lines read ahead
	from   int64  // offset of the window
	end    int64  // of the lines
	size   int64  // of the file, with blank space
	dirty  bool

	start   int64           // of this run's lines
	failed  int64           // of the last round
	all     int64           // of the last round of All
	begun   Again           // a round that has no line yet
	paid    bool            // the round of All has a conversion
	results bool            // some chat has a result, whatever the round
	written int64           // of the last complete output
	outputs map[string]bool // digests of the outputs
	last    string          // digest of the last one
}

// Open opens a journal and locks it; it creates the file if there is none.
func Open(want Wanted) (*Journal, error) {
	j := &Journal{want: want, stop: func() {}}
	if err := j.lock(); err != nil {
		return nil, err
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.file.Close()) // it stays as it is
	}
	if err := j.begin(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	j.stop = term.Every(time.Second, j.sync)
	return j, nil
}

// Read reads a journal without a lock, and never changes it. It returns an error that is fs.ErrNotExist if there is
// none.
func Read(want Wanted) (*Journal, error) {
	file, err := os.Open(want.Path)
	if err != nil {
		return nil, err
	}
	j := &Journal{want: want, file: file}
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
		case mine.Size() == 0 && j.want.Mode != 0:
			if err = file.Chmod(j.want.Mode); errors.Is(err, errors.ErrUnsupported) {
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
	var err error
	if j.Mark == "" {
		raw := make([]byte, 8)
		_, _ = rand.Read(raw) // never fails
		j.Mark = hex.EncodeToString(raw)
		err = j.add(line{Format: format, Version: version, Mark: j.Mark})
	}
	if j.start = j.end; err == nil {
		err = j.add(line{PID: os.Getpid()})
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

// add appends a line. It returns an error also if the line was written, but the space for others is used up.
func (j *Journal) add(l line) error {
	raw, at := l.encode(), j.end
	full := j.grow(len(raw))
	if _, err := j.file.WriteAt(raw, at); err != nil {
		if info, failed := j.file.Stat(); failed == nil && info.Size() > at {
			j.size = info.Size()
			_, _ = j.file.WriteAt(bytes.Repeat([]byte("\n"), int(j.size-at)), at) // or the rest of the line is skipped when it is read
		}
		return err
	}
	j.end += int64(len(raw))
	j.size = max(j.size, j.end)
	j.dirty = true
	if err := j.learn(l, at); err != nil {
		return err
	}
	return full
}

// Put keeps a result, in the place of an earlier one. After an error nothing more must be sent; the result may be kept
// all the same.
func (j *Journal) Put(id string, r rows.Result) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.app == "" && j.want.App != "" { // from its first result on it is this app's
		_ = j.add(line{PID: os.Getpid(), App: j.want.App}) // if it fails, so does the next line
	}
	if j.begun != "" {
		if err := j.add(line{Again: j.begun}); err != nil {
			return err
		}
	}
	return j.add(line{ID: id, Result: r})
}

// Entry is what a journal knows of an id.
type Entry struct {
	rows.Result      // zero if there is none
	Settled     bool // the id must not be called
	Fresh       bool // of this run
}

// Get returns the entry of an id.
func (j *Journal) Get(id string) (Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, l, at, err := j.search(id)
	if err != nil || at == 0 {
		return Entry{}, err
	}
	fresh := at >= j.start
	return Entry{l.Result, l.OpenConversationID != "" || fresh || at > j.failed && j.want.Settles(l.Code), fresh}, nil
}

// Begin begins a round, unless one of its kind is under way. The file has it from its first result on: one that comes to
// nothing leaves no trace.
func (j *Journal) Begin(again Again) {
	if j.Round() != again {
		_ = j.learn(line{Again: again}, j.end) // it names no app
		j.begun = again
	}
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
func (j *Journal) Expect(ids int) { j.index.fit(j.index.used + ids) }

// void reports whether the round of All that is under way has come to nothing.
func (j *Journal) void() bool { return j.Round() == All && !j.paid }

// Empty reports whether no chat has a result; in a round of All, whether that round has no conversion.
func (j *Journal) Empty() bool { return !j.results || j.void() }

// Wrote notes the digest of an output before it takes its place. complete ends a round.
func (j *Journal) Wrote(digest string, complete, details bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.end
	if err := j.add(line{Out: digest, Complete: complete, Details: details}); err != nil && j.end == at {
		return err
	}
	return j.file.Sync()
}

// Has reports whether an output with this digest was written.
func (j *Journal) Has(digest string) bool { return j.outputs[digest] }

// Last returns the digest of the last output.
func (j *Journal) Last() string { return j.last }

// sync makes the lines last through a power failure.
func (j *Journal) sync() {
	j.mu.Lock()
	dirty := j.dirty
	j.dirty = false
	j.mu.Unlock()
	if dirty {
		_ = j.file.Sync() // Close says if it fails
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
		_ = os.Remove(j.want.Path) // under the lock; Windows cannot remove an open file
	}
	err := errors.Join(j.file.Truncate(end), j.file.Sync(), j.file.Close())
	if unused {
		_ = os.Remove(j.want.Path)
	}
	return err
}
