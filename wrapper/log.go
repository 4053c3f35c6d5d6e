package dingtalk

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// slogger writes to the caller's slog.Logger. A panic of the handler loses that line alone.
type slogger struct {
	to   *slog.Logger
	path *path
}

func (l slogger) attempt(ctx context.Context, c *call, v *verdict, got *wire.Answer, took time.Duration) {
	if !l.writes(ctx, slog.LevelDebug) { // the attributes cost allocations
		return
	}
	about := []any{"op", operationName(c.contract), "attempt", c.sent, "duration", took}
	if c.chatID != "" {
		about = append(about, "chat", c.chatID)
	}
	if got != nil {
		about = append(about, "status", got.Status, "request_id", l.path.secrets(c).Show(got.Header.Get(requestIDHeader), maxSnippetBytes))
	}
	if v != nil {
		about = append(about, "error", v.failure(""))
	}
	l.write(ctx, slog.LevelDebug, "dingtalk attempt", about...)
}

func (l slogger) token(ctx context.Context, event string, err error) {
	if err == nil {
		l.write(ctx, slog.LevelDebug, "dingtalk token", "event", event)
		return
	}
	hidden := l.path.secrets(new(call)).HideError(err)
	if own, is := err.(*Error); !is || own.Error() != hidden.Error() { //nolint:errorlint // a store may have made it, or wrapped it
		err = hidden
	}
	l.write(ctx, slog.LevelWarn, "dingtalk token", "event", event, "error", err)
}

// quietKey is the key of the lines that are kept back, and loggingKey marks the context that a handler gets: it may call
// the client with it, and that call is not logged again.
type quietKey struct{}
type loggingKey struct{}

type quiet struct {
	mu    sync.Mutex
	lines []func()
}

func (l slogger) quiet(ctx context.Context) (context.Context, func()) {
	q := new(quiet)
	return context.WithValue(ctx, quietKey{}, q), func() {
		q.mu.Lock()
		lines := q.lines
		q.lines = nil
		q.mu.Unlock()
		for _, line := range lines {
			line()
		}
	}
}

// writes reports whether lines of a level are written. The handler is not asked while they are kept back.
func (l slogger) writes(ctx context.Context, level slog.Level) (is bool) {
	defer func() { _ = recover() }()
	return ctx.Value(quietKey{}) != nil || l.to.Enabled(ctx, level)
}

func (l slogger) write(ctx context.Context, level slog.Level, msg string, args ...any) {
	if q, _ := ctx.Value(quietKey{}).(*quiet); q != nil {
		defer guard.Lock(&q.mu)()
		ctx = context.WithValue(context.WithoutCancel(ctx), quietKey{}, nil)
		q.lines = append(q.lines, func() { l.write(ctx, level, msg, args...) })
		return
	}
	if ctx.Value(loggingKey{}) == nil {
		defer func() { _ = recover() }()
		l.to.Log(context.WithValue(ctx, loggingKey{}, true), level, msg, args...)
	}
}
