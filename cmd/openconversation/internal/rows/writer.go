package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
)

// Result is what became of a row.
type Result struct {
	OpenConversationID string // empty if it failed
	Code               string // of the failure
	Error              string
}

func (r Result) values() [3]string { return [3]string{r.OpenConversationID, r.Code, r.Error} }

// outputSeparator is what separates the cells of what Finish writes; 0 if it writes objects.
func (r *Reader) outputSeparator() byte {
	switch {
	case r.Journaled() || r.o.Format.Fields():
		return 0
	case r.o.Format == Lines:
		return formats[r.o.Output].separator
	default:
		return r.separator
	}
}

// Header is what an output begins with: a byte order mark, a line sep= and the header, where the input has them. It
// may be empty.
func (r *Reader) Header() []byte {
	var out []byte
	if r.marked && !r.Journaled() {
		out = append(out, r.o.OutputEncoding.Mark()...)
	}
	return append(out, r.encode(r.headerText())...)
}

// headerText is the preamble and the header.
func (r *Reader) headerText() []byte {
	separator := r.outputSeparator()
	if separator == 0 {
		return nil
	}
	out := []byte(r.preamble)
	if r.o.Format == Lines {
		out = append(out, usualNames[0]...)
	} else {
		out = append(out, r.header...)
	}
	for _, name := range appendedColumns {
		out = append(append(out, separator), name...)
	}
	return append(out, r.lineEnd...)
}

// start is how the output's record of a row begins, and the text of the row itself. Both share their bytes where they can.
func (r *Reader) start(rec record, row Row) (start, raw []byte) {
	if r.Journaled() {
		return journalStart(row), bytes.Clone(rec.Raw)
	}
	separator := r.outputSeparator()
	switch {
	case r.o.Format == Lines:
		start = appendCell(make([]byte, 0, len(row.ChatID)+100), row.ChatID, separator)
		return append(start, separator), nil
	case separator == 0:
		start = objectStart(rec.Raw)
		return start, start
	}
	start = append(make([]byte, 0, len(rec.Raw)+100), rec.Raw...)
	return append(start, separator), start
}

// objectStart is an object as far as its last field, so that fields can be appended.
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

// journalStart is how the journal's line of a row begins.
func journalStart(row Row) []byte {
	out := append(make([]byte, 0, len(row.ChatID)+200), `{"row":`...)
	out = strconv.AppendInt(out, int64(row.key), 10)
	id, _ := json.Marshal(row.ChatID) // which a string cannot fail
	return append(append(append(out, `,"chatId":`...), id...), ',')
}

// Finish completes the record that begins with start: one whole record with its line end, as bytes of the output.
func (r *Reader) Finish(start []byte, result Result) []byte {
	separator := r.outputSeparator()
	if separator == 0 {
		return r.encode(append(appendFields(start, result), "}\n"...))
	}
	for i, value := range result.values() {
		if i > 0 {
			start = append(start, separator)
		}
		start = appendCell(start, value, separator)
	}
	return r.encode(append(start, r.lineEnd...))
}

func appendFields(start []byte, result Result) []byte {
	for i, value := range result.values() {
		if i > 0 {
			start = append(start, ',')
		}
		quoted, _ := json.Marshal(value) // which a string cannot fail
		start = append(append(append(append(start, '"'), appendedFields[i]...), `":`...), quoted...)
	}
	return start
}

// parse reads back what Finish appended to start. ok is false if the record is another row's, or none of Finish's.
func (r *Reader) parse(raw, start []byte) (result Result, ok bool) {
	rest, ok := bytes.CutPrefix(raw, start)
	if !ok {
		return result, false
	}
	separator := r.outputSeparator()
	if separator == 0 {
		var fields struct{ OpenConversationID, ErrorCode, Error *string }
		err := json.Unmarshal(append([]byte("{"), rest...), &fields)
		if err != nil || fields.OpenConversationID == nil || fields.ErrorCode == nil || fields.Error == nil {
			return result, false
		}
		return Result{*fields.OpenConversationID, *fields.ErrorCode, *fields.Error}, true
	}
	var cells []string
	if bytes.IndexByte(rest, '"') < 0 {
		cells = strings.Split(string(rest), string(separator))
	} else {
		table := csv.NewReader(bytes.NewReader(rest))
		table.Comma, table.FieldsPerRecord = rune(separator), len(appendedColumns)
		cells, _ = table.Read()
	}
	if len(cells) != len(appendedColumns) {
		return result, false
	}
	return Result{cells[0], cells[1], cells[2]}, true
}

// appendCell appends a cell. One that a spreadsheet would take for a formula is given an apostrophe first.
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
