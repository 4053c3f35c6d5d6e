package rows

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Reader reads rows.
type Reader struct {
	*writer // of the output

	o       Options
	found   Found
	text    *text
	in      records
	first   *record  // read ahead
	table   *table   // for a text table
	objects *objects // for rows that are objects
	sheet   *sheet   // for a workbook
	coding  coding
	rows    int

	Skipped int // blank lines and comments so far
}

// NewReader reads a file's header, if it has one. It detects options left empty from the first bytes; use Detect before
// it for a file that can be read twice. An empty file gives io.EOF and a Reader without rows. Other errors of the file
// are *Error.
func NewReader(in io.Reader, o Options) (*Reader, error) {
	r := &Reader{o: o}
	err := r.begin(in)
	switch {
	case errors.Is(err, io.EOF):
		r.sheet, r.text = nil, newText(bytes.NewReader(nil))
		r.in = &lines{text: r.text}
		if wrong := r.settle(); wrong != nil {
			return nil, wrong
		}
		r.head = nil
		return r, err
	case err != nil:
		return nil, err
	}
	return r, nil
}

// begin detects the input, and reads everything before its first row.
func (r *Reader) begin(in io.Reader) error {
	if r.o.Format == XLSX {
		return r.openWorkbook(in)
	}
	r.text = newText(in)
	start := r.text.start()
	if err := unsupportedContent(start); err != nil {
		return err
	}
	if isZip(start) && r.o.Format != "" {
		return settled(PartFormat, 0, "it is an xlsx workbook, and not %s", r.o.Format.Title())
	}
	if r.o.Format == "" {
		if r.o.Format = Sniff(start).Format; r.o.Format == XLSX {
			return r.openWorkbook(r.text.in)
		}
	}
	coding, mark, err := chooseCoding(start, r.o.Encoding, r.o.OutputEncoding)
	if err != nil {
		return err
	}
	r.coding = coding
	r.found.Encoding, r.found.Mark = coding.in, coding.inMarked
	r.text.encoding = coding.in
	r.text.skip(mark)
	if err := r.open(); err != nil {
		return err
	}
	return r.settle()
}

// open reads everything of a text before its first row.
func (r *Reader) open() error {
	switch r.o.Format {
	case CSV, TSV:
		r.table = &table{}
		if err := r.table.findSeparator(r.text, r.o); err != nil {
			return err
		}
		r.in = r.table.lines(r.text)
		if err := r.table.readHeader(r); err != nil {
			return err
		}
		r.o.Details = r.o.Details || r.table.details
		r.found.Name, r.found.Column, r.found.Delimiter = visible(r.table.names[r.table.column]), r.table.column+1, r.table.separator
	case JSONLines, JSONArray:
		r.objects = &objects{}
		r.in = &lines{text: r.text}
		if r.o.Format == JSONArray {
			r.in = &elements{text: r.text}
		}
		rec, err := r.record()
		if err != nil {
			return err
		}
		rec.Raw = bytes.Clone(rec.Raw)
		r.first = &rec
		_, _, details := r.objects.cut(rec.Raw)
		r.o.Details = r.o.Details || details
		r.objects.adds = appends[r.o.Details]
		if err := r.objects.readFirst(rec, r.o.ID); err != nil {
			return err
		}
		r.found.Name = r.objects.name
	default:
		r.in = &lines{text: r.text}
	}
	return nil
}

// settle decides the output's format.
func (r *Reader) settle() error {
	if _, known := formats[r.o.Format]; !known {
		return lang.Errorf("there is no format %q", r.o.Format)
	}
	r.found.Format = r.o.Format
	if r.o.Output == "" {
		r.o.Output = r.o.Format.Output()
	}
	names := r.names()
	if r.sheet != nil {
		names = append(slices.Clone(r.sheet.names), make([]string, r.sheet.width-len(r.sheet.names))...)
		r.coding.out, r.coding.outMarked = cmp.Or(r.o.OutputEncoding, UTF8), r.o.OutputEncoding == UTF8BOM || r.o.OutputEncoding == "" && r.o.Output != JSONLines
	} else if r.o.Output == JSONLines && !r.o.Format.Fields() && r.o.OutputEncoding == "" {
		r.coding.out, r.coding.outMarked = UTF8, false
	}
	w := newWriter(r.o, r.coding, r.table, names)
	r.writer = &w
	return nil
}

