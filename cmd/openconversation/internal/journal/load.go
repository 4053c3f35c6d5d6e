package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
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

	want    Wanted
	file    *os.File
	reading bool   // read-only
	pid     int    // of the last run
	app     string // whose results it has, once that is known

	mu     sync.Mutex
	index  index
	window []byte // read ahead, from windowAt
	from   int64  // offset of the window
	end    int64  // of the lines
	size   int64  // of the file, with blank space
	dirty  bool
	halt   chan struct{}
	ticker sync.WaitGroup

	start   int64           // of this run's lines
	failed  int64           // of the last round of Failed
	all     int64           // of the last round of All
	marker  int64           // of the last round, if no line is behind it
	paid    bool            // the round of All has a conversion
	results bool            // some chat has a result, whatever the round
	written int64           // of the last complete output
	outputs map[string]bool // digests of the outputs
	last    string          // digest of the last one
	kept    [2]int64        // lines of the last output, and of the last with another digest
	lines   int             // with results
}

// load reads the file's lines.
func (j *Journal) load() error {
	if err := j.read(1 << 62); err != nil {
		return err
	}
	if j.all == 0 || j.paid {
		return nil
	}
	end := j.all // nothing has come of the last round of All: it is as if it had not begun
	*j = Journal{want: j.want, file: j.file, reading: j.reading, size: j.size, halt: j.halt, pid: j.pid}
	return j.read(end)
}

// read reads the lines up to an offset.
func (j *Journal) read(limit int64) error {
	if info, err := j.file.Stat(); err == nil {
		j.index.fit(int(min(info.Size(), limit) / usualLine)) // growing would need both sizes at once
	}
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, limit), 256<<10)
	offset := int64(0)
	for {
		raw, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			raw = bytes.Clone(raw)
			var rest []byte
			rest, err = in.ReadBytes('\n')
			raw = append(raw, rest...)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		at := offset
		offset += int64(len(raw))
		whole := err == nil
		text := bytes.TrimSuffix(raw, []byte("\n"))
		l, known := decode(text)
		switch {
		case at == 0 && !whole && (bytes.HasPrefix(start, text) || bytes.HasPrefix(text, start)):
			return nil // killed while it was created
		case at == 0:
			if err := j.header(l, known); err != nil {
				return err
			}
		case len(text) == 0:
			if !whole {
				return nil
			}
			continue
		case !known || !whole:
			j.Skipped++
		case l.PID > 0:
			j.pid = l.PID
			if err := j.of(l.App); err != nil {
				return err
			}
		case l.Again != "":
			j.round(l.Again, at)
		case l.Out != "":
			j.wrote(l, at)
		case l.ID != "":
			j.lines++
			j.saw(l.Result)
			if err := j.set(l.ID, at); err != nil {
				return err
			}
		}
		if !whole {
			return nil
		}
		j.end = offset
	}
}

// header checks the first line.
func (j *Journal) header(l line, known bool) error {
	path := j.want.Path
	switch {
	case !known || l.Format != format || !isMark(l.Mark):
		return explain.UsageHint("move it away if it is not needed; what is in it would be called again", "%s is no journal of this command's, or its first line is damaged", path)
	case l.Version != version:
		return explain.Usage("%s is of version %d, and this command's is %d: finish the run with the version that began it", path, l.Version, version)
	}
	j.Mark = l.Mark
	return j.of(l.App)
}

// of notes whose results the lines are, and refuses those of another app.
func (j *Journal) of(app string) error {
	if j.app = cmp.Or(j.app, app); j.app != j.want.App && j.app != "" && j.want.App != "" {
		return explain.UsageHint("use that app, region and host, or name another --output", "%s belongs to another app, region or host", j.want.Path)
	}
	return nil
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

// find returns the line of an id and its offset, which is 0 if there is none.
func (j *Journal) find(id string) (l line, offset int64, err error) {
	if j.index.used == 0 {
		return l, 0, nil
	}
	_, l, offset, err = j.search(id)
	return l, offset, err
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

// line reads the line at an offset. Lines that follow one another are read ahead.
func (j *Journal) line(offset int64) (line, error) {
	const ahead = 32 << 10
	size := int64(1 << 10)
	if after := offset - j.from - int64(len(j.window)); after >= 0 && after < ahead {
		size = ahead
	}
	for {
		if at := offset - j.from; at >= 0 && at < int64(len(j.window)) {
			if raw, _, whole := bytes.Cut(j.window[at:], []byte("\n")); whole {
				l, _ := decode(raw) // what is damaged by now is another id's
				return l, nil
			}
		}
		if int64(cap(j.window)) < size {
			j.window = make([]byte, size)
		}
		n, err := j.file.ReadAt(j.window[:size], offset) // it may end earlier: appended lines are read anew
		if err != nil && !errors.Is(err, io.EOF) {
			return line{}, err
		}
		j.from, j.window = offset, j.window[:n]
		text := len(bytes.TrimRight(j.window, "\n"))
		if j.window = j.window[:min(n, text+1)]; text == n && err != nil {
			return line{}, nil //nolint:nilerr // someone else has cut the file
		}
		size *= 4
	}
}

func (j *Journal) saw(r rows.Result) {
	j.paid = j.paid || r.OpenConversationID != ""
	j.results = j.results || r.OpenConversationID != "" || j.want.Settles(r.Code)
	j.marker = 0
}

func (j *Journal) round(again Again, at int64) {
	j.marker = at
	if j.failed = at; again == All {
		j.all, j.paid = at, false
		j.index = index{slots: make([]uint64, len(j.index.slots))}
	}
}

func (j *Journal) wrote(l line, at int64) {
	if j.outputs == nil {
		j.outputs = map[string]bool{}
	}
	if j.last != l.Out {
		j.last, j.kept[1] = l.Out, j.kept[0]
	}
	j.kept[0] = at
	j.outputs[l.Out], j.Details, j.marker = true, l.Details, 0
	if l.Complete {
		j.written = at
	}
}
