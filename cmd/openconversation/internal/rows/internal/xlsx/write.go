package xlsx

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
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
		r.in.keeps = true
		r.copy = &rowCopy{in: r.in, out: bufio.NewWriterSize(into, 32<<10), column: column, count: count, header: header}
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
			_, _ = r.copy.out.Write(r.in.kept) // Flush returns the error
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

const (
	declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	spreadsheet = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	relations   = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + office
	office      = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	contentType = `ContentType="application/vnd.openxmlformats-`
)

// fresh are the parts of a workbook with one sheet, which comes last. The formats it needs are the built-in ones.
var fresh = []struct{ name, text string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ` + contentType + `package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ` + contentType + `officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ` + contentType + `officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", relations + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook ` + spreadsheet + ` xmlns:r="` + office + `"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", relations + `/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
	{"xl/worksheets/sheet1.xml", `<worksheet ` + spreadsheet + `><sheetData>`},
}

// Writer makes a new workbook with one sheet of text cells. It keeps none of its rows.
type Writer struct {
	zip  *zip.Writer
	out  *bufio.Writer
	rows int
	cell []byte
}

// New starts a workbook.
func New(w io.Writer) (*Writer, error) {
	made := &Writer{zip: zip.NewWriter(w)}
	for _, part := range fresh {
		into, err := made.zip.Create(part.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(into, declaration+part.text); err != nil {
			return nil, err
		}
		made.out = bufio.NewWriterSize(into, 32<<10)
	}
	return made, nil
}

// Write writes a row, and cuts texts to the capacity of a cell.
func (w *Writer) Write(cells []string) error {
	if w.rows++; w.rows > MaxRows {
		return lang.Errorf("a sheet holds %d rows", MaxRows)
	}
	fmt.Fprintf(w.out, `<row r="%d">`, w.rows)
	for i, cell := range cells {
		if cell != "" {
			w.cell = appendCell(w.cell[:0], "", i, w.rows, "", cell)
			_, _ = w.out.Write(w.cell)
		}
	}
	_, err := w.out.WriteString("</row>")
	return err
}

// Close finishes the workbook.
func (w *Writer) Close() error {
	_, err := w.out.WriteString("</sheetData></worksheet>")
	return errors.Join(err, w.out.Flush(), w.zip.Close())
}
