package xlsx

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf16"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
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

// The limits of a sheet.
const (
	MaxRows    = 1 << 20
	MaxColumns = 1 << 14
	MaxText    = 32767 // of a cell, in UTF-16 units
)

// Cut cuts a text to the capacity of a cell.
func Cut(text string) string {
	if len(text) <= MaxText {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > MaxText {
			return text[:i]
		}
	}
	return text
}

// rowCopy notes where the appended cells go in the markup that is kept: a row's, and what is before it.
type rowCopy struct {
	in                    *markup
	out                   *bufio.Writer
	column, count, header int    // see Append
	style                 string // of the row's last cell before the appended ones

	prefix      string // of the row's tag, with a colon
	start, head int    // of the row's tag: where it begins and ends
	from, to    int    // of the cells in the appended ones' columns
	cell        []byte
}

// begin notes the row's tag, which was just read.
func (c *rowCopy) begin(t xml.StartElement, raw []byte) {
	if c != nil {
		c.start, c.head = len(c.in.kept)-len(raw), len(c.in.kept)
		c.from, c.to, c.style, c.prefix = -1, -1, "", ""
		if t.Name.Space != "" {
			c.prefix = t.Name.Space + ":"
		}
	}
}

// at notes a column's cell, whose tag was just read.
func (c *rowCopy) at(raw []byte, column int, style string) {
	if c == nil {
		return
	}
	if style != "" && column < c.column {
		c.style = style
	}
	if c.from < 0 && column >= c.column {
		c.from = len(c.in.kept) - len(raw)
	}
	if c.to < 0 && column >= c.column+c.count {
		c.to = len(c.in.kept) - len(raw)
	}
}

var (
	area  = regexp.MustCompile(`\bref\s*=\s*["']([A-Z]+)([0-9]+)(?::([A-Z]+)([0-9]+))?["']`)
	spans = regexp.MustCompile(`\sspans\s*=\s*("[^"]*"|'[^']*')`)
)

// extend extends the sheet's dimension, whose tag was just read. Readers that rely on it would skip the appended cells.
func (c *rowCopy) extend(raw []byte) {
	tag := area.ReplaceAllStringFunc(string(raw), func(ref string) string {
		at := area.FindStringSubmatch(ref)
		letters, digits := cmp.Or(at[3], at[1]), cmp.Or(at[4], at[2])
		if widest := columnName(c.column + c.count - 1); len(letters) < len(widest) || len(letters) == len(widest) && letters < widest {
			letters = widest
		}
		return fmt.Sprintf(`ref="%s%s:%s%s"`, at[1], at[2], letters, digits)
	})
	c.in.kept = append(c.in.kept[:len(c.in.kept)-len(raw)], tag...)
}

func columnName(column int) string {
	name := ""
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// write writes the row with appended cells, and what is before it.
func (c *rowCopy) write(number int, cells []string) {
	raw := c.in.kept
	c.in.kept = raw[:0]
	put := func(raw []byte) { _, _ = c.out.Write(raw) } // Flush returns the error
	if len(cells) == 0 {
		put(raw)
		return
	}
	put(raw[:c.start])
	tag, closed := bytes.CutSuffix(spans.ReplaceAll(raw[c.start:c.head], nil), []byte("/>")) // spans are a hint at the columns, wrong by now
	put(tag)
	if closed {
		put([]byte(">"))
	}
	put(raw[c.head:c.from])
	style := ""
	if number == c.header {
		style = c.style
	}
	for i, cell := range cells {
		if cell != "" {
			c.cell = appendCell(c.cell[:0], c.prefix, c.column+i, number, style, cell)
			put(c.cell)
		}
	}
	put(raw[c.to:])
	if closed {
		put([]byte("</" + c.prefix + "row>"))
	}
}

// appendCell appends the markup of a text cell.
func appendCell(dst []byte, prefix string, column, row int, style, text string) []byte {
	dst = fmt.Appendf(dst, `<%sc r="%s%d"`, prefix, columnName(column), row)
	if style != "" {
		dst = fmt.Appendf(dst, ` s="%s"`, style)
	}
	dst = fmt.Appendf(dst, ` t="inlineStr"><%[1]sis><%[1]st xml:space="preserve">`, prefix)
	dst = appendEscaped(dst, Cut(text))
	return fmt.Appendf(dst, "</%[1]st></%[1]sis></%[1]sc>", prefix)
}
