package dingtalk

import (
	"context"
	"log/slog"
	"time"
)

// logger writes through the caller's slog.Logger, if there is one. A handler that panics loses its line, nothing else.
type logger struct{ to *slog.Logger }

func (l logger) write(ctx context.Context, level slog.Level, msg string, attrs func() []slog.Attr) {
	if l.to == nil {
		return
	}
	defer func() { _ = recover() }()
	if l.to.Enabled(ctx, level) {
		l.to.LogAttrs(ctx, level, msg, attrs()...)
	}
}

// attempt logs one request's outcome.
func (l logger) attempt(ctx context.Context, op string, n int, requestID string, err *Error) {
	l.write(ctx, slog.LevelDebug, "dingtalk attempt", func() []slog.Attr {
		attrs := []slog.Attr{slog.String("op", op), slog.Int("attempt", n), slog.String("request_id", requestID)}
		if err != nil {
			attrs = append(attrs, slog.Any("error", err))
		}
		return attrs
	})
}

// wait logs that a call pauses before it is repeated.
func (l logger) wait(ctx context.Context, op string, d time.Duration, err *Error) {
	l.write(ctx, slog.LevelInfo, "dingtalk wait", func() []slog.Attr {
		return []slog.Attr{slog.String("op", op), slog.Duration("wait", d), slog.Any("error", err)}
	})
}

// token logs what happened to the access token; a failure that callers do not notice is a warning.
func (l logger) token(ctx context.Context, event string, err error) {
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

func (l logger) warn(ctx context.Context, msg string) {
	l.write(ctx, slog.LevelWarn, "dingtalk: "+msg, func() []slog.Attr { return nil })
}
