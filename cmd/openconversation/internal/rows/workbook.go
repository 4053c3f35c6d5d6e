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
	book     *xlsx.Book
	name     string
	rows     *xlsx.Rows
	spool    io.Closer // temporary file of a workbook from a stream
	header   int       // row number of the header; 0: there is none
	titled   bool      // there are rows above it
	names    []string
	column   int      // of the chat ids
	earlier  []string // names of the columns with results, behind the others
	width    int      // columns before the results
	measures bool     // rows may be wider
	widest   int      // cells of the widest row so far
	begun    bool     // a row was read
	skipped  int      // blank rows so far
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
	found, known := s.book.Sheet(name)
	if !known {
		return s, settled(PartSheet, 0, "there is no sheet %q; there are: %s", name, strings.Join(s.book.Sheets(), ", "))
	}
	return s, s.open(found)
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

// findTable finds the header: in the sheet that is open, or else in the only other one that has a column of chat ids.
func (s *sheet) findTable(o *Options) error {
	err := s.readHeader(o)
	var wrong *Error
	if err == nil || o.Sheet != "" || o.NoHeader || !errors.Is(err, io.EOF) && (!errors.As(err, &wrong) || wrong.Part != PartColumn) {
		return err
	}
	first, found, seen := s.name, []string{}, s.book.Visible()
	for _, name := range seen {
		if name == first {
			continue
		}
		if err := s.open(name); err != nil {
			return err
		}
		if other := *o; s.readHeader(&other) == nil {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 1:
		if err := s.open(found[0]); err != nil {
			return err
		}
		return s.readHeader(o)
	case len(found) > 1:
		return settled(PartSheet, 0, "these sheets have a column of chat ids: %s", strings.Join(found, ", "))
	case wrong != nil && len(seen) > 1:
		return settled(wrong.Part, wrong.Line, "%s; the sheets are: %s", wrong.Text, strings.Join(seen, ", "))
	}
	return err
}

// open opens a sheet from its first row.
func (s *sheet) open(name string) (err error) {
	if s.rows != nil {
		_ = s.rows.Close() // it was only read
	}
	s.name = name
	if s.rows, err = s.book.Rows(name); err != nil {
		return damaged(0, err)
	}
	return nil
}

// readHeader finds the header.
func (s *sheet) readHeader(o *Options) error {
	f := finder{o: *o}
	for {
		cells, line, err := s.cells()
		if err != nil {
			return f.end(err)
		}
		t, is, err := f.header(header{line, cells, 0, appends[o.Details]})
		if err != nil {
			return err
		}
		if !is {
			continue
		}
		s.header, s.titled, s.names, s.earlier, s.column = line, f.rows > 1, t.names[:t.own], t.names[t.own:], t.column
		o.Details = o.Details || t.details
		s.width, s.widest, s.measures = max(t.own, o.Width), t.own, o.Width < 0
		if adds := appends[o.Details]; s.width+len(adds.columns) > xlsx.MaxColumns {
			return broken(line, "there is no room for %d more columns", len(adds.columns))
		}
		if o.NoHeader {
			s.header = 0
			return s.open(s.name)
		}
		return nil
	}
}

// read reads the next row that is not blank. With keep, the row has its cells.
func (s *sheet) read(keep bool) (Row, error) {
	for {
		in, err := s.rows.Next()
		if errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		if err != nil {
			return Row{}, damaged(in.Number, err)
		}
		if in.Number < s.header {
			continue
		}
		row := Row{Line: in.Number, Hidden: in.Hidden}
		if in.TooLong {
			return row, broken(in.Number, "it is longer than 1 MiB")
		}
		results := make([]string, len(s.earlier))
		something := false
		for _, cell := range in.Cells {
			if something && !keep && cell.Column < len(s.names) && cell.Column != s.column {
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
			switch at := cell.Column; {
			case at >= len(s.names) && at < len(s.names)+len(s.earlier):
				results[at-len(s.names)] = text
			case at >= len(s.names) && len(s.earlier) > 0:
				return row, broken(in.Number, "it has a cell in column %d, and the header ends with column %d", at+1, len(s.names)+len(s.earlier))
			case at >= s.width && !s.measures:
				return row, broken(in.Number, "it has a cell in column %d, and the header ends with column %d", at+1, s.width)
			case at == s.column:
				row.ChatID, row.Trimmed = CleanID(text)
				row.Problem = unsure(cell, text)
			}
			if s.widest = max(s.widest, cell.Column+1); len(s.earlier) > 0 {
				s.widest = len(s.names)
			}
			if keep && cell.Column < s.width {
				row.cells = append(append(row.cells, make([]string, cell.Column-len(row.cells))...), text)
			}
		}
		row.Known = kept(resultOf(s.earlier, results))
		if !something {
			s.skipped++
			continue
		}
		if !row.Problem.Empty() || row.ChatID == "" || NotAnID(row.ChatID) != "" {
			if row.None, err = s.none(in); err != nil {
				return row, err
			}
		}
		s.begun = true
		row.cells = append(row.cells, make([]string, max(0, s.width-len(row.cells)))...)
		return row, nil
	}
}

// none reports whether a row is none of a chat's.
func (s *sheet) none(in xlsx.Row) (bool, error) {
	var cells []string
	for _, cell := range in.Cells {
		text, err := s.rows.Text(cell)
		if err != nil {
			return false, damaged(in.Number, err)
		}
		cells = append(append(cells, make([]string, cell.Column-len(cells))...), text)
	}
	return none(cells, s.names, s.column, !s.begun && s.header > 0), nil
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
	case len(cells) > xlsx.MaxColumns-len(appends[true].columns):
		return broken(line, "a sheet holds %d columns, and there are more; write CSV", xlsx.MaxColumns)
	}
	if at := slices.IndexFunc(cells, func(cell string) bool { return xlsx.Cut(cell) != cell }); at >= 0 {
		return broken(line, "a cell of a workbook holds %d characters, and column %d has more; write CSV", xlsx.MaxText, at+1)
	}
	return nil
}
