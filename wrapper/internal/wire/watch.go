package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ErrLimit is the cause of an attempt's end at its time limit.
var ErrLimit = fmt.Errorf("time limit of one attempt: %w", os.ErrDeadlineExceeded)

// watches enforces the same time limit on each attempt. context.WithTimeout would start and stop a timer per attempt.
// Each start wakes the thread that waits for the network, a tenth of the cost of a call. A watch keeps its timer
// running from one attempt to the next.
type watches struct {
	limit time.Duration
	idle  sync.Pool // of *watch
}

// watch enforces the limit on one attempt at a time.
type watch struct {
	mu       sync.Mutex
	timer    *time.Timer
	running  bool // the timer runs, and fires no later than the deadline of the next attempt
	deadline time.Time
	cancel   context.CancelCauseFunc // cancels the attempt in flight; nil between attempts
}

// begin derives the context of an attempt. The caller must end the watch.
func (s *watches) begin(caller context.Context) (context.Context, *watch) {
	w, _ := s.idle.Get().(*watch)
	if w == nil {
		w = new(watch)
	}
	return w.begin(caller, s.limit), w
}

// end ends an attempt and its context.
func (s *watches) end(w *watch) {
	w.end()
	s.idle.Put(w)
}

func (w *watch) begin(caller context.Context, limit time.Duration) context.Context {
	ctx, cancel := context.WithCancelCause(caller)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline, w.cancel = time.Now().Add(limit), cancel
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(limit, w.ring)
	case !w.running:
		w.timer.Reset(limit)
	}
	w.running = true
	return ctx
}

func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel(nil)
	w.cancel = nil
}

func (w *watch) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
	if w.cancel == nil {
		return
	}
	if left := time.Until(w.deadline); left > 0 {
		w.timer.Reset(left)
		w.running = true
		return
	}
	w.cancel(ErrLimit)
}

// tooLate reports whether the time limit ended an attempt's context.
func tooLate(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLimit) }
