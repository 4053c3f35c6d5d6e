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

// progress is the progress of a run.
type progress struct {
	done, before, total int64 // before: done at the start; total: -1 if unknown
	what                func(int64) lang.Text
	took                time.Duration
	calls, throttled    int64
	stopping            bool
}

// showProgress shows a run's progress until hide is called.
func showProgress(r *rowRun, e *engine) (hide func()) {
	mode := progressMode(r.world, r.o)
	before, total, what := r.sink.progress()
	now := func() progress {
		done, _, _ := r.sink.progress()
		return progress{
			done: done, before: before, total: total, what: what, took: time.Since(r.started),
			calls: r.o.connect.Pace.Calls(), throttled: r.o.connect.Pace.Throttled(), stopping: e.ending(),
		}
	}
	switch mode {
	case "bar":
		show := func() { r.world.Draw(now().bar(r.world.Lang)) }
		show()
		stop := term.Every(barEvery, show)
		return func() {
			stop()
			show()
			fmt.Fprintln(r.world.Err)
		}
	case "plain":
		return term.Every(plainEvery, func() { r.world.Note("%s", now().text()) })
	default:
		return func() {}
	}
}

// progressMode returns how progress is shown: bar, plain or none.
func progressMode(w *term.World, o *options) string {
	switch {
	case o.output.progress != "auto":
		return o.output.progress
	case w.At(w.Err) > 0:
		return "bar"
	default:
		return "plain"
	}
}

// showReading shows the progress of reading an input through. It needs a call of tell every so many rows.
func showReading(w *term.World, o *options, name lang.Said) (tell func(rows int), hide func()) {
	mode, last, drawn := progressMode(w, o), time.Now(), false
	tell = func(rows int) {
		switch passed := time.Since(last); {
		case mode == "bar" && passed >= barEvery:
			w.Draw(term.Line{Done: int64(rows), Total: -1, Texts: []string{w.Lang.Sprintf("reading %s: %s", name, explain.Rows(rows))}})
			drawn = true
		case mode == "plain" && passed >= plainEvery:
			w.Note("reading %s: %s", name, explain.Rows(rows))
		default:
			return
		}
		last = time.Now()
	}
	return tell, func() {
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
