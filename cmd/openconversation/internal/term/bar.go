package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Line is the content of a progress bar. Texts follow the bar in order; on a narrow terminal the last is dropped first.
type Line struct {
	Done, Total int64 // Total is negative if unknown
	Texts       []string
}

// minBar is the bar's width below which texts are dropped, and maxBar its greatest width; in columns, brackets
// included.
const (
	minBar = 8
	maxBar = 26
)

// Fit formats the line in at most columns columns.
func (l Line) Fit(columns int) string {
	head := fmt.Sprint(l.Done)
	bar := 0
	if l.Total >= 0 {
		head = fmt.Sprintf("%3d%%", 100*min(l.Done, l.Total)/max(l.Total, 1))
		bar = minBar
	}
	rest := columns - uniseg.StringWidth(head)
	if bar > 0 {
		if rest < bar+1 {
			bar = 0
		} else {
			rest -= bar + 1
		}
	}
	var texts strings.Builder
	for i, text := range l.Texts {
		separator := ", "
		if i == 0 {
			separator = " "
		}
		if width := uniseg.StringWidth(separator + text); width <= rest {
			texts.WriteString(separator + text)
			rest -= width
			continue
		}
		break
	}
	if bar == 0 {
		return cut(head+texts.String(), columns)
	}
	bar += min(rest, maxBar-minBar)
	inner := bar - 2
	full := int(int64(inner) * min(l.Done, l.Total) / max(l.Total, 1))
	picture := strings.Repeat("=", full)
	if full < inner {
		picture += ">" + strings.Repeat(" ", inner-full-1)
	}
	return head + " [" + picture + "]" + texts.String()
}

func cut(text string, columns int) string {
	for len(text) > 0 && uniseg.StringWidth(text) > columns {
		text = text[:len(text)-1]
	}
	return strings.ToValidUTF8(text, "")
}

// Draw draws the line over the previous one. On a terminal narrower than reported, the excess is cut off and nothing
// scrolls.
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
