package xlsx

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxRow limits the bytes read of a row's cells.
const maxRow = 1 << 20

// Cell is a cell with content.
type Cell struct {
	Column  int  // from 0
	Pending bool // a formula without a computed value
	Formula bool
	Number  bool
	Date    bool // a number that is shown as a date or a time
	shared  bool
	boolean bool
	from    int // in the row's bytes
	to      int
}

// Row is a row with cells, valid until the next is read.
type Row struct {
	Number  int // from 1
	Hidden  bool
	Cells   []Cell
	TooLong bool // cells beyond the first MiB read as empty
}

// Rows reads the rows of a sheet.
type Rows struct {
	book  *Book
	part  io.ReadCloser
	in    *markup
	copy  *rowCopy // nil: the rows are only read
	row   Row
	bytes []byte
	began bool // the list of rows
}

// Rows opens a sheet by its name from Sheet.
func (b *Book) Rows(sheet string) (*Rows, error) {
	part, err := b.open(b.part(sheet))
	if err != nil {
		return nil, err
	}
	return &Rows{book: b, part: part, in: newMarkup(part)}, nil
}

// Close closes the sheet.
func (r *Rows) Close() error { return r.part.Close() }

// Next reads the next row of the sheet, which may have no cells. The error after the last is io.EOF.
func (r *Rows) Next() (Row, error) {
	for {
		t, raw, err := r.in.within()
		if err != nil {
			return r.row, err
		}
		end, _ := t.(xml.EndElement)
		begin, _ := t.(xml.StartElement)
		switch {
		case end.Name.Local == "sheetData" && r.copy != nil:
			return r.row, io.EOF
		case end.Name.Local == "sheetData":
			if _, err := r.in.in.WriteTo(io.Discard); err != nil { // its checksum is behind its end
				return r.row, damaged("%w", err)
			}
			return r.row, io.EOF
		case begin.Name.Local == "sheetData":
			r.began = true
		case begin.Name.Local == "dimension" && r.copy != nil:
			r.copy.extend(raw)
		case begin.Name.Local == "row" && r.began:
			number, err := rowNumber(begin, r.row.Number)
			if err != nil {
				return r.row, err
			}
			hidden, _ := attribute(begin, "hidden")
			r.row = Row{Number: number, Cells: r.row.Cells[:0], Hidden: hidden == "1" || hidden == "true"}
			r.bytes = r.bytes[:0]
			r.copy.begin(begin, raw)
			return r.row, r.cells()
		}
	}
}

// rowNumber returns the number of the row that a tag begins, after row last.
func rowNumber(t xml.StartElement, last int) (int, error) {
	value, has := attribute(t, "r")
	if !has {
		return last + 1, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n <= last || n > MaxRows {
		return 0, damaged("its rows are out of order at row %.20q", value)
	}
	return n, nil
}

// cellColumn returns the column of the cell that a tag begins, after column last.
func cellColumn(t xml.StartElement, last int) (int, error) {
	value, has := attribute(t, "r")
	if !has {
		return last + 1, nil
	}
	n := 0
	for _, b := range value {
		if b < 'A' || b > 'Z' || n > MaxColumns {
			break
		}
		n = 26*n + int(b-'A') + 1
	}
	if n--; n <= last || n >= MaxColumns {
		return 0, damaged("its cells are out of order at %.20q", value)
	}
	return n, nil
}

// cells reads the cells to the end of the row.
func (r *Rows) cells() error {
	for last := -1; ; {
		t, raw, err := r.in.within()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				r.copy.at(raw, MaxColumns, "")
				return nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			if last, err = cellColumn(t, last); err != nil {
				return err
			}
			style, _ := attribute(t, "s")
			r.copy.at(raw, last, style)
			if err := r.cell(last, t, style); err != nil {
				return err
			}
		}
	}
}

// cell reads a cell to its end.
func (r *Rows) cell(column int, begin xml.StartElement, style string) (err error) {
	kind, has := attribute(begin, "t")
	c := Cell{Column: column, from: len(r.bytes), shared: kind == "s", boolean: kind == "b", Number: kind == "" || kind == "n"}
	c.Date = c.Number && style != "" && r.book.date(style)
	if r.bytes, c.Formula, err = r.in.text("c", r.bytes); err != nil {
		return err
	}
	if len(r.bytes) > maxRow {
		r.row.TooLong = true
		r.bytes = r.bytes[:c.from]
	}
	c.to = len(r.bytes)
	if c.Pending = c.Formula && c.to == c.from && !has; c.Pending || c.to > c.from {
		r.row.Cells = append(r.row.Cells, c)
	}
	return nil
}

// Text returns the content of a cell of the last row: a text unchanged, a number without exponent or separators, whatever its format.
func (r *Rows) Text(c Cell) (string, error) {
	value := r.bytes[c.from:c.to]
	switch {
	case c.shared:
		n, err := strconv.Atoi(string(value))
		if err != nil {
			return "", damaged("a cell names the text %.20q", value)
		}
		text, err := r.book.text(n)
		return unescape(string(text)), err
	case c.boolean && string(value) == "1":
		return "TRUE", nil
	case c.boolean:
		return "FALSE", nil
	case c.Number:
		return number(string(value)), nil
	default:
		return unescape(string(value)), nil
	}
}

// number formats a number in plain digits.
func number(value string) string {
	if !strings.ContainsAny(value, ".eE") || len(value) > 40 {
		return value
	}
	if f, err := strconv.ParseFloat(value, 64); err == nil && f > -1e21 && f < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return value
}

// Append writes the workbook with cells appended to the rows of a sheet: count cells from a column on, which is counted from
// 0. cells returns those of a row that r has just read, or nil, which leaves the row as it is; an empty one is not written.
// They replace existing cells, and get the format of the last cell before them in the row header.
func (b *Book) Append(w io.Writer, sheet string, column, count, header int, cells func(r *Rows, row Row) ([]string, error)) error {
	part := b.find(b.part(sheet))
	out := zip.NewWriter(w)
	for _, f := range b.zip.File {
		if strings.HasSuffix(f.Name, "/") { // a folder, which a workbook does not need; some have content that cannot be copied
			continue
		}
		if f != part {
			if err := out.Copy(f); err != nil {
				return err
			}
			continue
		}
		into, err := out.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: f.Modified})
		if err != nil {
			return err
		}
		r, err := b.Rows(sheet)
		if err != nil {
			return err
		}
		r.in.keeps = true
		r.copy = &rowCopy{in: r.in, out: bufio.NewWriterSize(into, 32<<10), column: column, count: count, header: header}
		if err := errors.Join(r.appendAll(cells), r.Close()); err != nil {
			return err
		}
	}
	return out.Close()
}

func (r *Rows) appendAll(cells func(r *Rows, row Row) ([]string, error)) error {
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, _ = r.copy.out.Write(r.in.kept) // Flush returns the error
			if _, err := r.in.in.WriteTo(r.copy.out); err != nil {
				return damaged("%w", err)
			}
			return r.copy.out.Flush()
		}
		if err != nil {
			return err
		}
		appended, err := cells(r, row)
		if err != nil {
			return err
		}
		r.copy.write(row.Number, appended)
	}
}
