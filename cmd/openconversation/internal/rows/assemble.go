package rows

import (
	"bufio"
	"errors"
	"io"
	"slices"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/xlsx"
)

// Assemble writes the whole output: the input's rows in their order, each with the result that result returns. r must be
// a new Reader. A workbook is the input with cells appended. If the input is another format, it is a new workbook of
// text cells.
func (r *Reader) Assemble(w io.Writer, result func(Row) (Result, error)) error {
	switch {
	case r.sheet != nil && !r.converts:
		return r.appendToWorkbook(w, result)
	case r.o.Output == XLSX:
		return r.newWorkbook(w, result)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	err := r.writeText(out, result)
	return errors.Join(err, out.Flush())
}

// each passes the rows and their results to put.
func (r *Reader) each(result func(Row) (Result, error), put func(Row, Result) error) error {
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var of Result
		if !row.None {
			of, err = result(row)
		}
		if err == nil {
			err = put(row, of)
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) appendToWorkbook(w io.Writer, result func(Row) (Result, error)) error {
	var row Row // read in step with the sheet that is copied
	ended := false
	err := r.sheet.book.Append(w, r.sheet.name, r.sheet.width, r.sheet.header, func(number int) ([]string, error) {
		if number == r.sheet.header {
			return r.adds.columns, nil
		}
		if number < r.sheet.header {
			return nil, nil
		}
		for !ended && row.Line < number {
			var err error
			row, err = r.Read()
			if ended = errors.Is(err, io.EOF); err != nil && !ended {
				return nil, err
			}
		}
		if ended || row.Line != number {
			return nil, nil
		}
		if row.None {
			return nil, nil
		}
		of, err := result(row)
		return r.adds.values(of), err
	})
	var place *Error
	if errors.Is(err, xlsx.ErrNotWorkbook) && !errors.As(err, &place) {
		return damaged(0, err)
	}
	return err
}

func (r *Reader) newWorkbook(w io.Writer, result func(Row) (Result, error)) (err error) {
	out, err := xlsx.New()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	cells := slices.Clone(r.names())
	for i := range cells {
		cells[i] = visible(cells[i])
	}
	if !r.o.NoHeader {
		if err := out.Write(append(cells, r.adds.columns...)); err != nil {
			return err
		}
	}
	err = r.each(result, func(row Row, of Result) error {
		cells, err := r.cells(row)
		if err != nil {
			return err
		}
		return out.Write(append(cells, r.adds.values(of)...))
	})
	if err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}

func (r *Reader) writeText(w *bufio.Writer, result func(Row) (Result, error)) error {
	if r.o.Output != JSONArray {
		_, _ = w.Write(r.Header()) // Flush returns the error
		return r.each(result, func(row Row, of Result) error {
			_, err := w.Write(r.Finish(row.Start, of))
			return err
		})
	}
	put := func(text []byte) error {
		out, _ := charset.Encode(r.coding.out, nil, text, codePoint) // cannot fail with an escape
		_, err := w.Write(out)
		return err
	}
	_, _ = w.Write(r.mark())
	between := "[\n"
	err := r.each(result, func(row Row, of Result) error {
		text := append(append([]byte(between), r.appendFields(row.Start, of)...), '}')
		between = ",\n"
		return put(text)
	})
	if between == "[\n" {
		return errors.Join(err, put([]byte("[\n]\n")))
	}
	return errors.Join(err, put([]byte("\n]\n")))
}
