package rows

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Delimiters are the possible delimiters of CSV and TSV.
const Delimiters = ",;\t|"

var delimiterTitles = map[byte]lang.Format{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars"}

func delimiterTitle(separator byte) lang.Text {
	if title := delimiterTitles[separator]; title != "" {
		return lang.T(title)
	}
	return lang.T("%q", string(separator))
}

// grid yields the rows of a table that are not blank: of a text, or of a sheet.
type grid interface {
	// next returns the next row, valid until the one after. Its error after the last is io.EOF.
	next() (*cells, error)
}

// cells are a row of a table.
type cells struct {
	line  int
	texts []string

	rec  record // of a text
	ends []int  // where its cells end in the record

	hidden bool                       // of a sheet
	unsure func(column int) lang.Text // why a cell that is no text is no chat id; nil: all are texts
}

// from returns the texts from a column on.
func (c *cells) from(column int) []string { return c.texts[min(column, len(c.texts)):] }

// textGrid is the rows of a text.
type textGrid struct {
	record    func() (record, error)
	separator byte
	cells     cells
}

func (g *textGrid) next() (*cells, error) {
	rec, err := g.record()
	if err == nil {
		err = g.cells.split(rec, g.separator)
	}
	return &g.cells, err
}

// split splits a table's record into its cells, and notes where each ends.
func (c *cells) split(rec record, separator byte) error {
	c.line, c.rec, c.texts, c.ends = rec.Line, rec, c.texts[:0], c.ends[:0]
	all := string(rec.Raw)
	for at := 0; ; at++ {
		end, text := len(all), all[at:]
		if strings.HasPrefix(text, `"`) {
			switch end = at + closing(text); {
			case end < at && len(rec.Raw) > MaxRecord:
				return broken(rec.Line, "a quote is opened here, and not closed within 1 MiB")
			case end < at:
				return broken(rec.Line, "a quote that is opened here is never closed")
			}
			if end < len(all) && all[end] != separator {
				return misquoted(rec, end-1, "a quote that closes a cell is not followed by the separator; double the quotes within a cell")
			}
			text = strings.ReplaceAll(strings.ReplaceAll(all[at+1:end-1], `""`, `"`), "\r\n", "\n")
		} else {
			if n := strings.IndexByte(text, separator); n >= 0 {
				end, text = at+n, text[:n]
			}
			if n := strings.IndexByte(text, '"'); n >= 0 && !textFormula(text) {
				return misquoted(rec, at+n, "a quote stands within a cell that does not begin with one; write the cell in quotes, and its own quotes doubled")
			}
		}
		c.texts, c.ends = append(c.texts, text), append(c.ends, end)
		if end == len(all) {
			return nil
		}
		at = end
	}
}

// closing returns the length of a quoted cell, or -1 if it is not closed.
func closing(text string) int {
	for end := 1; ; {
		quote := strings.IndexByte(text[end:], '"')
		if quote < 0 {
			return -1
		}
		if end += quote + 1; end == len(text) || text[end] != '"' {
			return end
		}
		end++
	}
}

// textFormula reports whether a cell is like ="007", whose quotes many programs do not escape.
func textFormula(cell string) bool {
	inner, is := strings.CutPrefix(cell, `="`)
	inner, ends := strings.CutSuffix(inner, `"`)
	return is && ends && !strings.Contains(inner, `"`)
}

func misquoted(rec record, at int, why lang.Format) error {
	before := rec.Raw[:at]
	return broken(rec.Line+bytes.Count(before, []byte("\n")), "at byte %d: %s", at-bytes.LastIndexByte(before, '\n'), lang.T(why))
}

// appendQuoted appends a cell, in quotes if it needs them.
func appendQuoted(out []byte, cell string, separator byte) []byte {
	if strings.IndexByte(cell, separator) < 0 && !strings.ContainsAny(cell, "\"\r\n") && strings.TrimSpace(cell) == cell {
		return append(out, cell...)
	}
	out = append(out, '"')
	out = append(out, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(out, '"')
}

// separatorLine returns the separator named by a spreadsheet's first line sep=, or 0.
func separatorLine(line string) byte {
	line = strings.Trim(strings.TrimRight(line, "\r\n"), `"`)
	name, separator, is := strings.Cut(line, "=")
	if !is || !strings.EqualFold(name, "sep") || len(separator) != 1 || strings.ContainsAny(separator, "\"\r\n=") {
		return 0
	}
	return separator[0]
}

// firstRecord returns the cells of a text's first non-blank record, or nil if it is malformed.
func firstRecord(start string, separator byte) []string {
	list := &lines{in: bufio.NewReader(strings.NewReader(start)), table: true}
	for {
		rec, err := list.next()
		if err != nil {
			return nil
		}
		if len(bytes.TrimSpace(rec.Raw)) == 0 {
			continue
		}
		var c cells
		if c.split(rec, separator) != nil {
			return nil
		}
		return c.texts
	}
}
