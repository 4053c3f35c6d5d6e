package rows

import (
	"bytes"
	"errors"
	"io"
)

// MaxRecord limits a row's record, in bytes of UTF-8. A longer record loses some cells.
const MaxRecord = 1 << 20

// record is one row's text in a file: a line, several lines if quotes contain line ends, or an element of an array.
type record struct {
	Raw      []byte // UTF-8 without the line end; valid until the next record is read
	Line     int    // of its start, from 1
	Start    int64  // offset of its first byte in the file
	End      int64  // offset after its line end
	TooLong  bool   // too long: Raw holds what fits
	Complete bool   // it has a line end, and no quote is open
	Open     bool   // the file ends within quotes
	CRLF     bool   // its line end is CR LF
}

// records splits a text.
type records interface {
	// next returns the next record. The error after the last is io.EOF.
	next() (record, error)
}

// lines splits a text into lines. Line ends within a table's quotes do not split. Its memory is bounded for any text.
type lines struct {
	text      *text
	separator byte // of a table; 0: plain lines
	objects   bool // each line is a JSON object
	limit     int
	line      int
	buf       []byte
}

func (l *lines) next() (record, error) {
	rec := record{Line: l.line + 1, Start: l.text.offset}
	q := quotes{separator: l.separator, start: true}
	l.buf = l.buf[:0]
	direct := true // Raw still points into the text's buffer
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
		case len(l.buf)+len(part) > l.limit+2: // a line end may follow
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
