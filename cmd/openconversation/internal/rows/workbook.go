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

// maxWorkbookFile limits a workbook from a stream, in bytes: it is kept in a temporary file.
const maxWorkbookFile = 1 << 30

// sheet reads the rows of a workbook's sheet.
type sheet struct {
	book    *xlsx.Book
	name    string
	rows    *xlsx.Rows
	spool   io.Closer // temporary file of a workbook from a stream
	header  int       // row number of the header
	names   []string
	column  int      // of the chat ids
	earlier []string // names of the columns with results, behind the others
	skipped int      // blank rows so far
}

func (s *sheet) close() error {
	var err error
	if s.book != nil {
		err = s.book.Close()
	}
	if s.rows != nil {
		err = errors.Join(err, s.rows.Close())
	}
	if s.spool != nil {
		err = errors.Join(err, s.spool.Close())
	}
	return err
}

// openSheet opens a sheet; an empty name selects the first visible one. Close the sheet even after an error.
func openSheet(in io.Reader, name string) (*sheet, error) {
	s := &sheet{}
	at, size, err := s.randomAccess(in)
	if err != nil {
		return s, err
	}
	start := make([]byte, 4096)
	n, err := at.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return s, err
	}
	if n == 0 {
		return s, io.EOF
	}
	if err := unsupportedContent(start[:n]); err != nil {
		return s, err
	}
	if s.book, err = xlsx.Open(at, size); err == nil {
		err = s.book.Check()
	}
	if err != nil {
		return s, damaged(0, err)
	}
	var known bool
	if s.name, known = s.book.Sheet(name); !known {
		return s, settled(PartSheet, 0, "there is no sheet %q; there are: %s", name, strings.Join(s.book.Sheets(), ", "))
	}
	if s.rows, err = s.book.Rows(s.name); err != nil {
		return s, damaged(0, err)
	}
	return s, nil
}

// randomAccess returns a workbook as a file, and copies a stream into a temporary file.
func (s *sheet) randomAccess(in io.Reader) (io.ReaderAt, int64, error) {
	if file, is := in.(interface {
		io.ReaderAt
		io.Seeker
	}); is {
		if size, err := file.Seek(0, io.SeekEnd); err == nil {
			return file, size, nil
		}
	}
	temp, err := os.CreateTemp("", "openconversation-*")
	if err != nil {
		return nil, 0, err
	}
	_ = os.Remove(temp.Name()) // removed while open, if the system can: a killed run then leaves no file
	s.spool = closing{temp}
	size, err := io.Copy(temp, io.LimitReader(in, maxWorkbookFile+1))
	if err == nil && size > maxWorkbookFile {
		err = broken(0, "the workbook is larger than %d MiB; give it as a file", maxWorkbookFile>>20)
	}
	return temp, size, err
}

type closing struct{ file *os.File }

func (c closing) Close() error {
	err := c.file.Close()
	_ = os.Remove(c.file.Name()) // unless removed before
	return err
}

// damaged makes the error of a workbook's content; errors of the disk stay unchanged.
func damaged(row int, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return err
	}
	return broken(row, "%s", inWorkbook{err})
}

// cells reads the next row's texts by column, and skips rows without any.
func (s *sheet) cells() (cells []string, row int, err error) {
	for {
		row, err := s.rows.Next()
		if errors.Is(err, io.EOF) {
			return nil, row.Number, err
		}
		if err != nil {
			return nil, row.Number, damaged(row.Number, err)
		}
		for _, cell := range row.Cells {
			text, err := s.rows.Text(cell)
			if err != nil {
				return nil, row.Number, damaged(row.Number, err)
			}
			if !blank(text) {
				cells = append(append(cells, make([]string, cell.Column-len(cells))...), text)
			}
		}
		if len(cells) > 0 {
			return cells, row.Number, nil
		}
	}
}

// readHeader reads the first row with cells.
func (s *sheet) readHeader(o *Options) error {
	names, line, err := s.cells()
	if err != nil {
		return err
	}
	own, details, err := header{line, names, 0, appends[o.Details]}.earlier()
	if err != nil {
		return err
	}
	s.header, s.names, s.earlier = line, names[:own], names[own:]
	o.Details = o.Details || details
	if adds := appends[o.Details]; own+len(adds.columns) > xlsx.MaxColumns {
		return broken(line, "there is no room for %d more columns", len(adds.columns))
	}
	s.column, err = header{line, s.names, 0, appends[o.Details]}.pick(o.ID)
	return err
}

// read reads the next row that is not blank.
func (s *sheet) read() (Row, error) {
	for {
		in, err := s.rows.Next()
		if errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		if err != nil {
			return Row{}, damaged(in.Number, err)
		}
		row := Row{Line: in.Number}
		results := make([]string, len(s.earlier))
		something := false
		for _, cell := range in.Cells {
			if something && cell.Column < len(s.names) && cell.Column != s.column {
				continue
			}
			text, err := s.rows.Text(cell)
			if err != nil {
				return row, damaged(in.Number, err)
			}
			if blank(text) && !cell.Pending {
				continue
			}
			something = true
			switch {
			case cell.Column >= len(s.names) && cell.Column < len(s.names)+len(s.earlier):
				results[cell.Column-len(s.names)] = text
			case cell.Column >= len(s.names):
				return row, broken(in.Number, "it has a cell in column %d, and the header ends with column %d", cell.Column+1, len(s.names))
			case cell.Column == s.column && cell.Pending:
				row.Problem = lang.T("its formula has no value yet; open the workbook in a spreadsheet program, and save it")
			case cell.Column == s.column:
				row.ChatID, row.Trimmed = CleanID(text)
			}
		}
		row.Known = kept(resultOf(s.earlier, results))
		if !something {
			s.skipped++
			continue
		}
		if in.TooLong {
			row.Problem = lang.T("row %d is longer than 1 MiB", in.Number) // the output keeps its cells
		}
		return row, nil
	}
}

// fitsSheet returns an *Error if cells exceed the limits of a sheet's row.
func fitsSheet(line, row int, cells []string) error {
	switch {
	case row > xlsx.MaxRows:
		return broken(line, "a sheet holds %d rows, and there are more; write CSV", xlsx.MaxRows)
	case len(cells) > xlsx.MaxColumns-len(appends[true].columns):
		return broken(line, "a sheet holds %d columns, and there are more; write CSV", xlsx.MaxColumns)
	}
	if at := slices.IndexFunc(cells, func(cell string) bool { return xlsx.Cut(cell) != cell }); at >= 0 {
		return broken(line, "a cell of a workbook holds %d characters, and column %d has more; write CSV", xlsx.MaxText, at+1)
	}
	return nil
}
