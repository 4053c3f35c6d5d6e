package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	plainEvery = 10 * time.Second       // between lines of progress
	barEvery   = 200 * time.Millisecond // between pictures of the bar
)

// showProgress shows how far a run is, until hide is called.
func (a *app) showProgress(r *fileRun) (hide func()) {
	mode := r.o.progress
	if mode == "auto" {
		mode = "plain"
		if file, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) && a.getenv("TERM") != "dumb" {
			mode = "bar"
		}
	}
	total := -1
	if r.in.scan != nil {
		total = r.in.scan.rows
	}
	switch mode {
	case "bar":
		return a.showBar(r, total)
	case "plain":
		before := r.done.Load()
		return every(plainEvery, func() {
			a.note("%s", progressLine(r.done.Load(), before, int64(total), time.Since(r.started), r.pace.throttled.Load(), r.pace.calls.Load()))
		})
	default:
		return func() {}
	}
}

// progressLine is progress in plain text. before is how many rows were done when the run began.
func progressLine(done, before, total int64, took time.Duration, throttled, calls int64) string {
	rate := float64(done-before) / max(took.Seconds(), 1e-9)
	of, left := "", ""
	if total >= 0 {
		of = fmt.Sprintf(" of %d", total)
		if rate > 0 {
			left = fmt.Sprintf(", about %s left", time.Duration(float64(total-done)/rate*float64(time.Second)).Round(time.Second))
		}
	}
	return fmt.Sprintf("%d%s rows, %.1f/s%s, %d throttled, %d calls", done, of, rate, left, throttled, calls)
}

// showBar shows what this run does: of one that goes on, what was left.
func (a *app) showBar(r *fileRun, total int) (hide func()) {
	before := r.done.Load()
	if total >= 0 {
		total -= int(before)
	}
	bar := progressbar.NewOptions64(int64(total),
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetWidth(24),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("rows"),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(barEvery/2),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}),
	)
	show := func() {
		what := ""
		if r.stopping.Load() {
			what = "stopping; "
		}
		bar.Describe(fmt.Sprintf("%s%d calls, %d throttled", what, r.pace.calls.Load(), r.pace.throttled.Load()))
		_ = bar.Set64(max(r.done.Load()-before, 0)) // a picture that fails costs nothing
	}
	show()
	stop := every(barEvery, show)
	return func() {
		stop()
		show()
		_ = bar.Exit()
		fmt.Fprintln(a.stderr)
	}
}

// every calls f again and again until stop is called, and not after that.
func every(d time.Duration, f func()) (stop func()) {
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
