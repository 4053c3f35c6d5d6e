package rows

import (
	"bytes"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// table describes a text table.
type table struct {
	foundHeader
	preamble  string // a line sep= and the rows above the header, with their ends
	separator byte
	header    []byte // the header's record; nil: there is none
	lineEnd   string
	begun     bool // a row was read
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
	list := &lines{text: in, separator: t.separator}
	if t.preamble != "" {
		list.line = 1
	}
	return list
}

// readHeader finds the header. It reads the rows above it.
func (t *table) readHeader(r *Reader) error {
	f := finder{o: r.o}
	for {
		rec, err := r.record()
		if err != nil {
			return f.end(err)
		}
		names, err := splitCells(rec, t.separator)
		if err != nil {
			return err
		}
		if t.lineEnd = "\n"; rec.CRLF {
			t.lineEnd = "\r\n"
		}
		var is bool
		t.foundHeader, is, err = f.header(header{rec.Line, names, t.separator, appends[r.o.Details]})
		switch {
		case !is && bytes.Count(rec.Raw, []byte("\r")) > bytes.Count(rec.Raw, []byte("\r\n")):
			return broken(rec.Line, "its lines end in CR alone; save it with LF or CRLF")
		case err != nil:
			return err
		case is && r.o.NoHeader:
			rec.Raw = bytes.Clone(rec.Raw)
			r.first = &rec
			return nil
		case is:
			if f.rows > 1 {
				r.found.Header = rec.Line
			}
			raw, _, err := t.cut(rec)
			t.header = bytes.Clone(raw)
			return err
		}
		t.preamble += string(rec.Raw) + t.lineEnd
	}
}

// cell returns a record's cell with the chat id, and makes its cells as many as the header's. none reports whether the row is
// no chat's.
func (t *table) cell(rec *record) (cell string, isNone bool, err error) {
	first := !t.begun
	t.begun = true
	count := 0
	if bytes.IndexByte(rec.Raw, '"') < 0 {
		if count = bytes.Count(rec.Raw, []byte{t.separator}) + 1; t.fits(count) {
			rest := rec.Raw
			for range t.column {
				rest = rest[bytes.IndexByte(rest, t.separator)+1:]
			}
			raw, _, _ := bytes.Cut(rest, []byte{t.separator})
			cell = string(raw)
		}
	} else {
		var well bool
		cell, count, well = quotedCell(rec.Raw, t.separator, t.column)
		if !well {
			count = 0
		}
	}
	if t.fits(count) {
		if id, _ := CleanID(cell); id != "" && NotAnID(id) == "" {
			return cell, false, nil
		}
	}
	cells, err := splitCells(*rec, t.separator)
	if err != nil {
		return "", false, err
	}
	isNone = none(cells, t.names, t.column, first && t.header != nil)
	if missing := t.own - len(cells); missing > 0 && isNone { // it is not read further
		rec.Raw = append(bytes.Clone(rec.Raw), bytes.Repeat([]byte{t.separator}, missing)...)
		cells = append(cells, make([]string, missing)...)
	}
	if len(cells) > len(t.names) && blank(strings.Join(cells[len(t.names):], "")) {
		rec.Raw = bytes.TrimRight(rec.Raw, string(t.separator)+" ")
		rec.Raw = append(bytes.Clone(rec.Raw), bytes.Repeat([]byte{t.separator}, max(0, len(t.names)-1-lastCell(cells)))...)
		cells = cells[:len(t.names)]
	}
	if !t.fits(len(cells)) {
		return "", false, broken(rec.Line, "it has %s, and the header has %d, separated by %s", columns(len(cells)), len(t.names), delimiterTitle(t.separator))
	}
	return cells[t.column], isNone, nil
}

// lastCell returns the last cell that is not blank, or 0.
func lastCell(cells []string) int {
	for i, cell := range slices.Backward(cells) {
		if !blank(cell) {
			return i
		}
	}
	return 0
}

// fits reports whether a row may have so many cells. Some programs leave out empty ones at the end: here, of results.
func (t *table) fits(cells int) bool { return cells >= t.own && cells <= len(t.names) }

func columns(n int) lang.Text { return lang.N(n, "%d column", "%d columns", n) }
