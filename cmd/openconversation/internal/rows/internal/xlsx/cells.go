package xlsx

import (
	"bufio"
	"fmt"
	"strings"
	"unicode/utf16"
)

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

// rowCopy has the markup of a row, and of what is before it.
type rowCopy struct {
	out                   *bufio.Writer
	column, count, header int    // see Append
	style                 string // of the row's last cell before the appended ones

	raw      []byte
	tag      token // the row's
	start    int   // of the row's tag in raw
	from, to int   // of the cells in the appended ones' columns
	cell     []byte
}

// begin notes the row's tag, which is the last token of raw.
func (c *rowCopy) begin(t token) {
	if c != nil {
		c.tag, c.start = token{t.kind, append(c.tag.raw[:0], t.raw...)}, len(c.raw)-len(t.raw)
		c.from, c.to, c.style = -1, -1, ""
	}
}

// at notes where a column's cell begins: at the last token of raw.
func (c *rowCopy) at(t token, column int) {
	if c == nil {
		return
	}
	if style, _, _, has := t.attribute("s"); has && column < c.column {
		c.style = string(style)
	}
	if c.from < 0 && column >= c.column {
		c.from = len(c.raw) - len(t.raw)
	}
	if c.to < 0 && column >= c.column+c.count {
		c.to = len(c.raw) - len(t.raw)
	}
}

// extend extends the sheet's dimension, the last token of raw. Readers that rely on it would skip the appended cells.
func (c *rowCopy) extend(t token) {
	ref, _, to, has := t.attribute("ref")
	begin, end, is := strings.Cut(string(ref), ":")
	if !is {
		end = begin
	}
	digits := strings.IndexAny(end, "0123456789")
	if !has || digits < 1 {
		return
	}
	widest := columnName(c.column + c.count - 1)
	if letters := end[:digits]; len(letters) > len(widest) || len(letters) == len(widest) && letters > widest {
		widest = letters
	}
	raw := string(t.raw)
	c.raw = fmt.Appendf(c.raw[:len(c.raw)-len(raw)], "%s%s:%s%s%s", raw[:to-1-len(ref)], begin, widest, end[digits:], raw[to-1:])
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
	defer func() { c.raw = c.raw[:0] }()
	put := func(raw []byte) { _, _ = c.out.Write(raw) } // Flush returns the error
	if len(cells) == 0 {
		put(c.raw)
		return
	}
	put(c.raw[:c.start])
	tag := c.tag.raw
	prefix, _ := c.tag.tag()
	if _, from, to, has := c.tag.attribute("spans"); has { // an optional hint at the columns, wrong by now
		tag = append(tag[:from], tag[to:]...)
	}
	begin, rest := tag, c.raw[c.start:]
	if c.tag.kind == empty {
		begin = append(tag[:len(tag)-len("/>")], '>')
	}
	put(begin)
	if c.tag.kind != empty {
		put(c.raw[c.start+len(c.tag.raw) : c.from])
		rest = c.raw[c.to:]
	}
	style := ""
	if number == c.header {
		style = c.style
	}
	for i, cell := range cells {
		if cell != "" {
			c.cell = appendCell(c.cell[:0], prefix, c.column+i, number, style, cell)
			put(c.cell)
		}
	}
	if c.tag.kind == empty {
		rest = []byte("</" + prefix + "row>")
	}
	put(rest)
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
