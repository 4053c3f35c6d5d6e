package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
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
	head      []byte // text before the first row
}

// newWriter makes a writer. t describes the input, if it is a table.
func newWriter(o Options, c coding, t *table) writer {
	w := writer{coding: c, format: o.Format, output: o.Output, adds: appends[o.Details], lineEnd: "\n"}
	switch {
	case w.journaled() || w.format.Fields():
		return w
	case t == nil:
		w.separator = formats[w.output].separator
		w.head = append(w.head, usualNames[0]...)
	default:
		w.separator, w.lineEnd = t.separator, t.lineEnd
		w.head = append(append(w.head, t.preamble...), t.header...)
	}
	for _, name := range w.adds.columns {
		w.head = append(append(w.head, w.separator), name...)
	}
	w.head = append(w.head, w.lineEnd...)
	return w
}

func (w *writer) journaled() bool { return w.output.Journaled() }

// mark returns the output's byte order mark.
func (w *writer) mark() []byte {
	if w.journaled() || !w.coding.outMarked {
		return nil
	}
	return w.coding.out.Mark()
}

// encode encodes text for the output.
func (w *writer) encode(text []byte) []byte {
	if w.journaled() {
		return text
	}
	return w.coding.encode(text)
}

// Header returns the start of an output: a byte order mark, a line sep= and the header, if the input has them. It may
// be empty.
func (w *writer) Header() []byte { return append(bytes.Clone(w.mark()), w.encode(w.head)...) }

// start returns the start of a row's output record, and the row's text. Both share their bytes if possible.
func (w *writer) start(rec record, row Row) (start, raw []byte) {
	switch {
	case w.journaled():
		return journalStart(row), bytes.Clone(rec.Raw)
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

// journalStart returns the start of a row's line in the journal.
func journalStart(row Row) []byte {
	out := append(make([]byte, 0, len(row.ChatID)+200), `{"row":`...)
	out = strconv.AppendInt(out, int64(row.key), 10)
	id, _ := json.Marshal(row.ChatID) // cannot fail for a string
	return append(append(append(out, `,"chatId":`...), id...), ',')
}

// Finish completes the record with this start: it returns the bytes of one whole record with its line end.
func (w *writer) Finish(start []byte, result Result) []byte {
	if w.separator == 0 {
		return w.encode(append(w.appendFields(start, result), "}\n"...))
	}
	for i, value := range w.adds.values(result) {
		if i > 0 {
			start = append(start, w.separator)
		}
		start = appendCell(start, value, w.separator)
	}
	return w.encode(append(start, w.lineEnd...))
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

// parse reads back what Finish appended to start. ok is false if the record is another row's, or was not made by
// Finish.
func (w *writer) parse(raw, start []byte) (result Result, ok bool) {
	rest, ok := bytes.CutPrefix(raw, start)
	if !ok {
		return result, false
	}
	if w.separator == 0 {
		var fields map[string]*string
		if json.Unmarshal(append([]byte("{"), rest...), &fields) != nil || len(fields) != len(w.adds.fields) {
			return result, false
		}
		values := make([]string, len(w.adds.fields))
		for i, name := range w.adds.fields {
			if fields[name] == nil {
				return result, false
			}
			values[i] = *fields[name]
		}
		return w.adds.result(values), true
	}
	var cells []string
	if bytes.IndexByte(rest, '"') < 0 {
		cells = strings.Split(string(rest), string(w.separator))
	} else {
		table := csv.NewReader(bytes.NewReader(rest))
		table.Comma, table.FieldsPerRecord = rune(w.separator), len(w.adds.columns)
		cells, _ = table.Read()
	}
	if len(cells) != len(w.adds.columns) {
		return result, false
	}
	return w.adds.result(cells), true
}

// appendCell appends a cell, with an apostrophe before text that a spreadsheet would take for a formula.
func appendCell(out []byte, cell string, separator byte) []byte {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		cell = "'" + cell
	}
	if strings.IndexByte(cell, separator) < 0 && !strings.ContainsAny(cell, "\"\r\n") && strings.TrimSpace(cell) == cell {
		return append(out, cell...)
	}
	out = append(out, '"')
	out = append(out, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(out, '"')
}
