package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// MaxRecord limits a row's record, in bytes of UTF-8. A file with a longer one is refused.
const MaxRecord = 1 << 20

// padding is what some programs write behind the end of a text: the end of file of DOS, and the rest of a block.
const padding = "\x1a\x00"

// record is one row's text in a file: a line, several lines if quotes contain line ends, or an element of an array.
type record struct {
	Raw  []byte // UTF-8 without the line end; valid until the next record is read
	Line int    // of its start, from 1
	open bool   // a quote in it is not closed
	crlf bool   // its line end is CR LF
}

func (r record) lineEnd() string {
	if r.crlf {
		return "\r\n"
	}
	return "\n"
}

// records splits a text.
type records interface {
	// next returns the next record. The error after the last is io.EOF.
	next() (record, error)
}

// lines splits a text into lines. Line ends within a table's quotes do not split: a quote within quotes is doubled, so they
// are even in number outside of them. Its memory is bounded for any text.
type lines struct {
	in    *bufio.Reader
	table bool
	line  int
	buf   []byte
}

func (l *lines) next() (record, error) {
	rec := record{Line: l.line + 1}
	l.buf = l.buf[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		last := errors.Is(err, io.EOF)
		switch {
		case last:
			if part = bytes.TrimRight(part, padding); len(part)+len(l.buf) == 0 {
				return rec, io.EOF
			}
		case err == nil:
			l.line++
		case !errors.Is(err, bufio.ErrBufferFull):
			return record{Line: l.line + 1}, err
		}
		if l.table && bytes.Count(part, []byte{'"'})%2 == 1 {
			rec.open = !rec.open
		}
		done := err == nil && !rec.open || last
		rec.crlf = bytes.HasSuffix(part, []byte("\r\n"))
		if rec.Raw = part; !done || len(l.buf) > 0 {
			l.buf = append(l.buf, part...)
			rec.Raw = l.buf
		}
		switch {
		case (len(rec.Raw) > MaxRecord+2 || done && len(trimLineEnd(rec.Raw)) > MaxRecord) && !rec.open:
			return rec, broken(rec.Line, "it is longer than 1 MiB")
		case done || len(rec.Raw) > MaxRecord+2:
			rec.Raw = trimLineEnd(rec.Raw)
			return rec, nil
		}
	}
}

func trimLineEnd(raw []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
}

// elements splits the text of a JSON array into its objects. MaxRecord bounds its memory.
type elements struct {
	in    *bufio.Reader
	line  int
	wants string // the bytes that may come next: [ before the array, none after it
	count int
	buf   []byte
}

func newElements(in *bufio.Reader) *elements { return &elements{in: in, wants: "["} }

func (e *elements) next() (record, error) {
	for {
		b, err := e.in.ReadByte()
		at := record{Line: e.line + 1}
		switch {
		case errors.Is(err, io.EOF) && (e.wants == "[" || e.wants == ""):
			return at, io.EOF
		case errors.Is(err, io.EOF):
			return at, broken(at.Line, "the file ends within its JSON array")
		case err != nil:
			return at, err
		case b == '\n':
			e.line++
		case b == ' ' || b == '\t' || b == '\r', e.wants == "" && strings.IndexByte(padding, b) >= 0:
		case strings.IndexByte(e.wants, b) < 0:
			return at, e.unexpected(at.Line, b)
		case b == '{':
			e.wants = ",]"
			return e.object(at)
		default:
			e.wants = map[byte]string{'[': "{]", ',': "{", ']': ""}[b]
		}
	}
}

func (e *elements) unexpected(line int, b byte) error {
	switch {
	case e.wants == "[" && b == '{':
		return settled(PartFormat, line, "it is no JSON array but an object; if it holds one object a line, it is JSON Lines")
	case strings.HasPrefix(e.wants, "{"):
		return broken(line, "element %d of its JSON array is no object", e.count+1)
	}
	return broken(line, "this is no JSON array of objects: unexpected %q", b)
}

// object reads an object, whose first byte was read, to its end.
func (e *elements) object(rec record) (record, error) {
	e.count++
	e.buf = append(e.buf[:0], '{')
	for depth, inText, escaped := 1, false, false; depth > 0; {
		b, err := e.in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return rec, broken(rec.Line, "the file ends within its JSON array")
		case err != nil:
			return record{Line: e.line + 1}, err
		case len(e.buf) == MaxRecord:
			return rec, broken(rec.Line, "it is longer than 1 MiB")
		case b == '\n':
			e.line++
			escaped = false
		case inText:
			inText = escaped || b != '"'
			escaped = b == '\\' && !escaped
		case b == '"':
			inText = true
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			depth--
		}
		e.buf = append(e.buf, b)
	}
	rec.Raw = e.buf
	return rec, nil
}
