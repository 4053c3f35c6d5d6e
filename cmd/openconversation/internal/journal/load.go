package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"io"
	"slices"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
)

// load reads the file's lines.
func (j *Journal) load() error {
	err := j.read(1 << 62)
	if err == nil && j.void() { // as if the round had not begun
		end := j.all
		*j = Journal{Name: j.Name, Path: j.Path, want: j.want, file: j.file, stop: j.stop, size: j.size, pid: j.pid}
		err = j.read(end)
	}
	return err
}

// read reads the lines up to an offset.
func (j *Journal) read(limit int64) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	j.outputs = map[string]bool{}
	j.index.fit(int(min(info.Size(), limit) / usualLine)) // growing would need both sizes at once
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, limit), 256<<10)
	for offset := int64(0); ; {
		raw, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		at, whole := offset, err == nil
		offset += int64(len(raw))
		text := bytes.TrimSuffix(raw, []byte("\n"))
		l, known := decode(text)
		switch {
		case at == 0 && !whole && (bytes.HasPrefix(start, text) || bytes.HasPrefix(text, start)):
			return nil // killed while it was created
		case at == 0:
			err = j.header(l, known)
		case len(text) == 0 && whole:
			continue
		case len(text) == 0:
			return nil
		case !known || !whole:
			j.Skipped++
			err = nil
		default:
			err = j.learn(l, at)
		}
		if err != nil || !whole {
			return err
		}
		j.end = offset
	}
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

// header checks the first line.
func (j *Journal) header(l line, known bool) error {
	path := j.Path
	switch {
	case !known || l.Format != format || !isMark(l.Mark):
		return explain.UsageHint("move it away if it is not needed; what is in it would be called again", "%s is no journal of this command's, or its first line is damaged", path)
	case l.Version != version:
		return explain.Usage("%s is of version %d, and this command's is %d: finish the run with the version that began it", path, l.Version, version)
	}
	j.mark = l.Mark
	return j.learn(l, 0)
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

// index finds the offsets of lines. A slot is a tag of 26 bits, which are the id's hash, and an offset of 38; 0 is
// empty. The tag decides the place, so the index grows without the file.
type index struct {
	slots []uint64
	used  int
}

const offsetBits = 38

var seed = maphash.MakeSeed()

func tagOf(id string) uint64 { return maphash.String(seed, id) >> offsetBits }

// place returns where the search for a tag begins.
func (x *index) place(tag uint64) int { return int(tag * uint64(len(x.slots)) >> (64 - offsetBits)) }

// fit makes the index large enough for so many ids.
func (x *index) fit(ids int) {
	size := ids + ids/5 + 1024
	if size <= len(x.slots) {
		return
	}
	old := x.slots
	x.slots = make([]uint64, size)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		at := x.place(slot >> offsetBits)
		for ; x.slots[at] != 0; at = (at + 1) % size {
		}
		x.slots[at] = slot
	}
}
