package run

import (
	"fmt"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

const (
	plainEvery = 10 * time.Second       // interval of progress lines
	barEvery   = 200 * time.Millisecond // interval of redrawing the bar
)

// progress is the progress of a run, or of reading its input through.
type progress struct {
	reading             lang.Said // the input; nil: a run
	done, before, total int64     // before: done at the start; total: -1 if unknown
	what                func(int64) lang.Text
	took                time.Duration
	calls, throttled    int64
	stopping            bool
}

// show shows progress, as a bar or as lines, until hide is called.
func (o *options) show(w *term.World, now func() progress) (hide func()) {
	mode := o.progress
	if mode == "auto" {
		mode = "plain"
		if w.At(w.Err) > 0 {
			mode = "bar"
		}
	}
	switch mode {
	case "plain":
		return term.Every(plainEvery, func() { w.Note("%s", now().text()) })
	case "none":
		return func() {}
	}
	run, drawn := now().reading == nil, false
	draw := func() { w.Draw(now().bar(w.Lang)); drawn = true }
	if run {
		draw()
	}
	stop := term.Every(barEvery, draw)
	return func() {
		if stop(); run {
			draw()
		}
		if drawn {
			fmt.Fprintln(w.Err)
		}
	}
}

// rate returns rows a second, and the remaining time at that rate; 0 if unknown.
func (p progress) rate() (rate float64, left time.Duration) {
	rate = float64(p.done-p.before) / max(p.took.Seconds(), 1e-9)
	if p.total >= 0 && rate > 0 {
		left = time.Duration(float64(p.total-p.done) / rate * float64(time.Second)).Round(time.Second)
	}
	return rate, left
}

// text returns the progress as a line of plain text.
func (p progress) text() lang.Said {
	if p.reading != nil {
		return lang.T("reading %s: %s", p.reading, p.what(p.done))
	}
	rate, left := p.rate()
	rows := p.what(p.done)
	if p.total >= 0 {
		rows = lang.T("%d of %s", p.done, p.what(p.total))
	}
	parts := []lang.Said{rows, lang.T("%.1f/s", rate)}
	if left > 0 {
		parts = append(parts, lang.T("about %s left", left))
	}
	return lang.Join(", ", append(parts, lang.T("%d throttled", p.throttled), explain.Calls(p.calls))...)
}

// bar returns the progress as a bar. For a continued run, it covers the remaining rows.
func (p progress) bar(l lang.Language) term.Line {
	if p.reading != nil {
		return term.Line{Done: p.done, Total: -1, Texts: []string{p.text().Say(l)}}
	}
	rate, left := p.rate()
	line := term.Line{Done: p.done - p.before, Total: p.total}
	count := fmt.Sprint(line.Done)
	if p.total >= 0 {
		line.Total -= p.before
		count = fmt.Sprintf("%d/%d", line.Done, line.Total)
	}
	if p.stopping {
		line.Texts = append(line.Texts, l.Sprintf("stopping"))
	}
	line.Texts = append(line.Texts, count)
	if left > 0 {
		line.Texts = append(line.Texts, l.Sprintf("%s left", left))
	}
	line.Texts = append(line.Texts, l.Sprintf("%.1f rows/s", rate), explain.Calls(p.calls).Say(l), l.Sprintf("%d throttled", p.throttled))
	return line
}
