package xlsx

import (
	"archive/zip"
	"bufio"
	"errors"
	"io"
	"strings"
)

// Append writes the workbook with cells appended to the rows of a sheet: count cells from a column on, which is counted from
// 0. cells returns those of a row that r has just read, or nil, which leaves the row as it is; an empty one is not written.
// They replace existing cells, and get the format of the last cell before them in the row header.
func (b *Book) Append(w io.Writer, sheet string, column, count, header int, cells func(r *Rows, row Row) ([]string, error)) error {
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
		r, err := b.Rows(sheet)
		if err != nil {
			return err
		}
		r.copy = &rowCopy{out: bufio.NewWriterSize(into, 32<<10), column: column, count: count, header: header}
		if err := errors.Join(r.appendAll(cells), r.Close()); err != nil {
			return err
		}
	}
	return out.Close()
}

func (r *Rows) appendAll(cells func(r *Rows, row Row) ([]string, error)) error {
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, _ = r.copy.out.Write(r.copy.raw) // Flush returns the error
			if _, err := r.in.in.WriteTo(r.copy.out); err != nil {
				return damaged("%w", err)
			}
			return r.copy.out.Flush()
		}
		if err != nil {
			return err
		}
		appended, err := cells(r, row)
		if err != nil {
			return err
		}
		r.copy.write(row.Number, appended)
	}
}
