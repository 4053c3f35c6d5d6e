package journal

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
)

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

// has reports whether the line at an offset is that of an id.
func (x *index) has(id string, at int64) bool {
	tag := tagOf(id)
	for slot := x.place(tag); x.slots[slot] != 0; slot = (slot + 1) % len(x.slots) {
		if x.slots[slot] == tag<<offsetBits|uint64(at) {
			return true
		}
	}
	return false
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
