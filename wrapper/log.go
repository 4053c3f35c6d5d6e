package dingtalk

import (
	"context"
	"log/slog"
	"sync"
)

// logger logs what happens. Only [WithLogger] refers to slogger: an app without it does not link most of log/slog.
type logger interface {
	// writes reports whether lines of a level are written: without it, each line's attributes would cost an allocation.
	writes(ctx context.Context, level slog.Level) bool
	write(ctx context.Context, level slog.Level, msg string, args ...any)
}

// quietKey is the key of a quiet log in the context of a token's fetch.
type quietKey struct{}

// quiet keeps the log of a token's fetch back while callers wait for it: a handler may block, or call the client.
type quiet struct {
	mu    sync.Mutex
	lines []func()
}

func (q *quiet) flush() {
	q.mu.Lock()
	lines := q.lines
	q.lines = nil
	q.mu.Unlock()
	for _, line := range lines {
		line()
	}
}

// slogger writes to the caller's slog.Logger. A panic of the handler loses that line alone.
type slogger struct{ to *slog.Logger }

func (l slogger) writes(ctx context.Context, level slog.Level) (is bool) {
	if q, _ := ctx.Value(quietKey{}).(*quiet); q != nil {
		return true // the handler is not asked before the flush
	}
	defer func() { _ = recover() }()
	return l.to.Enabled(ctx, level)
}

func (l slogger) write(ctx context.Context, level slog.Level, msg string, args ...any) {
	if q, _ := ctx.Value(quietKey{}).(*quiet); q != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		ctx = context.WithValue(context.WithoutCancel(ctx), quietKey{}, nil)
		q.lines = append(q.lines, func() { l.write(ctx, level, msg, args...) })
		return
	}
	if ctx.Value(loggingKey{}) == nil {
		defer func() { _ = recover() }()
		l.to.Log(context.WithValue(ctx, loggingKey{}, true), level, msg, args...)
	}
}

// loggingKey marks the context that a handler gets: it may call the client with it, and that call is not logged again.
type loggingKey struct{}
