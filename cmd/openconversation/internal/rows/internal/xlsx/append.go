package xlsx

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Append writes the workbook with cells appended to the rows of a sheet from a column (counted from 0) on. cells
// returns a row's cells; empty ones are not written. They replace existing cells that have only a format.
func (b *Book) Append(w io.Writer, sheet string, column, header int, cells func(row int) ([]string, error)) error {
	part := b.find(b.part(sheet))
	out := zip.NewWriter(w)
	for _, f := range b.zip.File {
		if strings.HasSuffix(f.Name, "/") { // a folder, which a workbook does not need; some have content that cannot be copied
			continue
		}
		if f != part {
			if err := out.Copy(f); err != nil {
				return err
			}
			continue
		}
		into, err := out.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: f.Modified})
		if err != nil {
			return err
		}
		from, err := b.open(f.Name)
		if err != nil {
			return err
		}
		a := &appending{in: newMarkup(from), out: &errWriter{w: into}, column: column, header: header, cells: cells}
		if err := errors.Join(a.run(), from.Close()); err != nil {
			return err
		}
	}
	return out.Close()
}

// errWriter keeps the first error.
type errWriter struct {
	w   io.Writer
	err error
	buf []byte
}

func (w *errWriter) write(p []byte) {
	if w.buf = append(w.buf, p...); len(w.buf) >= 32<<10 {
		w.flush()
	}
}

func (w *errWriter) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

type appending struct {
	in     *markup
	out    *errWriter
	column int // of the first appended cell
	header int // row whose last cell has the format for appended cells
	cells  func(row int) ([]string, error)

	style string // of the last cell before the appended ones
	buf   []byte
}

func (a *appending) run() error {
	row := 0
	for inRows := false; ; {
		t, err := a.in.next()
		if err != nil {
			return unexpected(err)
		}
		switch {
		case t.kind == content || t.kind == literal || t.kind == other:
		case !inRows && t.name() == "dimension":
			a.out.write(a.dimension(t))
			continue
		case t.name() == "sheetData":
			if inRows = t.kind == opening; !inRows {
				a.out.write(t.raw)
				a.out.flush()
				if a.out.err == nil {
					_, a.out.err = a.in.in.WriteTo(a.out.w)
				}
				return a.out.err
			}
		case inRows && t.name() == "row" && t.kind != closing:
			if row, err = rowNumber(t, row); err != nil {
				return err
			}
			if err := a.row(t, row); err != nil {
				return err
			}
			continue
		}
		if a.out.write(t.raw); a.out.err != nil {
			return a.out.err
		}
	}
}

// dimension extends the sheet's dimension. Readers that rely on it would skip the appended cells.
func (a *appending) dimension(t token) []byte {
	ref, _, to, has := t.attribute("ref")
	begin, end, is := strings.Cut(string(ref), ":")
	if !is {
		end = begin
	}
	digits := strings.IndexAny(end, "0123456789")
	if !has || digits < 1 {
		return t.raw
	}
	widest := columnName(a.column + 2)
	if letters := end[:digits]; len(letters) > len(widest) || len(letters) == len(widest) && letters > widest {
		widest = letters
	}
	from := to - 1 - len(ref)
	return []byte(string(t.raw[:from]) + begin + ":" + widest + end[digits:] + string(t.raw[to-1:]))
}

func columnName(column int) string {
	name := ""
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// row copies a row and appends its cells.
func (a *appending) row(t token, number int) error {
	cells, err := a.cells(number)
	if err != nil {
		return err
	}
	prefix := t.prefix()
	raw := t.raw
	if _, from, to, has := t.attribute("spans"); has { // an optional hint at the columns, wrong by now
		raw = append(append([]byte(nil), raw[:from]...), raw[to:]...)
	}
	if t.kind == empty {
		if len(cells) == 0 {
			a.out.write(raw)
			return nil
		}
		a.out.write(append([]byte(strings.TrimSuffix(string(raw), "/>")), '>'))
		a.put(prefix, number, cells)
		a.out.write([]byte("</" + prefix + "row>"))
		return nil
	}
	a.out.write(raw)
	last, done, skipping := -1, false, false
	for {
		t, err := a.in.next()
		if err != nil {
			return unexpected(err)
		}
		tag := t.kind == opening || t.kind == empty || t.kind == closing
		switch {
		case tag && t.name() == "row":
			if !done {
				a.put(prefix, number, cells)
			}
			a.out.write(t.raw)
			return a.out.err
		case tag && t.kind != closing && t.name() == "c":
			if last, err = cellColumn(t, last); err != nil {
				return err
			}
			switch {
			case last < a.column:
				if style, _, _, has := t.attribute("s"); has && number == a.header {
					a.style = string(style)
				}
			case last < a.column+len(cells):
				skipping = t.kind == opening
				continue
			case !done:
				a.put(prefix, number, cells)
				done = true
			}
		}
		if !skipping {
			a.out.write(t.raw)
		}
		if skipping && t.kind == closing && t.name() == "c" {
			skipping = false
		}
	}
}

// put writes the appended cells.
func (a *appending) put(prefix string, number int, cells []string) {
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		a.buf = fmt.Appendf(a.buf[:0], `<%[1]sc r="%[2]s%[3]s"`, prefix, columnName(a.column+i), strconv.Itoa(number))
		if number == a.header && a.style != "" {
			a.buf = fmt.Appendf(a.buf, ` s="%s"`, a.style)
		}
		a.buf = fmt.Appendf(a.buf, ` t="inlineStr"><%[1]sis><%[1]st xml:space="preserve">`, prefix)
		a.buf = appendEscaped(a.buf, Cut(cell))
		a.buf = fmt.Appendf(a.buf, "</%[1]st></%[1]sis></%[1]sc>", prefix)
		a.out.write(a.buf)
	}
}
