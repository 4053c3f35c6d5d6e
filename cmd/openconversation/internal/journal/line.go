package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
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

// isMark reports whether a mark may be part of a file's name.
func isMark(mark string) bool {
	raw, err := hex.DecodeString(mark)
	return err == nil && len(raw) == 8
}

// usualLine is less than the bytes of a conversion's line.
const usualLine = 90

// start is how a journal begins.
var start = []byte(`{"openconversation":"` + format + `",`)

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
