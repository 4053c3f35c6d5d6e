package rows

import (
	"bytes"
	"errors"
	"io"
)

// MaxRecord limits a row's record, in bytes of UTF-8. A file with a longer one is refused.
const MaxRecord = 1 << 20

// record is one row's text in a file: a line, several lines if quotes contain line ends, or an element of an array.
type record struct {
	Raw   []byte // UTF-8 without the line end; valid until the next record is read
	Line  int    // of its start, from 1
	Start int64  // offset of its first byte in the file
	Open  bool   // the file ends within quotes
	CRLF  bool   // its line end is CR LF
}

// records splits a text.
type records interface {
	// next returns the next record. The error after the last is io.EOF.
	next() (record, error)
}

// lines splits a text into lines. Line ends within a table's quotes do not split. Its memory is bounded for any text.
type lines struct {
	text      *text
	separator byte // of a table; 0: plain lines, or objects
	line      int
	buf       []byte
}

func (l *lines) next() (record, error) {
	rec := record{Line: l.line + 1, Start: l.text.offset}
	q := quotes{separator: l.separator, start: true}
	l.buf = l.buf[:0]
	direct := true // Raw still points into the text's buffer
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
		rec.CRLF = bytes.HasSuffix(part, []byte("\r\n"))
		if rec.Raw = part; !done || !direct {
			l.buf = append(l.buf, part...)
			rec.Raw = l.buf
		}
		direct = false
		switch {
		case len(rec.Raw) > MaxRecord+2 || done && len(trimLineEnd(rec.Raw)) > MaxRecord:
			if q.inside {
				return rec, broken(rec.Line, "a quote is opened here, and not closed within 1 MiB")
			}
			return rec, broken(rec.Line, "it is longer than 1 MiB")
		case done:
			rec.Raw, rec.Open = trimLineEnd(rec.Raw), q.inside
			return rec, nil
		}
	}
}

func trimLineEnd(raw []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
}
