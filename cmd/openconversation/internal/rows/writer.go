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
	output    Format
	separator byte // of the written cells or fields
	objects   bool
	lines     bool // the input is plain lines
	copies    bool // a row's record begins with that of the input
	adds      int  // columns or fields with results
	lineEnd   string
	head      []byte   // text before the first row
	names     []string // of fields that are made of a table's columns
}

// newWriter makes a writer. t is the input's table, or nil; names are its columns. head is the text before its first row, and
// lineEnd that of its rows.
func newWriter(o Options, c coding, t *table, names []string, head []byte, lineEnd string) *writer {
	w := &writer{
		coding: c, output: o.Output, lines: o.Format == Lines, adds: added(o.Details), lineEnd: "\n",
		copies: o.Format.Fields() || t != nil && o.Output == o.Format,
	}
	switch {
	case w.output == XLSX:
	case w.output == JSONArray:
		w.objects, w.separator, w.head, w.lineEnd = true, ',', []byte("["), ""
	case w.output == JSONLines:
		w.objects, w.separator, w.names = true, ',', unique(names)
	case w.copies:
		w.separator, w.lineEnd, w.head = t.separator, lineEnd, head
	default:
		w.separator = formats[w.output].separator
	}
	if w.separator != 0 && !w.objects && !o.NoHeader {
		if !w.copies {
			w.head = w.joined(names)
		}
		for _, name := range resultColumns[:w.adds] {
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

// Header returns the start of an output: a byte order mark, a line sep= and the header, if the input has them. It may be empty.
func (w *writer) Header() []byte {
	var mark string
	if w.coding.outMarked {
		mark = codings[w.coding.out].mark
	}
	return append([]byte(mark), w.coding.encode(w.head)...)
}

// start returns the start of a row's output record.
func (w *writer) start(row Row) []byte {
	switch {
	case w.output == XLSX:
		return nil
	case w.copies && w.objects:
		return objectStart(row.raw)
	case w.copies:
		return append(append(make([]byte, 0, len(row.raw)+100), row.raw...), w.separator)
	case w.lines && !w.objects:
		return append(appendCell(nil, row.ChatID, w.separator), w.separator)
	case !w.objects:
		return append(w.joined(row.cells), w.separator)
	}
	out := []byte("{")
	for i, cell := range row.cells {
		out = append(appendField(out, w.names[i], cell), ',')
	}
	return out
}

// objectStart returns an object without its end: fields can be appended.
func objectStart(raw []byte) []byte {
	body := bytes.TrimRight(bytes.TrimSuffix(bytes.TrimSpace(raw), []byte("}")), " \t\r\n")
	out := append(make([]byte, 0, len(body)+200), body...)
	if len(body) > 1 {
		out = append(out, ',')
	}
	return out
}

// Finish completes the record with this start: it returns the bytes of one whole record with its line end.
func (w *writer) Finish(start []byte, result Result) []byte {
	for i, value := range result.values()[:w.adds] {
		if i > 0 {
			start = append(start, w.separator)
		}
		if w.objects {
			start = appendField(start, resultFields[i], value)
		} else {
			start = appendCell(start, value, w.separator)
		}
	}
	if w.objects {
		start = append(start, '}')
	}
	return w.coding.encode(append(start, w.lineEnd...))
}

func appendField(out []byte, name, value string) []byte {
	key, _ := json.Marshal(name) // cannot fail for a string
	text, _ := json.Marshal(value)
	return append(append(append(out, key...), ':'), text...)
}

// appendCell appends a cell, with an apostrophe before text that a spreadsheet would take for a formula.
func appendCell(out []byte, cell string, separator byte) []byte {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		cell = "'" + cell
	}
	return appendQuoted(out, cell, separator)
}
