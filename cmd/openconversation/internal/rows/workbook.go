package rows

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/xlsx"
)

// sheet is a workbook's sheet.
type sheet struct {
	book    *xlsx.Book
	name    string
	rows    *xlsx.Rows
	skipped int // blank rows so far
	cells   cells
}

func (s *sheet) close() error {
	var err error
	if s.book != nil {
		err = s.book.Close()
	}
	if s.rows != nil {
		err = errors.Join(err, s.rows.Close())
	}
	return err
}

// openSheet opens a workbook for a sheet; an empty name selects the first visible one. Close it even after an error.
func openSheet(in io.Reader, name string) (s *sheet, err error) {
	s = &sheet{}
	file, is := in.(interface {
		io.ReaderAt
		Size() int64
	})
	if !is {
		return s, lang.Errorf("a workbook cannot be read from a stream")
	}
	if file.Size() == 0 {
		return s, io.EOF
	}
	if s.book, err = xlsx.Open(file, file.Size()); err != nil {
		return s, damaged(0, err)
	}
	var known bool
	if s.name, known = s.book.Sheet(name); !known {
		err = settled(PartSheet, 0, "there is no sheet %q; there are: %s", name, strings.Join(s.book.Sheets(true), ", "))
	}
	return s, err
}

// damaged makes the error of a workbook's content; errors of the disk stay unchanged.
func damaged(row int, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return err
	}
	return broken(row, "%w", err)
}

// next returns the next row that is not blank.
func (s *sheet) next() (*cells, error) {
	for {
		row, err := s.rows.Next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, damaged(row.Number, err)
		}
		if c, err := s.cellsOf(s.rows, row); c != nil || err != nil {
			return c, err
		}
		s.skipped++
	}
}

// cellsOf returns the cells of a row, or nil if it is blank.
func (s *sheet) cellsOf(rows *xlsx.Rows, row xlsx.Row) (*cells, error) {
	if row.TooLong {
		return nil, broken(row.Number, "it is longer than 1 MiB")
	}
	c := &s.cells
	c.line, c.hidden, c.texts = row.Number, row.Hidden, c.texts[:0]
	for _, cell := range row.Cells {
		text, err := rows.Text(cell)
		if err != nil {
			return nil, damaged(row.Number, err)
		}
		if !blank(text) || cell.Pending {
			c.texts = append(append(c.texts, make([]string, cell.Column-len(c.texts))...), text)
		}
	}
	c.unsure = func(column int) lang.Text {
		at := slices.IndexFunc(row.Cells, func(cell xlsx.Cell) bool { return cell.Column == column })
		if at < 0 || column >= len(c.texts) {
			return lang.Text{}
		}
		return unsure(row.Cells[at], c.texts[column])
	}
	if len(c.texts) == 0 {
		return nil, nil
	}
	return c, nil
}

// findTable finds the header: in the sheet that was asked for, or else in the only other one that has a column of chat ids.
func (s *sheet) findTable(o Options) (*table, error) {
	t, err := s.find(s.name, o)
	var wrong *Error
	if err == nil || o.Sheet != "" || o.NoHeader || !errors.Is(err, io.EOF) && (!errors.As(err, &wrong) || wrong.Part != PartColumn) {
		return t, err
	}
	first, found, seen := s.name, []string{}, s.book.Sheets(false)
	for _, name := range seen {
		if name == first {
			continue
		}
		if _, err := s.find(name, o); err == nil {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 1:
		return s.find(found[0], o)
	case len(found) > 1:
		return nil, settled(PartSheet, 0, "these sheets have a column of chat ids: %s", strings.Join(found, ", "))
	case wrong != nil && len(seen) > 1:
		return nil, settled(wrong.Part, wrong.Line, "%s; the sheets are: %s", wrong.Text, strings.Join(seen, ", "))
	}
	return nil, err
}

// find finds the header in a sheet.
func (s *sheet) find(name string, o Options) (t *table, err error) {
	if s.rows != nil {
		_ = s.rows.Close() // it was only read
	}
	s.name = name
	if s.rows, err = s.book.Rows(name); err != nil {
		return nil, damaged(0, err)
	}
	t = &table{grid: s}
	if err := t.find(o, func(*cells) error { return nil }); err != nil {
		return nil, err
	}
	if adds := added(o.Details || t.details); t.width+adds > xlsx.MaxColumns {
		return nil, broken(t.header, "there is no room for %d more columns", adds)
	}
	s.skipped = 0 // those after the header
	return t, nil
}

// unsure returns why a cell that is no text is no chat id. A spreadsheet keeps 15 digits of a number.
func unsure(cell xlsx.Cell, text string) lang.Text {
	switch {
	case cell.Pending:
		return lang.T("its formula has no value yet; open the workbook in a spreadsheet program, and save it")
	case cell.Date:
		return lang.T("its cell is a date or a time")
	case cell.Formula && rounded.MatchString(text), cell.Formula && strings.Trim(text, "0123456789.-") == "":
		return lang.T("its formula gives a number; if it should give text, open the workbook in a spreadsheet program, and save it")
	case cell.Number && (strings.ContainsAny(text, ".eE") || len(text) > 15):
		return lang.T("its cell is a number, which a spreadsheet rounds")
	}
	return lang.Text{}
}

// fitsSheet returns an *Error if cells exceed the limits of a sheet's row.
func fitsSheet(line, row int, cells []string) error {
	switch {
	case row > xlsx.MaxRows:
		return broken(line, "a sheet holds %d rows, and there are more; write CSV", xlsx.MaxRows)
	case len(cells) > xlsx.MaxColumns-len(resultColumns):
		return broken(line, "a sheet holds %d columns, and there are more; write CSV", xlsx.MaxColumns)
	}
	if at := slices.IndexFunc(cells, func(cell string) bool { return xlsx.Cut(cell) != cell }); at >= 0 {
		return broken(line, "a cell of a workbook holds %d characters, and column %d has more; write CSV", xlsx.MaxText, at+1)
	}
	return nil
}
