package rows

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// Old reads a complete output, also one that a spreadsheet program has saved again. Its rows are compared with the
// input's cell by cell, in their order.
type Old struct {
	in     *Reader
	cells  func() (cells []string, line int, err error) // of the next row; a table
	object func() (record, error)                       // the next row otherwise
	close  func() error
	width  int // of the input's columns
	shard  Shard
	// other is what its bytes may also be: few characters of GBK are UTF-8 by chance. It is empty otherwise.
	other Encoding
}

// Old opens a complete output of a shard of the input of r. It is found out how it separates its cells and encodes its
// text now. An *Error says that it is no output for this input.
func (r *Reader) Old(old io.ReadSeeker, shard Shard) (*Old, error) {
	if r.sheet != nil {
		r.sheet.keepCells = true
	}
	o := &Old{in: r, close: func() error { return nil }, width: len(r.names()), shard: shard}
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
	case err != nil || r.coding.out.Width() > 1: // as it was written
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

// Close lets go of what it holds, but not of the file.
func (o *Old) Close() error { return o.close() }

func (o *Old) wants() []string {
	return append(slices.Clone(o.in.names()), o.in.adds.columns...)
}

// otherwise is what cells are in the other encoding that their bytes may be of; nil if they are not.
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

// sameHeader is whether names are the input's columns and the appended ones. Empty columns may follow.
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

// nextCells are the cells of the next row of the shard. A workbook has the others too.
func (o *Old) nextCells() (cells []string, line int, err error) {
	for {
		cells, line, err = o.cells()
		if err != nil || o.in.sheet == nil {
			return cells, line, err
		}
		if id, _ := CleanID(cellAt(cells, o.in.sheet.column)); o.shard.has(id) {
			return cells, line, nil
		}
	}
}

func cellAt(cells []string, column int) string {
	if column < len(cells) {
		return cells[column]
	}
	return ""
}

// Next is the result of the old row of an input's row, which is the next of either in the shard. The error is io.EOF where the old
// output has fewer rows, and an *Error with the first cell that differs where the row is another.
func (o *Old) Next(row Row) (Result, error) {
	if o.object != nil {
		return o.nextObject(row)
	}
	old, line, err := o.nextCells()
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

// readBack is a cell as it is read back.
func readBack(cell []byte) string {
	cells, err := splitCells(record{Raw: cell}, ',')
	if err != nil || len(cells) != 1 {
		return string(cell)
	}
	return cells[0]
}

// sameCell is whether two cells are the same but for what saving a file again changes: line ends within them.
func sameCell(a, b string) bool {
	return a == b || lineEnds.Replace(a) == lineEnds.Replace(b)
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// End is nil if the old output has no more rows, and an *Error otherwise.
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
		_, line, err = o.nextCells()
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return broken(line, "it holds more rows than the input")
}
