package term

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Fact is a line of a table: what is known, and its value.
type Fact struct {
	Name  lang.Format
	Value any
}

// Table is facts below each other.
type Table []Fact

// Say implements lang.Said.
func (t Table) Say(l lang.Language) string {
	width := 0
	for _, fact := range t {
		width = max(width, uniseg.StringWidth(l.Sprintf(fact.Name)))
	}
	var b strings.Builder
	for _, fact := range t {
		b.WriteString(Pad(l.Sprintf(fact.Name), width+2) + l.Of(fact.Value) + "\n")
	}
	return b.String()
}

// Pad fills a text with blanks up to so many columns. A Chinese character takes two.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-uniseg.StringWidth(text), 0))
}

// Columns are rows of cells below each other, two blanks apart; the last cell of a row is as long as it is.
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
