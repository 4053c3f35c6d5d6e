package rows

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/xlsx"
)

// maxWorkbookFile is how large a workbook may be that comes as a stream, in bytes: it is kept in a temporary file.
const maxWorkbookFile = 1 << 30

// sheetReader reads the rows of a workbook's sheet.
type sheetReader struct {
	book   *xlsx.Book
	name   string
	rows   *xlsx.Rows
	header int // the row of the header
}

func (s *sheetReader) close() error {
	err := s.book.Close()
	if s.rows != nil {
		err = errors.Join(err, s.rows.Close())
	}
	return err
}

// openWorkbook opens the sheet and reads its header.
func (r *Reader) openWorkbook(in io.Reader) error {
	r.o.Format = XLSX
	if err := r.settle(); err != nil {
		return err
	}
	at, size, err := r.randomAccess(in)
	if err != nil {
		return err
	}
	start := make([]byte, 4096)
	n, err := at.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	if err := unsupportedContent(start[:n]); err != nil {
		return err
	}
	book, err := xlsx.Open(at, size)
	if err != nil {
		return damaged(0, err)
	}
	r.sheet = &sheetReader{book: book}
	var known bool
	if r.sheet.name, known = book.Sheet(r.o.Sheet); !known {
		return settled(PartSheet, 0, "there is no sheet %q; there are: %s", r.o.Sheet, strings.Join(book.Sheets(), ", "))
	}
	if r.sheet.rows, err = book.Rows(r.sheet.name); err != nil {
		return damaged(0, err)
	}
	r.found.Sheet = r.sheet.name
	return r.readSheetHeader()
}

// randomAccess is a workbook as a file; one that comes as a stream is copied into a temporary one.
func (r *Reader) randomAccess(in io.Reader) (io.ReaderAt, int64, error) {
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
	_ = os.Remove(temp.Name()) // where a file can be removed while it is open, a killed run leaves nothing
	r.spool = closing{temp}
	size, err := io.Copy(temp, io.LimitReader(in, maxWorkbookFile+1))
	if err == nil && size > maxWorkbookFile {
		err = broken(0, "the workbook is larger than %d MiB; give it as a file", maxWorkbookFile>>20)
	}
	return temp, size, err
}

type closing struct{ file *os.File }

func (c closing) Close() error {
	err := c.file.Close()
	_ = os.Remove(c.file.Name()) // unless it is gone already
	return err
}

// damaged is an error of a workbook's content; one of the disk stays what it is.
func damaged(row int, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return err
	}
	return broken(row, "%v", err)
}

func (r *Reader) readSheetHeader() error {
	for {
		row, err := r.sheet.rows.Next()
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return damaged(row.Number, err)
		}
		r.names = r.names[:0]
		for _, cell := range row.Cells {
			text, err := r.sheet.rows.Text(cell)
			if err != nil {
				return damaged(row.Number, err)
			}
			if blank(text) {
				continue
			}
			for len(r.names) < cell.Column {
				r.names = append(r.names, "")
			}
			r.names = append(r.names, text)
		}
		if len(r.names) == 0 {
			continue
		}
		r.sheet.header = row.Number
		if len(r.names)+len(appendedColumns) > xlsx.MaxColumns {
			return broken(row.Number, "there is no room for %d more columns", len(appendedColumns))
		}
		if r.column, err = (header{row.Number, r.names, 0}).pick(r.o.ID); err != nil {
			return err
		}
		r.found.Name, r.found.Column = visible(r.names[r.column]), r.column+1
		return nil
	}
}

// readSheetRow reads the next row that holds something.
func (r *Reader) readSheetRow() (Row, error) {
	for {
		in, err := r.sheet.rows.Next()
		if errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		if err != nil {
			return Row{}, damaged(in.Number, err)
		}
		row := Row{Line: in.Number, key: in.Number}
		if r.keepCells {
			row.cells = make([]string, len(r.names))
		}
		something := false
		for _, cell := range in.Cells {
			if something && cell.Column < len(r.names) && cell.Column != r.column && !r.keepCells {
				continue
			}
			text, err := r.sheet.rows.Text(cell)
			if err != nil {
				return row, damaged(in.Number, err)
			}
			if blank(text) && !cell.Pending {
				continue
			}
			something = true
			switch {
			case cell.Column >= len(r.names):
				return row, broken(in.Number, "it has a cell in column %d, and the header ends with column %d", cell.Column+1, len(r.names))
			case cell.Column == r.column && cell.Pending:
				row.Problem = "its formula has no value yet; open the workbook in a spreadsheet program, and save it"
			case cell.Column == r.column:
				row.ChatID, row.Trimmed = CleanID(text)
			}
			if r.keepCells {
				row.cells[cell.Column] = text
			}
		}
		if !something {
			r.Skipped++
			continue
		}
		if in.TooLong {
			row.Problem = fmt.Sprintf("row %d is longer than 1 MiB", in.Number) // its cells are kept all the same
		}
		r.rows++
		row.Start = journalStart(row)
		return row, nil
	}
}

// fitsWorkbook is an *Error if a row of text cannot be one of a workbook.
func (r *Reader) fitsWorkbook(row Row) error {
	if r.rows+1 > xlsx.MaxRows {
		return broken(row.Line, "a sheet holds %d rows, and there are more; write CSV", xlsx.MaxRows)
	}
	if len(row.raw) <= xlsx.MaxText && len(r.names) <= xlsx.MaxColumns-len(appendedColumns) {
		return nil
	}
	cells, err := r.Cells(row)
	if err != nil {
		return err
	}
	if len(cells) > xlsx.MaxColumns-len(appendedColumns) {
		return broken(row.Line, "a sheet holds %d columns, and there are more; write CSV", xlsx.MaxColumns)
	}
	if at := slices.IndexFunc(cells, func(cell string) bool { return len(utf16.Encode([]rune(cell))) > xlsx.MaxText }); at >= 0 {
		return broken(row.Line, "a cell of a workbook holds %d characters, and column %d has more; write CSV", xlsx.MaxText, at+1)
	}
	return nil
}
