package rows

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
)

// Reader reads rows.
type Reader struct {
	*writer // of the output

	o       Options
	in      records
	first   *record  // read ahead
	table   *table   // nil for plain lines and objects
	objects *objects // for rows that are objects
	sheet   *sheet   // for a workbook
	coding  coding
	head    []byte // of a text table: what is before the first row, without the columns of results
	lineEnd string
	rows    int

	Skipped int // blank lines and comments so far
}

// NewReader reads the header of an input of a format, if it has one; a workbook must be an io.ReaderAt with a Size. Without an
// encoding it decides by the first bytes; use DetectEncoding before it for a file that can be read twice. An input without any
// row gives io.EOF, if it should have a header. Other errors of the file are *Error.
func NewReader(in io.Reader, o Options) (*Reader, error) {
	r := &Reader{o: o, lineEnd: "\n"}
	if err := r.begin(in); err != nil {
		_ = r.Close() // it was only read
		return nil, err
	}
	r.settle()
	return r, nil
}

// begin reads everything before the first row.
func (r *Reader) begin(in io.Reader) error {
	if r.o.Format == XLSX {
		return r.openWorkbook(in)
	}
	raw := bufio.NewReaderSize(in, 64<<10)
	_, _ = raw.Peek(4) // the error comes again when the file is read
	start, _ := raw.Peek(raw.Buffered())
	text, err := r.coding.decoded(raw, start, r.o.Encoding, r.o.OutputEncoding)
	if err != nil {
		return err
	}
	switch r.in = &(lines{in: text}); r.o.Format {
	case CSV, TSV:
		return r.openTable(text)
	case JSONLines:
		return r.openObjects()
	case JSONArray:
		r.in = newElements(text)
		return r.openObjects()
	}
	return nil
}

// openTable reads a text table up to its header.
func (r *Reader) openTable(text *bufio.Reader) error {
	separator, preamble, err := findSeparator(text, r.o)
	if err != nil {
		return placed(1, err)
	}
	list := &lines{in: text, table: true}
	if r.in = list; preamble != "" {
		list.line = 1
	}
	grid := &textGrid{record: r.record, separator: separator}
	r.table = &table{grid: grid, separator: separator}
	err = r.table.find(r.o, func(c *cells) error {
		if bytes.Count(c.rec.Raw, []byte("\r")) > bytes.Count(c.rec.Raw, []byte("\r\n")) {
			return broken(c.line, "its lines end in CR alone; save it with LF or CRLF")
		}
		preamble += string(c.rec.Raw) + c.rec.lineEnd()
		return nil
	})
	if err != nil {
		return err
	}
	header := grid.cells
	r.head, r.lineEnd = []byte(preamble), header.rec.lineEnd()
	if !r.o.NoHeader {
		r.head = append(r.head, header.rec.Raw[:header.ends[r.table.own-1]]...)
	}
	return nil
}

func (r *Reader) openObjects() error {
	rec, err := r.record()
	if err != nil {
		return err
	}
	r.objects = &objects{}
	rec.Raw = bytes.Clone(rec.Raw)
	r.first = &rec
	_, _, details := r.objects.cut(rec.Raw)
	r.o.Details = r.o.Details || details
	r.objects.adds = added(r.o.Details)
	return r.objects.readFirst(rec, r.o.ID)
}

// openWorkbook opens the sheet and reads its header.
func (r *Reader) openWorkbook(in io.Reader) (err error) {
	if r.sheet, err = openSheet(in, r.o.Sheet); err == nil {
		r.table, err = r.sheet.findTable(r.o)
	}
	return err
}

// settle decides the output's format.
func (r *Reader) settle() {
	if r.o.Output == "" {
		r.o.Output = r.o.Format.Output()
	}
	if t := r.table; t != nil {
		r.o.Details = r.o.Details || t.details
	}
	if r.sheet != nil {
		r.coding.out, r.coding.outMarked = cmp.Or(r.o.OutputEncoding, UTF8), r.o.OutputEncoding == UTF8BOM || r.o.OutputEncoding == "" && r.o.Output != JSONLines
	} else if r.o.Output == JSONLines && !r.o.Format.Fields() && r.o.OutputEncoding == "" {
		r.coding.out, r.coding.outMarked = UTF8, false
	}
	r.writer = newWriter(r.o, r.coding, r.table, r.names(), r.head, r.lineEnd)
}

// Close releases resources, but does not close the file.
func (r *Reader) Close() error {
	if r.sheet == nil {
		return nil
	}
	return r.sheet.close()
}

// Found returns what was detected about the input.
func (r *Reader) Found() Found {
	f := Found{Format: r.o.Format, Output: r.o.Output, Details: r.o.Details, Encoding: r.coding.in}
	if t := r.table; t != nil {
		f.Delimiter, f.Name, f.Column, f.Width = t.separator, visible(t.names[t.column]), t.column+1, t.widest
		if t.titled {
			f.Header = t.header
		}
	}
	if r.objects != nil {
		f.Name = r.objects.name
	}
	if r.sheet != nil {
		f.Sheet = r.sheet.name
	}
	return f
}

// record reads the next record that is not blank.
func (r *Reader) record() (record, error) {
	if r.first != nil {
		rec := *r.first
		r.first = nil
		return rec, nil
	}
	for {
		rec, err := r.in.next()
		if errors.Is(err, io.EOF) && r.objects != nil {
			return rec, r.objects.ended(r.rows)
		}
		if err == nil {
			err = r.coding.check(rec)
		}
		if err != nil {
			return rec, placed(rec.Line, err)
		}
		if !r.blank(rec.Raw) {
			return rec, nil
		}
		r.Skipped++
	}
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

// Read reads the next row. The error after the last is io.EOF; an *Error ends the input.
func (r *Reader) Read() (row Row, err error) {
	if r.table != nil {
		var c *cells
		if c, err = r.table.next(); err == nil {
			row, err = r.table.read(c)
		}
		if r.sheet != nil {
			r.Skipped = r.sheet.skipped
		}
	} else {
		row, err = r.readRecord()
	}
	if err != nil {
		return row, err
	}
	r.rows++
	if r.o.Output == XLSX && r.sheet == nil {
		if err := fitsSheet(row.Line, r.rows+1, row.cells); err != nil {
			return row, err
		}
	}
	row.Start = r.start(row)
	return row, nil
}

// readRecord reads a plain line or an object.
func (r *Reader) readRecord() (Row, error) {
	rec, err := r.record()
	if err != nil {
		return Row{}, err
	}
	row, cell := Row{Line: rec.Line, raw: rec.Raw}, string(rec.Raw)
	if r.objects != nil {
		if raw, known, details := r.objects.cut(rec.Raw); !details || r.o.Details {
			row.raw, row.Known = raw, kept(known)
		}
		rec.Raw = row.raw
		if cell, row.Problem, err = r.objects.field(rec); err != nil {
			return row, err
		}
	}
	row.ChatID, row.Trimmed = CleanID(cell)
	row.cells = []string{row.ChatID}
	return row, nil
}

// names are those of a table's columns before the results; of plain lines, the output's.
func (r *Reader) names() []string {
	if r.table == nil {
		return usualNames[:1]
	}
	names := slices.Clone(r.table.names[:r.table.own])
	return append(names, make([]string, max(0, r.table.width-len(names)))...)
}
