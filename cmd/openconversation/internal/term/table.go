package term

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Table is a list of facts, one a line.
type Table []fact

// fact is a name with its value.
type fact struct {
	name  lang.Format
	value any
}

// With returns the table with one more fact.
func (t Table) With(name lang.Format, value any) Table { return append(t, fact{name, value}) }

// Say implements lang.Said.
func (t Table) Say(l lang.Language) string {
	width := 0
	for _, fact := range t {
		width = max(width, uniseg.StringWidth(l.Sprintf(fact.name)))
	}
	var b strings.Builder
	for _, fact := range t {
		b.WriteString(Pad(l.Sprintf(fact.name), width+2) + l.Of(fact.value) + "\n")
	}
	return b.String()
}

// Pad pads a text with spaces to a number of columns. A Chinese character takes two.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-uniseg.StringWidth(text), 0))
}

// Columns aligns the cells of rows, two spaces apart; the last cell of a row is not padded.
func Columns(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		end := len(row) - 1
		for i, cell := range row[:end] {
			b.WriteString(Pad(cell, widths[i]+2))
		}
		b.WriteString(row[end] + "\n")
	}
	return b.String()
}

// Width is how many columns the command's texts take.
const Width = 100

// Wrap breaks a text into lines of so many columns, where Unicode allows it: between words, and between Chinese characters.
func Wrap(text string, columns int) (lines []string) {
	line, state := "", -1
	for text != "" {
		var segment string
		segment, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		if line != "" && uniseg.StringWidth(strings.TrimRight(line+segment, " \n")) > columns {
			lines, line = append(lines, strings.TrimRight(line, " ")), ""
		}
		line += segment
		if rest, ends := strings.CutSuffix(line, "\n"); ends {
			lines, line = append(lines, strings.TrimRight(rest, " ")), ""
		}
	}
	if line != "" {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// Beside puts a text beside a name, in lines of at most Width columns that begin in a column. A long name has a line alone.
func Beside(name, text string, column int) string {
	var b strings.Builder
	lines := Wrap(text, Width-column)
	if uniseg.StringWidth(name) > column-2 {
		b.WriteString(strings.TrimRight(name, " ") + "\n")
		name = ""
	}
	for i, line := range lines {
		if i > 0 {
			name = ""
		}
		b.WriteString(Pad(name, column) + line + "\n")
	}
	if len(lines) == 0 && name != "" {
		b.WriteString(strings.TrimRight(name, " ") + "\n")
	}
	return b.String()
}
