package xlsx

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
)

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
		return fault("a sheet holds %d rows", MaxRows)
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
