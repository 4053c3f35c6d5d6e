package rows

import (
	"bufio"
	"errors"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/xlsx"
)

// Assemble writes the whole output: the input's rows in their order, each with the result that result returns. r must be
// a new Reader. A workbook is the input with cells appended. If the input is another format, it is a new workbook of text cells.
func (r *Reader) Assemble(w io.Writer, result func(Row) (Result, error)) error {
	switch {
	case r.o.Output != XLSX:
		return r.writeText(w, result)
	case r.sheet != nil:
		return r.appendToWorkbook(w, result)
	}
	return r.newWorkbook(w, result)
}

// each passes the rows and their results to put.
func (r *Reader) each(result func(Row) (Result, error), put func(Row, Result) error) error {
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var of Result
		if err == nil && !row.None {
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

func (r *Reader) writeText(w io.Writer, result func(Row) (Result, error)) error {
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.Write(r.Header()) // Flush returns the error
	between := ""
	err := r.each(result, func(row Row, of Result) error {
		if r.output == JSONArray {
			_, _ = out.Write(r.coding.encode([]byte(between + "\n")))
			between = ","
		}
		_, err := out.Write(r.Finish(row.Start, of))
		return err
	})
	if r.output == JSONArray {
		_, _ = out.Write(r.coding.encode([]byte("\n]\n")))
	}
	return errors.Join(err, out.Flush())
}

func (r *Reader) newWorkbook(w io.Writer, result func(Row) (Result, error)) error {
	out, err := xlsx.New(w)
	if err != nil {
		return err
	}
	if !r.o.NoHeader {
		names := r.names()
		for i := range names {
			names[i] = visible(names[i])
		}
		if err := out.Write(append(names, resultColumns[:r.adds]...)); err != nil {
			return err
		}
	}
	err = r.each(result, func(row Row, of Result) error { return out.Write(append(row.cells, of.values()[:r.adds]...)) })
	return errors.Join(err, out.Close())
}

func (r *Reader) appendToWorkbook(w io.Writer, result func(Row) (Result, error)) error {
	s, t := r.sheet, r.table
	err := s.book.Append(w, s.name, t.width, r.adds, t.header, func(rows *xlsx.Rows, in xlsx.Row) ([]string, error) {
		switch {
		case in.Number == t.header:
			return resultColumns[:r.adds], nil
		case in.Number < t.header:
			return nil, nil
		}
		c, err := s.cellsOf(rows, in)
		if c == nil || err != nil {
			return nil, err
		}
		row, err := t.read(c)
		if err != nil || row.None {
			return nil, err
		}
		of, err := result(row)
		return of.values()[:r.adds], err
	})
	var place *Error
	if errors.Is(err, xlsx.ErrNotWorkbook) && !errors.As(err, &place) {
		return damaged(0, err)
	}
	return err
}
