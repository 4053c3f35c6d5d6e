package term

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Line is the content of a progress bar. Texts follow the bar in order; on a narrow terminal the last is dropped first.
type Line struct {
	Done, Total int64 // Total is negative if unknown
	Texts       []string
}

// minBar is the bar's width below which texts are dropped, and maxBar its greatest width; in columns, brackets included.
const (
	minBar = 8
	maxBar = 26
)

// Fit formats the line in at most columns columns.
func (l Line) Fit(columns int) string {
	head, bar := fmt.Sprint(l.Done), 0
	if l.Total >= 0 {
		head = fmt.Sprintf("%3d%%", 100*min(l.Done, l.Total)/max(l.Total, 1))
		if columns > len(head)+minBar {
			bar = minBar + 1
		}
	}
	rest, texts, comma := columns-len(head)-bar, "", " "
	for _, text := range l.Texts {
		text, comma = comma+text, ", "
		if rest < uniseg.StringWidth(text) {
			break
		}
		rest, texts = rest-uniseg.StringWidth(text), texts+text
	}
	if bar == 0 {
		return head + texts
	}
	inner := minBar + min(rest, maxBar-minBar) - len("[]")
	full := int(int64(inner) * min(l.Done, l.Total) / max(l.Total, 1))
	picture := strings.Repeat("=", full)
	if full < inner {
		picture += ">" + strings.Repeat(" ", inner-full-1)
	}
	return head + " [" + picture + "]" + texts
}

// Draw draws the line over the previous one. On a terminal narrower than reported, the excess is cut off and nothing scrolls.
func (w *World) Draw(l Line) {
	columns := w.At(w.Err)
	if columns == 0 {
		columns = defaultColumns
	}
	// The terminal may have become narrower since: with wrapping off, the line stays one line.
	fmt.Fprint(w.Err, "\r\x1b[?7l"+l.Fit(columns-1)+"\x1b[K\x1b[?7h")
}

// Every calls f at an interval until stop is called, and never afterwards.
func Every(d time.Duration, f func()) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}

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
	rows := make([][]string, len(t))
	for i, fact := range t {
		rows[i] = []string{l.Sprintf(fact.name), l.Of(fact.value)}
	}
	return Columns(rows)
}

// Pad pads a text with spaces to a number of columns. A Chinese character takes two.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-uniseg.StringWidth(text), 0))
}

// Columns aligns the cells of rows, two spaces apart.
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
		line := ""
		for i, cell := range row {
			line += Pad(cell, widths[i]+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// MaxWidth is how many columns the command's texts take.
const MaxWidth = 80

// wrap breaks a text into lines of so many columns, between words and between Chinese characters.
func wrap(text string, columns int) (lines []string) {
	line, word, state := "", "", -1
	for text != "" {
		var segment string
		segment, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		word += segment
		last, _ := utf8.DecodeLastRuneInString(word)
		next, _ := utf8.DecodeRuneInString(text)
		if text != "" && !unicode.IsSpace(last) && last < wide && next < wide { // within a flag or a URL
			continue
		}
		if line != "" && uniseg.StringWidth(strings.TrimRight(line+word, " \n")) > columns {
			lines, line = append(lines, strings.TrimRight(line, " ")), ""
		}
		line, word = line+word, ""
		if rest, ends := strings.CutSuffix(line, "\n"); ends {
			lines, line = append(lines, strings.TrimRight(rest, " ")), ""
		}
	}
	if line != "" {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// wide is the first character of the scripts that are written without blanks, and their punctuation.
const wide = 0x2000

// Beside puts a text beside a name, in lines of at most MaxWidth columns that begin in a column. A long name has a line alone.
func Beside(name, text string, column int) string {
	lines := wrap(text, MaxWidth-column)
	if len(lines) == 0 || uniseg.StringWidth(name) >= column {
		lines = append([]string{""}, lines...)
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.TrimRight(Pad(name, column)+line, " ") + "\n")
		name = ""
	}
	return b.String()
}
