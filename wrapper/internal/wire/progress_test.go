package wire

import (
	"context"
	"errors"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"
)

// A watch serves one attempt after another with one timer: each must get the whole limit, and no more.
func TestWatchGivesEachAttemptItsLimit(t *testing.T) {
	const limit = 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		w := newProgress(httptrace.ClientTrace{})
		for _, test := range []struct {
			name  string
			takes time.Duration
			late  bool
			pause time.Duration // before the next
		}{
			{name: "the first", takes: time.Second},
			{name: "with the timer of the first", takes: limit - 1},
			{name: "too slow, with a timer that has to go on", takes: limit + time.Second, late: true},
			{name: "after one that was too slow", takes: time.Second, pause: 2 * limit},
			{name: "with a timer that has run out", takes: limit - 1},
			{name: "too slow again", takes: limit + 1, late: true},
		} {
			ctx := w.begin(t.Context(), limit)
			time.Sleep(test.takes) // of the test's own clock
			synctest.Wait()
			if late := tooLate(ctx); late != test.late || (ctx.Err() != nil) != test.late {
				t.Errorf("%s: too late: %t, %v", test.name, late, ctx.Err())
			}
			w.written = true
			w.end(true)
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("%s: its context lives on: %v", test.name, ctx.Err())
			}
			time.Sleep(test.pause)
		}
	})
}

func TestWatchTellsTheCallersEndFromItsOwn(t *testing.T) {
	w := newProgress(httptrace.ClientTrace{})
	caller, cancel := context.WithCancelCause(t.Context())
	ctx := w.begin(caller, time.Hour)
	defer w.end(false)
	cancel(context.DeadlineExceeded)
	if ctx.Err() == nil || tooLate(ctx) {
		t.Errorf("the caller left: %v, too late: %t", ctx.Err(), tooLate(ctx))
	}
}
