package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// writer makes the records of an output.
type writer struct {
	coding    coding
	format    Format // format of the input
	output    Format
	separator byte // of the written cells; 0: objects
	adds      appended
	lineEnd   string
	head      []byte   // text before the first row
	names     []string // of the columns of a table
	converts  bool     // the input is a table of another kind
}

// newWriter makes a writer. t describes the input if it is a table of text, names its columns if it is any table.
func newWriter(o Options, c coding, t *table, names []string) writer {
	w := writer{coding: c, format: o.Format, output: o.Output, adds: appends[o.Details], lineEnd: "\n", names: names}
	w.converts = w.output != XLSX && !w.format.Fields() && (w.output != w.format || w.format == XLSX) && (w.format != Lines || w.output == JSONLines)
	switch {
	case w.output == XLSX || w.format.Fields():
		return w
	case w.output == JSONLines:
		w.names = unique(names)
		return w
	case w.converts:
		w.separator = formats[w.output].separator
		if !o.NoHeader {
			w.head = w.joined(names)
		}
	case t == nil:
		w.separator = formats[w.output].separator
		w.head = append(w.head, usualNames[0]...)
	default:
		w.separator, w.lineEnd = t.separator, t.lineEnd
		w.head = append(append(w.head, t.preamble...), t.header...)
		if t.header == nil {
			return w
		}
	}
	if w.head != nil {
		for _, name := range w.adds.columns {
			w.head = append(append(w.head, w.separator), name...)
		}
		w.head = append(w.head, w.lineEnd...)
	}
	return w
}

// unique makes names of fields of the names of columns: none is empty, and none comes twice.
func unique(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		if name = visible(name); name == "" {
			name = fmt.Sprintf("column %d", i+1)
		}
		for base, n := name, 2; slices.Contains(all, name); n++ {
			name = fmt.Sprintf("%s %d", base, n)
		}
		all[i] = name
	}
	return all
}

// joined makes the text of a record of cells, with the quotes that they need.
func (w *writer) joined(cells []string) []byte {
	var out []byte
	for i, cell := range cells {
		if i > 0 {
			out = append(out, w.separator)
		}
		out = appendQuoted(out, cell, w.separator)
	}
	return out
}

// startOf returns the start of a row's output record in another kind of table.
func (w *writer) startOf(cells []string) []byte {
	if w.output != JSONLines {
		return append(w.joined(cells), w.separator)
	}
	out := []byte("{")
	for i, cell := range cells {
		name, _ := json.Marshal(w.names[i]) // cannot fail for a string
		value, _ := json.Marshal(cell)
		out = append(append(append(append(out, name...), ':'), value...), ',')
	}
	return out
}

// mark returns the output's byte order mark.
func (w *writer) mark() []byte {
	if !w.coding.outMarked {
		return nil
	}
	return w.coding.out.Mark()
}

// Header returns the start of an output: a byte order mark, a line sep= and the header, if the input has them. It may
// be empty.
func (w *writer) Header() []byte { return append(bytes.Clone(w.mark()), w.coding.encode(w.head)...) }

// start returns the start of a row's output record, and the row's text. Both share their bytes if possible.
func (w *writer) start(rec record, row Row) (start, raw []byte) {
	switch {
	case w.output == XLSX || w.converts:
		return nil, bytes.Clone(rec.Raw)
	case w.format == Lines:
		start = appendCell(make([]byte, 0, len(row.ChatID)+100), row.ChatID, w.separator)
		return append(start, w.separator), nil
	case w.separator == 0:
		start = objectStart(rec.Raw)
		return start, start
	}
	start = append(make([]byte, 0, len(rec.Raw)+100), rec.Raw...)
	return append(start, w.separator), start
}

// objectStart returns an object without its end: fields can be appended.
func objectStart(raw []byte) []byte {
	body := bytes.TrimRight(bytes.TrimSuffix(bytes.TrimSpace(raw), []byte("}")), " \t\r\n")
	if len(body) == 0 {
		body = []byte("{")
	}
	out := append(make([]byte, 0, len(body)+200), body...)
	if len(body) > 1 {
		out = append(out, ',')
	}
	return out
}

// Finish completes the record with this start: it returns the bytes of one whole record with its line end.
func (w *writer) Finish(start []byte, result Result) []byte {
	if w.separator == 0 {
		return w.coding.encode(append(w.appendFields(start, result), "}\n"...))
	}
	for i, value := range w.adds.values(result) {
		if i > 0 {
			start = append(start, w.separator)
		}
		start = appendCell(start, value, w.separator)
	}
	return w.coding.encode(append(start, w.lineEnd...))
}

func (w *writer) appendFields(start []byte, result Result) []byte {
	for i, value := range w.adds.values(result) {
		if i > 0 {
			start = append(start, ',')
		}
		quoted, _ := json.Marshal(value) // cannot fail for a string
		start = append(append(append(append(start, '"'), w.adds.fields[i]...), `":`...), quoted...)
	}
	return start
}

// appendCell appends a cell, with an apostrophe before text that a spreadsheet would take for a formula.
func appendCell(out []byte, cell string, separator byte) []byte {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		cell = "'" + cell
	}
	return appendQuoted(out, cell, separator)
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
