package rows

import (
	"bytes"
	"fmt"
)

// readHeader finds out what separates a table's cells, and reads its header.
func (r *Reader) readHeader() error {
	standard := formats[r.o.Format].separator
	r.separator = r.o.Delimiter
	ahead := r.text.ahead(func(text []byte) bool { // a header after blank lines and a line sep=
		rest := bytes.TrimLeft(text, "\r\n ")
		end := bytes.IndexByte(rest, '\n')
		return end >= 0 && separatorLine(string(rest[:end])) == 0 || bytes.Count(rest, []byte("\n")) > 1
	})
	first, _, _ := bytes.Cut(ahead, []byte("\n"))
	if named := separatorLine(string(first)); named != 0 {
		if err := r.readPreamble(); err != nil {
			return err
		}
		if r.separator == 0 {
			r.separator = named
		}
	}
	if r.separator == 0 && r.o.Format == CSV {
		r.separator = guessSeparator(string(ahead), r.o.ID, standard)
	} else if r.separator == 0 {
		r.separator = standard
	}
	line := 0
	if r.preamble != "" {
		line = 1
	}
	r.in = &lines{text: r.text, separator: r.separator, limit: MaxRecord, line: line}
	rec, err := r.record()
	if err != nil {
		return err
	}
	if rec.TooLong {
		return broken(rec.Line, "the header is longer than 1 MiB")
	}
	if r.names, err = splitCells(rec, r.separator); err != nil {
		return err
	}
	r.column, err = header{rec.Line, r.names, r.separator}.pick(r.o.ID)
	switch {
	case err != nil && bytes.IndexByte(rec.Raw, '\r') >= 0:
		return broken(rec.Line, "its lines end in CR alone; save it with LF or CRLF")
	case err != nil:
		return err
	}
	if rec.CRLF {
		r.lineEnd = "\r\n"
	}
	r.header = bytes.Clone(rec.Raw)
	r.found.Name, r.found.Column, r.found.Delimiter = visible(r.names[r.column]), r.column+1, r.separator
	return nil
}

// readPreamble reads a line sep=.
func (r *Reader) readPreamble() error {
	part, _, err := r.text.part()
	if err != nil {
		return err
	}
	r.preamble = string(part)
	return nil
}

// cell is the cell of a table's record that holds the chat id.
func (r *Reader) cell(rec record) (string, error) {
	if bytes.IndexByte(rec.Raw, '"') < 0 {
		if got := bytes.Count(rec.Raw, []byte{r.separator}) + 1; got != len(r.names) {
			return "", r.ragged(rec, got)
		}
		rest := rec.Raw
		for range r.column {
			rest = rest[bytes.IndexByte(rest, r.separator)+1:]
		}
		cell, _, _ := bytes.Cut(rest, []byte{r.separator})
		return string(cell), nil
	}
	if cell, got, well := quotedCell(rec.Raw, r.separator, r.column); well && got == len(r.names) {
		return cell, nil
	}
	cells, err := splitCells(rec, r.separator)
	if err != nil {
		return "", err
	}
	if len(cells) != len(r.names) {
		return "", r.ragged(rec, len(cells))
	}
	return cells[r.column], nil
}

func (r *Reader) ragged(rec record, got int) error {
	if rec.TooLong { // so that its cells could not be counted
		return broken(rec.Line, "it is longer than 1 MiB and has %s or more, and the header has %d", columns(got), len(r.names))
	}
	return broken(rec.Line, "it has %s, and the header has %d, separated by %s", columns(got), len(r.names), delimiterTitle(r.separator))
}

func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}
