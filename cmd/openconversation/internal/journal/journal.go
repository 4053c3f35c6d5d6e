// Package journal keeps what chats convert to in a file beside a run's output: a map from chat id to result, of one app. It is all
// that a run remembers. Rows, columns and formats are not in it: a result belongs to an id, whatever file the id stands in.
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
//
// # The output
//
// The output is assembled from input and journal at the end and at every orderly stop, and takes its name when it is whole. After
// a kill the next run does it. Nothing of the user's is lost:
//
//	FILE               replaced only if it is as a run wrote it: its digest is in the journal
//	FILE.journal       what the chats of this output convert to; it stays
//	FILE.MARK.new      an output while it is assembled; the next run removes it
//	FILE.MARK.before   an output that someone has edited, before it was replaced
//
// MARK is the journal's. A file without a journal is refused.
package journal

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// Journal is a journal, which is locked if it is open for writing. Its methods may be called by several goroutines.
type Journal struct {
	Name    string // of the output, as the user gave it
	Path    string // of the journal, without links
	Details bool   // the last output has descriptions
	Skipped int    // lines that cannot be read

	want Wanted
	mark string // random, for the names of files beside the output
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

// Wanted describes a journal.
type Wanted struct {
	App  string // digest of the app and its host; empty: not known, as where nothing is called
	Room int    // lines that there must be space for at any time: those of the calls in flight

	// Settles reports whether a failure with this code says something of its chat: it holds until a round of Failed.
	Settles func(code string) bool
}

// begin makes the file ready for lines.
func (j *Journal) begin() error {
	if err := j.file.Truncate(j.end); err != nil {
		return err
	}
	j.size = j.end
	var err error
	if j.mark == "" {
		raw := make([]byte, 8)
		_, _ = rand.Read(raw) // never fails
		j.mark = hex.EncodeToString(raw)
		err = j.add(line{Format: format, Version: version, Mark: j.mark})
	}
	if j.start = j.end; err == nil {
		err = j.add(line{PID: os.Getpid()})
	}
	if err != nil {
		return explain.InFile(lang.Literal(j.Path), err)
	}
	return errors.Join(j.file.Sync(), syncFolder(j.Path))
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

// learn takes in what the line at an offset says.
func (j *Journal) learn(l line, at int64) error {
	switch {
	case l.ID != "":
		j.paid = j.paid || l.OpenConversationID != ""
		j.results = j.results || l.OpenConversationID != "" || j.want.Settles(l.Code)
		return j.set(l.ID, at)
	case l.Out != "":
		j.outputs[l.Out], j.last, j.Details = true, l.Out, l.Details
		if l.Complete {
			j.written, j.begun = at, ""
		}
	case l.Again != "":
		if j.failed, j.begun = at, ""; l.Again == All {
			j.all, j.paid, j.index.used = at, false, 0
			clear(j.index.slots)
		}
	case l.PID > 0:
		j.pid = l.PID
	}
	if j.app = cmp.Or(j.app, l.App); j.app != j.want.App && j.app != "" && j.want.App != "" {
		return explain.UsageHint("use that app, region and host, or name another --output", "%s belongs to another app, region or host", j.Path)
	}
	return nil
}

// Put keeps a result, in the place of an earlier one. After an error nothing more must be sent; the result may be kept all the same.
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

// Get returns the entry of an id. A nil journal has none.
func (j *Journal) Get(id string) (Entry, error) {
	if j == nil {
		return Entry{}, nil
	}
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
	case j == nil:
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

// wrote notes the digest of an output before it takes its place. complete ends a round.
func (j *Journal) wrote(digest string, complete, details bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.end
	if err := j.add(line{Out: digest, Complete: complete, Details: details}); err != nil && j.end == at {
		return err
	}
	return j.file.Sync()
}

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

// syncFolder makes the name of a file last through a power failure, where the system can.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err == nil {
		_ = folder.Sync() // not every system syncs a folder
		err = folder.Close()
	}
	return err
}

// search returns the slot of an id, and its line if it has one; otherwise the slot is empty.
func (j *Journal) search(id string) (slot int, l line, offset int64, err error) {
	x := &j.index
	tag := tagOf(id)
	for slot = x.place(tag); x.slots[slot] != 0; slot = (slot + 1) % len(x.slots) {
		if x.slots[slot]>>offsetBits != tag {
			continue
		}
		offset = int64(x.slots[slot] & (1<<offsetBits - 1))
		if l, err = j.line(offset); err != nil || l.ID == id {
			return slot, l, offset, err
		}
	}
	return slot, line{}, 0, nil
}

// set makes the line at an offset that of an id.
func (j *Journal) set(id string, offset int64) error {
	if x := &j.index; x.used >= len(x.slots)*7/8 {
		x.fit(x.used * 3 / 2)
	}
	slot, _, before, err := j.search(id)
	if err != nil {
		return err
	}
	if before == 0 {
		j.index.used++
	}
	j.index.slots[slot] = tagOf(id)<<offsetBits | uint64(offset)
	return nil
}

// line reads the line at an offset, and those behind it ahead. What is damaged by now is no line.
func (j *Journal) line(offset int64) (l line, err error) {
	for size := int64(16 << 10); ; size *= 4 {
		if at := offset - j.from; at >= 0 && at < int64(len(j.window)) {
			raw, _, whole := bytes.Cut(j.window[at:], []byte("\n"))
			if whole || j.from+int64(len(j.window)) == j.end {
				l, _ = decode(raw)
				return l, nil
			}
		}
		size = min(size, j.end-offset)
		j.from, j.window = offset, slices.Grow(j.window[:0], int(size))[:size]
		if _, err := j.file.ReadAt(j.window, offset); err != nil {
			j.window = nil
			if errors.Is(err, io.EOF) { // someone else has cut the file
				err = nil
			}
			return l, err
		}
	}
}
