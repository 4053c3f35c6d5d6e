package xlsx

import (
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

// next returns the next token.
func (r *Rows) next() (token, error) {
	t, err := r.in.next()
	if r.copy != nil {
		r.copy.raw = append(r.copy.raw, t.raw...)
	}
	return t, err
}

// Next reads the next row of the sheet, which may have no cells. The error after the last is io.EOF.
func (r *Rows) Next() (Row, error) {
	for {
		t, err := r.next()
		if errors.Is(err, io.EOF) {
			if !r.began {
				return r.row, ErrNotWorkbook
			}
			return r.row, damaged("the sheet ends within its rows")
		}
		if err != nil {
			return r.row, err
		}
		switch {
		case t.kind != opening && t.kind != empty && t.kind != closing:
		case t.name() == "sheetData":
			if r.began = t.kind == opening; r.began {
				continue
			}
			if r.copy != nil {
				return r.row, io.EOF
			}
			if _, err := r.in.in.WriteTo(io.Discard); err != nil { // its checksum is behind its end
				return r.row, damaged("%w", err)
			}
			return r.row, io.EOF
		case t.name() == "dimension" && !r.began && r.copy != nil:
			r.copy.extend(t)
		case r.began && t.kind != closing && t.name() == "row":
			number, err := rowNumber(t, r.row.Number)
			if err != nil {
				return r.row, err
			}
			hidden, _, _, _ := t.attribute("hidden")
			r.row = Row{Number: number, Cells: r.row.Cells[:0], Hidden: string(hidden) == "1" || string(hidden) == "true"}
			r.bytes = r.bytes[:0]
			r.copy.begin(t)
			if t.kind == opening {
				err = r.cells()
			}
			return r.row, err
		}
	}
}

// rowNumber returns the number of the row that a tag begins, after row last.
func rowNumber(t token, last int) (int, error) {
	number := last + 1
	if value, _, _, has := t.attribute("r"); has {
		n, err := strconv.Atoi(string(value))
		if err != nil || n < number || n > MaxRows {
			return 0, damaged("its rows are out of order at row %.20q", value)
		}
		number = n
	}
	return number, nil
}

// cellColumn returns the column of the cell that a tag begins, after column last.
func cellColumn(t token, last int) (int, error) {
	column := last + 1
	value, _, _, has := t.attribute("r")
	if !has {
		return column, nil
	}
	n := 0
	for _, b := range value {
		if b < 'A' || b > 'Z' || n > MaxColumns {
			break
		}
		n = 26*n + int(b-'A') + 1
	}
	if n--; n < column || n >= MaxColumns {
		return 0, damaged("its cells are out of order at %.20q", value)
	}
	return n, nil
}

// cells reads the cells to the end of the row.
func (r *Rows) cells() error {
	last := -1
	for {
		t, err := r.next()
		if err != nil {
			return unexpected(err)
		}
		if t.kind == closing && t.name() == "row" {
			r.copy.at(t, MaxColumns)
			return nil
		}
		if t.kind != opening && t.kind != empty || t.name() != "c" {
			continue
		}
		if last, err = cellColumn(t, last); err != nil {
			return err
		}
		r.copy.at(t, last)
		if t.kind == opening {
			if err := r.cell(last, t); err != nil {
				return err
			}
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return damaged("the sheet ends within a row")
	}
	return err
}

// cell reads a cell to its end.
func (r *Rows) cell(column int, begin token) error {
	c := Cell{Column: column, from: len(r.bytes)}
	value, _, _, _ := begin.attribute("t")
	switch string(value) {
	case "s":
		c.shared = true
	case "b":
		c.boolean = true
	case "", "n":
		c.Number = true
		style, _, _, _ := begin.attribute("s")
		c.Date = len(style) > 0 && r.book.date(string(style))
	}
	phonetic, inside := false, ""
	for {
		t, err := r.next()
		if err != nil {
			return unexpected(err)
		}
		name := ""
		if t.kind != content && t.kind != literal {
			name = t.name()
		}
		switch {
		case name == "f":
			c.Formula = true
		case name == "rPh":
			phonetic = t.kind == opening
		case t.kind == opening && (name == "v" || name == "t"):
			inside = name
		case t.kind == closing && name == inside:
			inside = ""
		case t.kind == closing && name == "c":
			c.to = len(r.bytes)
			if c.Pending = c.Formula && c.to == c.from && value == nil; c.Pending || c.to > c.from {
				r.row.Cells = append(r.row.Cells, c)
			}
			return nil
		case name == "" && inside != "" && !phonetic:
			if r.bytes = appendText(r.bytes, t); len(r.bytes) > maxRow {
				r.row.TooLong = true
				r.bytes = r.bytes[:c.from]
			}
		}
	}
}

// Text returns the content of a cell of the last row: a text unchanged, a number without exponent or separators,
// whatever its format.
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
