package rows

import (
	"bytes"
	"errors"
	"io"
)

// MaxRecord is how long a row's record may be, in bytes of UTF-8. Of a longer one some cells are left out.
const MaxRecord = 1 << 20

// maxWritten is how long a record of an output may be: quotes are doubled, and results appended.
const maxWritten = 4 * MaxRecord

// record is what one row takes in a file of text: a line, or several where quotes hold a table's line ends; or an element
// of an array.
type record struct {
	Raw      []byte // UTF-8 without the line end; valid until the next record is read
	Line     int    // where it begins, from 1
	Start    int64  // offset of its first byte in the file
	End      int64  // offset behind its line end
	TooLong  bool   // it is longer than it may be, and Raw is what fits
	Complete bool   // it has a line end, and no quote is open
	Open     bool   // the file ends within quotes
	CRLF     bool   // its line end is CR LF
}

// records splits a text.
type records interface {
	// next is the next record. The error after the last is io.EOF.
	next() (record, error)
}

// lines splits a text into lines, those within a table's quotes left together. Its memory is bounded, whatever the text holds.
type lines struct {
	text      *text
	separator byte // of a table; 0 for plain lines
	objects   bool // each line is a JSON object
	limit     int
	line      int
	buf       []byte
}

func (l *lines) next() (record, error) {
	rec := record{Line: l.line + 1, Start: l.text.offset}
	q := quotes{separator: l.separator, start: true}
	l.buf = l.buf[:0]
	direct := true // Raw is still a part of the text's own buffer
	var long shortener
	for {
		part, ended, err := l.text.part()
		if err != nil && !errors.Is(err, io.EOF) {
			rec.Line = l.line + 1
			return rec, err
		}
		last := errors.Is(err, io.EOF)
		if last && l.text.offset == rec.Start {
			return rec, io.EOF
		}
		if l.separator != 0 {
			q.follow(part)
		}
		if ended {
			l.line++
		}
		done := ended && !q.inside || last
		crlf := bytes.HasSuffix(part, []byte("\r\n"))
		switch {
		case done && direct && len(part) <= l.limit:
			rec.Raw = part
		case long != nil:
			long.add(part)
		case len(l.buf)+len(part) > l.limit+2: // a line end may come on top
			rec.TooLong = true
			long = newShortener(l.separator, l.objects, l.limit)
			long.add(l.buf)
			long.add(part)
			l.buf = nil
		default:
			l.buf = append(l.buf, part...)
			rec.Raw = l.buf
		}
		direct = false
		if !done {
			continue
		}
		rec.End, rec.Complete, rec.Open, rec.CRLF = l.text.offset, ended, q.inside, crlf
		if rec.Raw = trimLineEnd(rec.Raw); len(rec.Raw) > l.limit {
			rec.TooLong = true
			long = newShortener(l.separator, l.objects, l.limit)
			long.add(rec.Raw)
		}
		if long != nil {
			rec.Raw = trimLineEnd(long.record())
		}
		return rec, nil
	}
}

func trimLineEnd(raw []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
}