// openWorkbook opens the sheet and reads its header.
func (r *Reader) openWorkbook(in io.Reader) (err error) {
	r.o.Format = XLSX
	if r.sheet, err = openSheet(in, r.o.Sheet); err == nil {
		err = r.sheet.findTable(&r.o)
	}
	if err != nil {
		return errors.Join(err, r.Close())
	}
	r.found.Sheet, r.found.Name, r.found.Column = r.sheet.name, visible(r.sheet.names[r.sheet.column]), r.sheet.column+1
	if r.sheet.titled {
		r.found.Header = r.sheet.header
	}
	return r.settle()
}

// Close releases resources, but does not close the file.
func (r *Reader) Close() error {
	if r.sheet == nil {
		return nil
	}
	return r.sheet.close()
}

// Found returns what was detected about the input.
func (r *Reader) Found() Found { return r.found }

// Name returns the name of the column or field of chat ids, or "" for plain lines.
func (r *Reader) Name() string { return r.found.Name }

// Output returns the output's format.
func (r *Reader) Output() Format { return r.o.Output }

// Details reports whether the output describes groups.
func (r *Reader) Details() bool { return r.o.Details }

// record reads the next record that is not blank.
func (r *Reader) record() (record, error) {
	if r.first != nil {
		rec := *r.first
		r.first = nil
		return rec, nil
	}
	for {
		rec, err := r.in.next()
		switch {
		case errors.Is(err, io.EOF) && r.objects != nil:
			return rec, r.objects.ended(r.rows)
		case errors.Is(err, io.EOF):
			return rec, io.EOF
		case err != nil:
			return rec, r.coding.placed(rec, err)
		case rec.Open:
			return rec, broken(rec.Line, "a quote that is opened here is never closed")
		}
		if err := r.coding.check(rec); err != nil {
			return rec, err
		}
		if r.blank(rec.Raw) {
			r.Skipped++
			continue
		}
		return rec, nil
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
func (r *Reader) Read() (Row, error) {
	if r.sheet != nil {
		row, err := r.sheet.read(r.converts)
		r.Skipped, r.found.Width = r.sheet.skipped, r.sheet.widest
		if err == nil && r.converts {
			row.Start = r.startOf(row.cells)
		}
		return row, err
	}
	rec, err := r.record()
	if err != nil {
		return Row{}, err
	}
	r.rows++
	row := Row{Line: rec.Line}
	var cell string
	switch {
	case r.table != nil:
		if cell, row.None, err = r.table.cell(&rec); err == nil {
			rec.Raw, row.Known, err = r.table.cut(rec)
		}
	case r.objects != nil:
		if raw, known, details := r.objects.cut(rec.Raw); !details || r.o.Details {
			rec.Raw, row.Known = raw, known
		}
		cell, row.Problem, err = r.objects.field(rec)
	default:
		cell = string(rec.Raw)
	}
	if err != nil {
		return row, err
	}
	row.Known = kept(row.Known)
	row.ChatID, row.Trimmed = CleanID(cell)
	row.Start, row.raw = r.start(rec, row)
	if r.o.Output == XLSX || r.converts {
		var cells []string
		switch cells, err = r.cells(row); {
		case err != nil:
		case r.converts:
			row.Start = r.startOf(cells)
		default:
			err = fitsSheet(row.Line, r.rows+1, cells)
		}
	}
	return row, err
}

// cells returns the cells of a row of a text table or of plain lines.
func (r *Reader) cells(row Row) ([]string, error) {
	if r.table != nil {
		return splitCells(record{Raw: row.raw, Line: row.Line}, r.table.separator)
	}
	return []string{row.ChatID}, nil
}

// names returns the columns of a text table; for plain lines, the output's.
func (r *Reader) names() []string {
	if r.table != nil {
		return r.table.names[:r.table.own]
	}
	return usualNames[:1]
}
