package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Row is one chat of a file.
type Row struct {
	Line    int    // where it begins, from 1; in a workbook the number of the row
	ChatID  string // as CleanID made it of the cell
	Trimmed string // what CleanID took off, for a notice; empty if nothing
	Start   []byte // how its record in the output begins: everything that the input holds; see Finish
	Problem string // why it is not to be sent, if its record says so

	key   int      // what the journal calls it: its place among the rows, in a workbook its row
	raw   []byte   // the record's text
	cells []string // of a workbook, where they are asked for
}

// Reader reads rows.
type Reader struct {
	o     Options // none of them empty, but Sheet and ID
	found Found
	text  *text
	in    records
	first *record // read ahead
	sheet *sheetReader
	spool io.Closer // of a workbook that was read from a stream

	marked    bool   // the output begins with a byte order mark
	preamble  string // a line sep=, with its end
	lineEnd   string
	header    []byte // the record's text; tables of text only
	names     []string
	column    int
	separator byte // of the input's cells; 0 if it has none
	keepCells bool
	rows      int
	hasField  bool // a row had the field

	Skipped int // blank lines and comments so far
}

// Found is what a Reader found out about its input.
type Found struct {
	Format    Format
	Encoding  Encoding // empty for a workbook
	Mark      bool     // it begins with a byte order mark
	Delimiter byte     // 0 if it has none
	Sheet     string   // of a workbook
	Name      string   // of the column or field that holds the chat ids
	Column    int      // its number, from 1; 0 if it is none
}

// String is one line for a notice.
func (f Found) String() string {
	parts := []string{f.Format.Title()}
	if f.Delimiter != 0 && f.Format != TSV {
		parts = append(parts, "separated by "+delimiterTitle(f.Delimiter))
	}
	if f.Encoding != "" {
		parts = append(parts, f.Encoding.Title())
	}
	if f.Sheet != "" {
		parts = append(parts, fmt.Sprintf("sheet %q", f.Sheet))
	}
	return strings.Join(parts, ", ")
}

// NewReader reads a file's header, if it has one. What the options leave open, it goes by what the file begins with; ask
// Detect first where a file can be read twice. The error of an empty file is io.EOF; other errors that are about the
// file are *Error.
func NewReader(in io.Reader, o Options) (*Reader, error) {
	r := &Reader{o: o, lineEnd: "\n"}
	if o.Format == XLSX {
		return r, r.openWorkbook(in)
	}
	r.text = newText(in)
	start := r.text.start()
	if err := unsupportedContent(start); err != nil {
		return nil, err
	}
	if isZip(start) && r.o.Format != "" {
		return nil, settled(PartFormat, 0, "it is an xlsx workbook, and not %s", r.o.Format.Title())
	}
	if r.o.Format == "" {
		if r.o.Format = Sniff(start).Format; r.o.Format == XLSX {
			return r, r.openWorkbook(r.text.in)
		}
	}
	if err := r.settle(); err != nil {
		return nil, err
	}
	mark, err := r.chooseEncoding(start)
	if err != nil {
		return nil, err
	}
	r.text.encoding = r.o.Encoding
	r.text.skip(mark)
	switch r.o.Format {
	case CSV, TSV:
		return r, r.readHeader()
	case JSONLines:
		r.in = &lines{text: r.text, objects: true, limit: MaxRecord}
		return r, r.readFirst()
	case JSONArray:
		r.in = &elements{text: r.text, limit: MaxRecord}
		return r, r.readFirst()
	default:
		r.in = &lines{text: r.text, limit: MaxRecord}
		return r, nil
	}
}

// settle settles what the output is.
func (r *Reader) settle() error {
	if _, known := formats[r.o.Format]; !known {
		return fmt.Errorf("there is no format %q", r.o.Format)
	}
	r.found.Format = r.o.Format
	if r.o.Output == "" {
		r.o.Output = r.o.Format.Output()
	}
	return nil
}

