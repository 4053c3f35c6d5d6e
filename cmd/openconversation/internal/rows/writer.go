package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
)

// Result is what became of a row.
type Result struct {
	OpenConversationID string // empty if it failed
	Code               string // of the failure
	Error              string
}

// Header is the first record of the output; empty for JSON Lines.
func (r *Reader) Header() []byte {
	switch r.format {
	case Lines:
		return []byte("chat_id," + strings.Join(appendedColumns, ",") + "\n")
	case JSONLines:
		return nil
	}
	out := make([]byte, 0, len(r.header)+64)
	if r.mark {
		out = append(out, byteOrderMark...)
	}
	out = append(out, r.header...)
	for _, name := range appendedColumns {
		out = append(append(out, r.format.comma()), name...)
	}
	return append(out, r.lineEnd...)
}

// start is how the output's record of a row begins.
func (r *Reader) start(rec Record) []byte {
	switch r.format {
	case Lines:
		id := strings.TrimSpace(string(rec.Raw))
		return append(appendCell(make([]byte, 0, len(id)+100), id, ','), ',')
	case JSONLines:
		if rec.TooLong {
			return []byte("{")
		}
		body := bytes.TrimRight(bytes.TrimSuffix(bytes.TrimSpace(rec.Raw), []byte("}")), " \t\r")
		out := append(make([]byte, 0, len(body)+200), body...)
		if len(body) > 1 {
			out = append(out, ',')
		}
		return out
	}
	if rec.TooLong {
		return bytes.Repeat([]byte{r.format.comma()}, r.width)
	}
	out := append(make([]byte, 0, len(rec.Raw)+100), rec.Raw...)
	return append(out, r.format.comma())
}

// Finish completes the record that begins with start: one whole record with its line end.
func (r *Reader) Finish(start []byte, result Result) []byte {
	values := [...]string{result.OpenConversationID, result.Code, result.Error}
	if r.format == JSONLines {
		for i, value := range values {
			if i > 0 {
				start = append(start, ',')
			}
			quoted, _ := json.Marshal(value) // which a string cannot fail
			start = append(append(append(append(start, '"'), appendedFields[i]...), `":`...), quoted...)
		}
		return append(start, "}\n"...)
	}
	comma := r.format.Output().comma()
	for i, value := range values {
		if i > 0 {
			start = append(start, comma)
		}
		start = appendCell(start, value, comma)
	}
	return append(start, r.lineEnd...)
}

// Parse reads back what Finish appended to start. ok is false if the record is another row's, or none of Finish's.
func (r *Reader) Parse(raw, start []byte) (result Result, ok bool) {
	rest, ok := bytes.CutPrefix(raw, start)
	if !ok {
		return result, false
	}
	if r.format == JSONLines {
		var fields struct{ OpenConversationID, ErrorCode, Error *string }
		err := json.Unmarshal(append([]byte("{"), rest...), &fields)
		if err != nil || fields.OpenConversationID == nil || fields.ErrorCode == nil || fields.Error == nil {
			return result, false
		}
		return Result{*fields.OpenConversationID, *fields.ErrorCode, *fields.Error}, true
	}
	comma := r.format.Output().comma()
	table := csv.NewReader(bytes.NewReader(rest))
	table.Comma, table.FieldsPerRecord = rune(comma), len(appendedColumns)
	var cells []string
	if bytes.IndexByte(rest, '"') < 0 {
		cells = strings.Split(string(rest), string(comma))
	} else {
		cells, _ = table.Read()
	}
	if len(cells) != len(appendedColumns) {
		return result, false
	}
	return Result{cells[0], cells[1], cells[2]}, true
}

// appendCell appends a cell. One that a spreadsheet would take for a formula is given an apostrophe first.
func appendCell(out []byte, cell string, comma byte) []byte {
	if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
		cell = "'" + cell
	}
	if strings.IndexByte(cell, comma) < 0 && !strings.ContainsAny(cell, "\"\r\n") && strings.TrimSpace(cell) == cell {
		return append(out, cell...)
	}
	out = append(out, '"')
	out = append(out, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(out, '"')
}
