package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
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

// Delimiters are the possible delimiters of CSV and TSV.
const Delimiters = ",;\t|"

var delimiterTitles = map[byte]lang.Format{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars"}

func delimiterTitle(separator byte) lang.Text {
	if title := delimiterTitles[separator]; title != "" {
		return lang.T(title)
	}
	return lang.T("%q", string(separator))
}

// grid yields the rows of a table that are not blank: of a text, or of a sheet.
type grid interface {
	// next returns the next row, valid until the one after. Its error after the last is io.EOF.
	next() (*cells, error)
}

// cells are a row of a table.
type cells struct {
	line  int
	texts []string

	rec  record // of a text
	ends []int  // where its cells end in the record

	hidden bool                       // of a sheet
	unsure func(column int) lang.Text // why a cell that is no text is no chat id; nil: all are texts
}

// from returns the texts from a column on.
func (c *cells) from(column int) []string { return c.texts[min(column, len(c.texts)):] }

// textGrid is the rows of a text.
type textGrid struct {
	record    func() (record, error)
	separator byte
	cells     cells
}

func (g *textGrid) next() (*cells, error) {
	rec, err := g.record()
	if err == nil {
		err = g.cells.split(rec, g.separator)
	}
	return &g.cells, err
}

// split splits a table's record into its cells, and notes where each ends.
func (c *cells) split(rec record, separator byte) error {
	c.line, c.rec, c.texts, c.ends = rec.Line, rec, c.texts[:0], c.ends[:0]
	all := string(rec.Raw)
	for at := 0; ; at++ {
		end, text := len(all), all[at:]
		if strings.HasPrefix(text, `"`) {
			switch end = at + closing(text); {
			case end < at && len(rec.Raw) > MaxRecord:
				return broken(rec.Line, "a quote is opened here, and not closed within 1 MiB")
			case end < at:
				return broken(rec.Line, "a quote that is opened here is never closed")
			}
			if end < len(all) && all[end] != separator {
				return misquoted(rec, end-1, "a quote that closes a cell is not followed by the separator; double the quotes within a cell")
			}
			text = strings.ReplaceAll(strings.ReplaceAll(all[at+1:end-1], `""`, `"`), "\r\n", "\n")
		} else {
			if n := strings.IndexByte(text, separator); n >= 0 {
				end, text = at+n, text[:n]
			}
			if n := strings.IndexByte(text, '"'); n >= 0 && !textFormula(text) {
				return misquoted(rec, at+n, "a quote stands within a cell that does not begin with one; write the cell in quotes, and its own quotes doubled")
			}
		}
		c.texts, c.ends = append(c.texts, text), append(c.ends, end)
		if end == len(all) {
			return nil
		}
		at = end
	}
}

// closing returns the length of a quoted cell, or -1 if it is not closed.
func closing(text string) int {
	for end := 1; ; {
		quote := strings.IndexByte(text[end:], '"')
		if quote < 0 {
			return -1
		}
		if end += quote + 1; end == len(text) || text[end] != '"' {
			return end
		}
		end++
	}
}

// textFormula reports whether a cell is like ="007", whose quotes many programs do not escape.
func textFormula(cell string) bool {
	inner, is := strings.CutPrefix(cell, `="`)
	inner, ends := strings.CutSuffix(inner, `"`)
	return is && ends && !strings.Contains(inner, `"`)
}

func misquoted(rec record, at int, why lang.Format) error {
	before := rec.Raw[:at]
	return broken(rec.Line+bytes.Count(before, []byte("\n")), "at byte %d: %s", at-bytes.LastIndexByte(before, '\n'), lang.T(why))
}

// appendQuoted appends a cell, in quotes if it needs them.
func appendQuoted(out []byte, cell string, separator byte) []byte {
	if strings.IndexByte(cell, separator) < 0 && !strings.ContainsAny(cell, "\"\r\n") && strings.TrimSpace(cell) == cell {
		return append(out, cell...)
	}
	out = append(out, '"')
	out = append(out, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(out, '"')
}

// separatorLine returns the separator named by a spreadsheet's first line sep=, or 0.
func separatorLine(line string) byte {
	line = strings.Trim(strings.TrimRight(line, "\r\n"), `"`)
	name, separator, is := strings.Cut(line, "=")
	if !is || !strings.EqualFold(name, "sep") || len(separator) != 1 || strings.ContainsAny(separator, "\"\r\n=") {
		return 0
	}
	return separator[0]
}

// firstRecord returns the cells of a text's first non-blank record, or nil if it is malformed.
func firstRecord(start string, separator byte) []string {
	list := &lines{in: bufio.NewReader(strings.NewReader(start)), table: true}
	for {
		rec, err := list.next()
		if err != nil {
			return nil
		}
		if len(bytes.TrimSpace(rec.Raw)) == 0 {
			continue
		}
		var c cells
		if c.split(rec, separator) != nil {
			return nil
		}
		return c.texts
	}
}
