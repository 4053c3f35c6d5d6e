package dingtalkredis

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// awayTime is how long Redis is not asked after it failed. Then one caller tries, and the others go on without it until
// that one has an answer.
const awayTime = time.Second

// health keeps a Redis that is down or slow from costing every call its time limit.
type health struct {
	log *slog.Logger

	mu    sync.Mutex
	away  bool
	until time.Time // when the next try may be made
}

func (h *health) mayAsk() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.away {
		return true
	}
	now := time.Now()
	if now.Before(h.until) {
		return false
	}
	h.until = now.Add(awayTime)
	return true
}

func (h *health) good() {
	h.mu.Lock()
	was := h.away
	h.away = false
	h.mu.Unlock()
	if was {
		h.write(context.Background(), slog.LevelInfo, "dingtalkredis: Redis is back")
	}
}

func (h *health) bad(ctx context.Context, err error) {
	h.mu.Lock()
	was := h.away
	h.away, h.until = true, time.Now().Add(awayTime)
	h.mu.Unlock()
	if !was {
		h.write(ctx, slog.LevelWarn, "dingtalkredis: Redis failed; this process goes on without it", slog.Any("error", err))
	}
}

// unknown ends a try that its caller gave up: the next may be made at once.
func (h *health) unknown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = time.Time{}
}

// write logs a line. A handler that panics loses it, nothing else.
func (h *health) write(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	defer func() { _ = recover() }()
	if h.log != nil {
		h.log.LogAttrs(ctx, level, msg, attrs...)
	}
}
