package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/maphash"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

const (
	format  = "journal"
	version = 1
)

// line is one line of the file.
type line struct {
	Format  string `json:"openconversation,omitempty"`
	Version int    `json:"version,omitempty"`
	Mark    string `json:"mark,omitempty"`
	App     string `json:"app,omitempty"`

	PID   int   `json:"pid,omitempty"`
	Again Again `json:"again,omitempty"`

	Out      string `json:"out,omitempty"`
	Complete bool   `json:"complete,omitempty"`
	Details  bool   `json:"details,omitempty"`

	ID string `json:"id,omitempty"`
	rows.Result
}

// sumSize is the length of a line's end: its checksum. A disk may return other bytes than it took, and a wrong result is
// worse than a second call.
const sumSize = len(`,"crc":"00000000"}`)

// encode returns the line with its line end.
func (l line) encode() []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(l) // cannot fail for these types
	raw := bytes.TrimSuffix(out.Bytes(), []byte("}\n"))
	return fmt.Appendf(raw, ",\"crc\":\"%08x\"}\n", crc32.ChecksumIEEE(raw))
}

// decode is the inverse of encode, for a line without its end.
func decode(raw []byte) (l line, ok bool) {
	if len(raw) < sumSize {
		return l, false
	}
	body, sum := raw[:len(raw)-sumSize], raw[len(raw)-sumSize:]
	if string(fmt.Appendf(make([]byte, 0, sumSize), ",\"crc\":\"%08x\"}", crc32.ChecksumIEEE(body))) != string(sum) {
		return l, false
	}
	if rest, is := bytes.CutPrefix(body, []byte(`{"id":"`)); is && bytes.IndexByte(rest, '\\') < 0 { // the usual line, five times as fast
		id, rest, _ := bytes.Cut(rest, []byte(`","to":"`))
		if to, is := bytes.CutSuffix(rest, []byte(`"`)); is && bytes.IndexByte(to, '"') < 0 {
			l.ID, l.OpenConversationID = string(id), string(to)
			return l, true
		}
	}
	return l, json.Unmarshal(raw, &l) == nil
}

// isMark reports whether a mark may be part of a file's name.
func isMark(mark string) bool {
	raw, err := hex.DecodeString(mark)
	return err == nil && len(raw) == 8
}

// usualLine is less than the bytes of a conversion's line.
const usualLine = 90

// start is how a journal begins.
var start = []byte(`{"openconversation":"` + format + `",`)

// Again is what a round calls again although it has a result.
type Again string

// The rounds.
const (
	Failed Again = "failed"
	All    Again = "all"
)

// errLocked is the error of a file that another process has locked.
var errLocked = lang.Errorf("locked by another process")

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