// Close lets go of what the reader holds, but not of the file that it reads.
func (r *Reader) Close() error {
	var err error
	if r.sheet != nil {
		err = r.sheet.close()
	}
	if r.spool != nil {
		err = errors.Join(err, r.spool.Close())
	}
	return err
}

// Found is what was found out about the input.
func (r *Reader) Found() Found { return r.found }

// Name is the column or field that holds the chat ids; empty for plain lines.
func (r *Reader) Name() string { return r.found.Name }

// Journaled is whether Header and Finish write a journal, of which Assemble makes the output.
func (r *Reader) Journaled() bool { return r.o.Output.Journaled() }

// record reads a record that is not blank.
func (r *Reader) record() (record, error) {
	if r.first != nil {
		rec := *r.first
		r.first = nil
		return rec, nil
	}
	for {
		rec, err := r.in.next()
		switch {
		case errors.Is(err, io.EOF):
			return rec, r.ended()
		case err != nil:
			return rec, r.placed(rec, err)
		case rec.Open:
			return rec, broken(rec.Line, "a quote that is opened here is never closed")
		}
		if err := r.checkEncoding(rec); err != nil {
			return rec, err
		}
		if !rec.TooLong && r.blank(rec.Raw) {
			r.Skipped++
			continue
		}
		return rec, nil
	}
}

// ended is the error after the last row.
func (r *Reader) ended() error {
	if r.o.Format.Fields() && r.rows > 0 && !r.hasField {
		return settled(PartField, 0, "no row has a field %s; the first row has: %s", r.found.Name, strings.Join(r.names, ", "))
	}
	return io.EOF
}

func (r *Reader) blank(raw []byte) bool {
	switch r.o.Format {
	case Lines:
		raw = bytes.TrimSpace(raw)
		return len(raw) == 0 || raw[0] == '#'
	case JSONLines:
		return len(bytes.TrimSpace(raw)) == 0
	case JSONArray:
		return false
	default:
		return len(bytes.Trim(raw, " ")) == 0
	}
}

// Read reads a row. The error after the last is io.EOF; an *Error ends the input.
func (r *Reader) Read() (Row, error) {
	if r.sheet != nil {
		return r.readSheetRow()
	}
	rec, err := r.record()
	if err != nil {
		return Row{}, err
	}
	r.rows++
	row := Row{Line: rec.Line, key: r.rows}
	var cell string
	switch r.o.Format {
	case CSV, TSV:
		cell, err = r.cell(rec)
	case JSONLines, JSONArray:
		cell, row.Problem, err = r.field(rec)
	default:
		cell = string(rec.Raw)
	}
	if err != nil {
		return row, err
	}
	row.ChatID, row.Trimmed = CleanID(cell)
	if rec.TooLong {
		row.Problem = r.tooLong(rec.Line)
	}
	row.Start, row.raw = r.start(rec, row)
	if r.o.Output == XLSX {
		err = r.fitsWorkbook(row)
	}
	return row, err
}

func (r *Reader) tooLong(line int) string {
	switch {
	case r.o.Format.Columns():
		return fmt.Sprintf("line %d is longer than 1 MiB; the cells that do not fit are left out", line)
	case r.o.Format.Fields():
		return fmt.Sprintf("line %d is longer than 1 MiB; the fields that do not fit are left out", line)
	default:
		return fmt.Sprintf("line %d is longer than 1 MiB", line)
	}
}

// Cells are the cells of a row of a table or of plain lines, as text. Of a workbook they are there only for a row that was read after
// Old or Assemble asked for them.
func (r *Reader) Cells(row Row) ([]string, error) {
	switch r.o.Format {
	case CSV, TSV:
		return splitCells(record{Raw: row.raw, Line: row.Line}, r.separator)
	case XLSX:
		return row.cells, nil
	default:
		return []string{row.ChatID}, nil
	}
}
