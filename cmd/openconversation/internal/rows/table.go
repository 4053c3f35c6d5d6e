package rows

import (
	"bytes"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// table describes a text table.
type table struct {
	preamble  string // a line sep=, with its end
	separator byte
	header    []byte // the header's record
	lineEnd   string
	names     []string
	own       int  // the columns before those with results
	details   bool // the results describe groups
	column    int  // of the chat ids
}

// findSeparator detects the separator of a text table, and skips a line sep=.
func (t *table) findSeparator(in *text, o Options) error {
	standard := formats[o.Format].separator
	t.separator = o.Delimiter
	ahead := in.ahead(func(text []byte) bool { // a header after blank lines and a line sep=
		rest := bytes.TrimLeft(text, "\r\n ")
		end := bytes.IndexByte(rest, '\n')
		return end >= 0 && separatorLine(string(rest[:end])) == 0 || bytes.Count(rest, []byte("\n")) > 1
	})
	first, _, _ := bytes.Cut(ahead, []byte("\n"))
	if named := separatorLine(string(first)); named != 0 {
		part, _, err := in.part()
		if err != nil {
			return err
		}
		t.preamble = string(part)
		if t.separator == 0 {
			t.separator = named
		}
	}
	switch {
	case t.separator != 0:
	case o.Format == CSV:
		t.separator = guessSeparator(string(ahead), o.ID, standard)
	default:
		t.separator = standard
	}
	return nil
}

// lines returns the table's records, the header first.
func (t *table) lines(in *text) *lines {
	list := &lines{text: in, separator: t.separator, limit: MaxRecord}
	if t.preamble != "" {
		list.line = 1
	}
	return list
}

// readHeader reads the header's record.
func (t *table) readHeader(rec record, o Options) (err error) {
	if rec.TooLong {
		return broken(rec.Line, "the header is longer than 1 MiB")
	}
	if t.names, err = splitCells(rec, t.separator); err != nil {
		return err
	}
	own, details, err := header{rec.Line, t.names, t.separator, appends[o.Details]}.earlier()
	if err != nil {
		return err
	}
	t.own, t.details = own, details
	t.column, err = header{rec.Line, t.names[:own], t.separator, appends[o.Details]}.pick(o.ID)
	switch {
	case err != nil && bytes.IndexByte(rec.Raw, '\r') >= 0:
		return broken(rec.Line, "its lines end in CR alone; save it with LF or CRLF")
	case err != nil:
		return err
	}
	if t.lineEnd = "\n"; rec.CRLF {
		t.lineEnd = "\r\n"
	}
	raw, _, err := t.cut(rec)
	t.header = bytes.Clone(raw)
	return err
}

// cell returns a record's cell with the chat id.
func (t *table) cell(rec record) (string, error) {
	if bytes.IndexByte(rec.Raw, '"') < 0 {
		if got := bytes.Count(rec.Raw, []byte{t.separator}) + 1; !t.fits(got) {
			return "", t.ragged(rec, got)
		}
		rest := rec.Raw
		for range t.column {
			rest = rest[bytes.IndexByte(rest, t.separator)+1:]
		}
		cell, _, _ := bytes.Cut(rest, []byte{t.separator})
		return string(cell), nil
	}
	if cell, got, well := quotedCell(rec.Raw, t.separator, t.column); well && t.fits(got) {
		return cell, nil
	}
	cells, err := splitCells(rec, t.separator)
	if err != nil {
		return "", err
	}
	if !t.fits(len(cells)) {
		return "", t.ragged(rec, len(cells))
	}
	return cells[t.column], nil
}

// fits reports whether a row may have so many cells. Some programs leave out empty ones at the end: here, of results.
func (t *table) fits(cells int) bool { return cells >= t.own && cells <= len(t.names) }

func (t *table) ragged(rec record, got int) error {
	if rec.TooLong { // its cells could not be counted
		return broken(rec.Line, "it is longer than 1 MiB and has %s or more, and the header has %d", columns(got), len(t.names))
	}
	return broken(rec.Line, "it has %s, and the header has %d, separated by %s", columns(got), len(t.names), delimiterTitle(t.separator))
}

func columns(n int) lang.Text { return lang.N(n, "%d column", "%d columns", n) }
