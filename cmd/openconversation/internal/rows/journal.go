package rows

import (
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/xlsx"
)

// journal reads results in the order of their rows.
type journal struct {
	list  *lines
	last  journalled // last line read; row 0 before the first
	ended bool
}

type journalled struct {
	Row                int
	OpenConversationID string
	ErrorCode          string
	Error              string
	ChatName           string
	ChatOwner          string
	ChatStatus         string
}

func newJournal(r io.Reader) *journal {
	return &journal{list: &lines{text: newText(r), limit: maxWritten}}
}

// of returns a row's result, if the journal has it.
func (j *journal) of(row int) (result Result, has bool, err error) {
	for !j.ended && j.last.Row < row {
		rec, err := j.list.next()
		if errors.Is(err, io.EOF) || err == nil && !rec.Complete {
			j.ended = true
			break
		}
		if err != nil {
			return result, false, err
		}
		before := j.last.Row
		j.last = journalled{}
		if err := json.Unmarshal(rec.Raw, &j.last); err != nil || j.last.Row <= before {
			return result, false, lang.Errorf("line %d of the journal is none of a run's", rec.Line)
		}
	}
	if j.ended || j.last.Row != row {
		return result, false, nil
	}
	return Result{j.last.OpenConversationID, j.last.ErrorCode, j.last.Error, j.last.ChatName, j.last.ChatOwner, j.last.ChatStatus}, true, nil
}

// Assemble writes a whole output of a Journaled format from the input and a journal. r must be a new Reader. Rows
// missing from the journal get no result; an incomplete last line is ignored. A workbook is the input with cells
// appended. If the input is another format, it is a new workbook of text cells.
func (r *Reader) Assemble(w io.Writer, results io.Reader) error {
	j := newJournal(results)
	switch {
	case r.sheet != nil:
		return r.appendToWorkbook(w, j)
	case r.o.Output == XLSX:
		return r.newWorkbook(w, j)
	case r.o.Output == JSONArray:
		return r.writeArray(w, j)
	}
	return lang.Errorf("%s is not made of a journal", r.o.Output.Title())
}

func (r *Reader) appendToWorkbook(w io.Writer, j *journal) error {
	err := r.sheet.book.Append(w, r.sheet.name, len(r.sheet.names), r.sheet.header, func(row int) ([]string, error) {
		switch {
		case row == r.sheet.header:
			return r.adds.columns, nil
		case row < r.sheet.header:
			return nil, nil
		}
		result, has, err := j.of(row)
		if err != nil || !has {
			return make([]string, len(r.adds.columns)), err
		}
		return r.adds.values(result), nil
	})
	var place *Error
	if errors.Is(err, xlsx.ErrNotWorkbook) && !errors.As(err, &place) {
		return damaged(0, err)
	}
	return err
}

func (r *Reader) newWorkbook(w io.Writer, j *journal) (err error) {
	out, err := xlsx.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	cells := slices.Clone(r.names())
	for i := range cells {
		cells[i] = visible(cells[i])
	}
	if err := out.Write(append(cells, r.adds.columns...)); err != nil {
		return err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if cells, err = r.Cells(row); err != nil {
			return err
		}
		result, has, err := j.of(row.key)
		if err != nil {
			return err
		}
		if has {
			cells = append(cells, r.adds.values(result)...)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	_, err = out.WriteTo(w)
	return err
}

func (r *Reader) writeArray(w io.Writer, j *journal) error {
	var out []byte
	if r.coding.outMarked {
		out = append(out, r.coding.out.Mark()...)
	}
	put := func(text []byte) {
		out, _ = charset.Encode(r.coding.out, out, text, codePoint) // cannot fail with an escape
	}
	put([]byte("["))
	for begun := false; ; begun = true {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		result, has, err := j.of(row.key)
		if err != nil {
			return err
		}
		text := row.raw
		if has {
			text = append(r.appendFields(objectStart(row.raw), result), '}')
		}
		if begun {
			put([]byte(","))
		}
		put([]byte("\n"))
		put(text)
		if _, err := w.Write(out); err != nil {
			return err
		}
		out = out[:0]
	}
	put([]byte("\n]\n"))
	_, err := w.Write(out)
	return err
}
