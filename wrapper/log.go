package dingtalk

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// logger logs what happens. Only [WithLogger] refers to slogger: an app without it does not link log/slog.
type logger interface {
	attempt(ctx context.Context, e entry)
	// wait logs that a call pauses before it is repeated.
	wait(ctx context.Context, d time.Duration, err *Error)
	// token logs an event of the access token. A failure is a warning, even if no call fails by it.
	token(ctx context.Context, event string, err error)
	warn(ctx context.Context, msg string)
}

// quietKey is the key of a quiet log in the context of a token's fetch.
type quietKey struct{}

// quiet keeps the log of a token's fetch back while callers wait for it: a handler may block, or call the client.
type quiet struct {
	mu    sync.Mutex
	lines []func()
	over  bool
}

func (q *quiet) add(line func()) {
	q.mu.Lock()
	if !q.over {
		q.lines = append(q.lines, line)
		line = nil
	}
	q.mu.Unlock()
	if line != nil {
		line()
	}
}

func (q *quiet) flush() {
	q.mu.Lock()
	lines := q.lines
	q.lines, q.over = nil, true
	q.mu.Unlock()
	for _, line := range lines {
		line()
	}
}

// entry is one request and its outcome.
type entry struct {
	op, chatID string
	n          int // of the call's requests
	requestID  string
	status     int // 0 if no answer came
	took       time.Duration
	err        *Error
}

// silent writes nothing.
type silent struct{}

func (silent) attempt(context.Context, entry)              {}
func (silent) wait(context.Context, time.Duration, *Error) {}
func (silent) token(context.Context, string, error)        {}
func (silent) warn(context.Context, string)                {}

// slogger writes to the caller's slog.Logger. A panic of the handler loses that line alone.
type slogger struct{ to *slog.Logger }

func newLogger(to *slog.Logger) logger {
	if to == nil {
		return silent{}
	}
	return slogger{to}
}

// off reports whether a line is not written: without it, each line's attributes would cost an allocation.
func (l slogger) off(ctx context.Context, level slog.Level) (off bool) {
	if _, is := ctx.Value(quietKey{}).(*quiet); is {
		return false
	}
	defer func() { off = recover() != nil || off }()
	return !l.to.Enabled(ctx, level)
}

func (l slogger) write(ctx context.Context, level slog.Level, msg string, attrs func() []slog.Attr) {
	if q, is := ctx.Value(quietKey{}).(*quiet); is {
		q.add(func() { l.write(context.WithValue(context.WithoutCancel(ctx), quietKey{}, nil), level, msg, attrs) })
		return
	}
	if ctx.Value(loggingKey{}) != nil { // a call that a handler makes
		return
	}
	defer func() { _ = recover() }()
	if l.to.Enabled(ctx, level) {
		l.to.LogAttrs(context.WithValue(ctx, loggingKey{}, true), level, msg, attrs()...)
	}
}

// loggingKey marks the context that a handler gets: it may call the client with it, and that call is not logged again.
type loggingKey struct{}

func (l slogger) attempt(ctx context.Context, e entry) {
	if !l.off(ctx, slog.LevelDebug) {
		l.attempted(ctx, e)
	}
}

func (l slogger) attempted(ctx context.Context, e entry) {
	l.write(ctx, slog.LevelDebug, "dingtalk attempt", func() []slog.Attr {
		attrs := []slog.Attr{slog.String("op", e.op), slog.Int("attempt", e.n), slog.Duration("duration", e.took)}
		if e.chatID != "" {
			attrs = append(attrs, slog.String("chat", e.chatID))
		}
		if e.status != 0 {
			attrs = append(attrs, slog.Int("status", e.status))
		}
		attrs = append(attrs, slog.String("request_id", e.requestID))
		if e.err != nil {
			attrs = append(attrs, slog.Any("error", e.err))
		}
		return attrs
	})
}

func (l slogger) wait(ctx context.Context, d time.Duration, err *Error) {
	l.write(ctx, slog.LevelInfo, "dingtalk wait", func() []slog.Attr {
		return []slog.Attr{slog.String("op", err.Op), slog.Duration("wait", d), slog.Any("error", err)}
	})
}

func (l slogger) token(ctx context.Context, event string, err error) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	l.write(ctx, level, "dingtalk token", func() []slog.Attr {
		attrs := []slog.Attr{slog.String("event", event)}
		if err != nil {
			attrs = append(attrs, slog.Any("error", err))
		}
		return attrs
	})
}

func (l slogger) warn(ctx context.Context, msg string) {
	l.write(ctx, slog.LevelWarn, "dingtalk: "+msg, func() []slog.Attr { return nil })
}
