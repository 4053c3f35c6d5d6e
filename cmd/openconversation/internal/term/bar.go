package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Line is what a bar shows. Texts are in the order in which they stand behind it; what is last is dropped first where
// the terminal is too narrow.
type Line struct {
	Done, Total int64 // Total is negative if it is not known
	Texts       []string
}

// minBar is how narrow the bar itself may become before texts are dropped, and maxBar how wide it grows; in columns,
// its brackets included.
const (
	minBar = 8
	maxBar = 26
)

// Fit is the line in at most so many columns.
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

// Draw draws the line over the last one that it drew. Where the terminal turns out to be narrower than it said, what is
// beyond its edge is lost, and nothing scrolls.
func (w *World) Draw(l Line) {
	columns := w.At(w.Err)
	if columns == 0 {
		columns = defaultColumns
	}
	// A terminal that has just been made narrower may still be told otherwise: without wrapping the line stays one.
	fmt.Fprint(w.Err, "\r\x1b[?7l"+l.Fit(columns-1)+"\x1b[K\x1b[?7h")
}

// Every calls f again and again until stop is called, and not after that.
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
