package rows

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// Old reads a complete output, even one saved again by a spreadsheet program. It compares its rows with the input's
// cell by cell, in order.
type Old struct {
	in     *Reader
	cells  func() (cells []string, line int, err error) // reads the next row of a table
	object func() (record, error)                       // reads the next row of other formats
	close  func() error
	width  int // number of the input's columns
	// other is a second possible encoding: a short GBK text may be UTF-8 by chance. It is empty otherwise.
	other Encoding
}

// Old opens a complete output of r's input, and detects its separator and encoding. It returns an *Error if
// the output does not belong to this input.
func (r *Reader) Old(old io.ReadSeeker) (*Old, error) {
	if r.sheet != nil {
		r.sheet.keepCells = true
	}
	o := &Old{in: r, close: func() error { return nil }, width: len(r.names())}
	if r.o.Output == XLSX {
		return o, o.openWorkbook(old)
	}
	e, err := detectEncoding(old)
	if err != nil && !errors.As(err, new(*Error)) {
		return nil, err
	}
	if _, err := old.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := newText(old)
	switch _, marked := startEncoding(t.start()); {
	case marked:
		t.skip(len(e.Mark()))
	case err != nil || r.coding.out.Width() > 1: // unchanged since it was written
		e = r.coding.out
	case e.Plain() && !r.coding.out.Plain():
		o.other = r.coding.out
	}
	t.encoding = e
	switch r.o.Output {
	case JSONLines:
		list := &lines{text: t, objects: true, limit: maxWritten}
		o.object = list.next
		return o, nil
	case JSONArray:
		list := &elements{text: t, limit: maxWritten}
		o.object = list.next
		return o, nil
	}
	return o, o.openTable(t)
}

// Close releases resources, but does not close the file.
func (o *Old) Close() error { return o.close() }

func (o *Old) wants() []string {
	return append(slices.Clone(o.in.names()), o.in.adds.columns...)
}

// otherwise decodes cells in the other possible encoding; nil if that fails.
func (o *Old) otherwise(cells ...string) []string {
	if o.other == "" {
		return nil
	}
	decoded := make([]string, len(cells))
	for i, cell := range cells {
		text, rest, err := charset.Decode(o.other, nil, []byte(cell))
		if err != nil || rest > 0 {
			return nil
		}
		decoded[i] = string(text)
	}
	return decoded
}

// sameHeader reports whether names are the input's columns and the appended ones. Empty columns may follow.
func (o *Old) sameHeader(names []string) bool {
	return o.isHeader(names) || o.isHeader(o.otherwise(names...))
}

func (o *Old) isHeader(names []string) bool {
	for i, name := range o.wants() {
		if i >= len(names) || folded(names[i]) != folded(name) {
			return false
		}
	}
	return blank(strings.Join(names[len(o.wants()):], ""))
}

func (o *Old) openTable(t *text) error {
	ahead := string(t.ahead(func([]byte) bool { return false }))
	if first, rest, _ := strings.Cut(ahead, "\n"); separatorLine(first) != 0 {
		if _, _, err := t.part(); err != nil {
			return err
		}
		ahead = rest
	}
	separators := append([]byte(Delimiters), o.in.separator)
	at := slices.IndexFunc(separators, func(separator byte) bool { return o.sameHeader(firstRecord(ahead, separator)) })
	if at < 0 {
		return errOtherOld
	}
	separator := separators[at]
	list := &lines{text: t, separator: separator, limit: maxWritten}
	o.cells = func() ([]string, int, error) {
		for {
			rec, err := list.next()
			if err != nil {
				return nil, rec.Line, err
			}
			cells, err := splitCells(rec, separator)
			if err != nil || !blank(strings.Join(cells, "")) {
				return cells, rec.Line, err
			}
		}
	}
	_, _, err := o.cells()
	return err
}

func (o *Old) openWorkbook(old io.ReadSeeker) error {
	sheet, err := openSheet(old, o.in.found.Sheet)
	o.close = sheet.close
	var wrong *Error
	if errors.As(err, &wrong) && wrong.Part == PartSheet {
		return errOtherOld
	}
	if err != nil {
		return err
	}
	o.cells = sheet.cells
	names, _, err := o.cells()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !o.sameHeader(names) {
		return errOtherOld
	}
	return nil
}

var errOtherOld = broken(1, "its header is not that of an output for this input")

// Next returns the old result of row, which must be the next row. It returns io.EOF if the old output has
// fewer rows, and an *Error with the first different cell if the old row is another.
func (o *Old) Next(row Row) (Result, error) {
	if o.object != nil {
		return o.nextObject(row)
	}
	old, line, err := o.cells()
	if err != nil {
		return Result{}, err
	}
	cells, err := o.in.Cells(row)
	if err != nil {
		return Result{}, err
	}
	if o.in.o.Format == Lines {
		cells = []string{readBack(appendCell(nil, cells[0], 0))}
	}
	old = append(old, make([]string, max(0, o.width+len(o.in.adds.columns)-len(old)))...)
	if other := o.otherwise(old...); other != nil && !slices.EqualFunc(old[:len(cells)], cells, sameCell) {
		old = other
	}
	for i, cell := range cells {
		if sameCell(old[i], cell) {
			continue
		}
		return Result{}, broken(line, "it is of another row than the input's line %d: column %d is %.60q, and the input has %.60q", row.Line, i+1, old[i], cell)
	}
	result := old[o.width:]
	if rest := strings.Join(result[len(o.in.adds.columns):], ""); !blank(rest) {
		return Result{}, broken(line, "it has %s, and the header has %d", columns(len(old)), o.width+len(o.in.adds.columns))
	}
	return o.in.adds.result(result), nil
}

// readBack returns a cell as it is read back.
func readBack(cell []byte) string {
	cells, err := splitCells(record{Raw: cell}, ',')
	if err != nil || len(cells) != 1 {
		return string(cell)
	}
	return cells[0]
}

// sameCell reports whether two cells are equal apart from line ends, which programs change when saving.
func sameCell(a, b string) bool {
	return a == b || lineEnds.Replace(a) == lineEnds.Replace(b)
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// End returns an *Error if the old output has more rows.
func (o *Old) End() error {
	var line int
	var err error
	if o.object != nil {
		var rec record
		for err == nil && len(bytes.TrimSpace(rec.Raw)) == 0 {
			rec, err = o.object()
		}
		line = rec.Line
	} else {
		_, line, err = o.cells()
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return broken(line, "it holds more rows than the input")
}
