package journal

import "hash/maphash"

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
