package dingtalkredis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// awayTime is how long Redis is not asked after a failure. One caller probes afterwards; the others continue without
// Redis until the probe has an answer.
const awayTime = time.Second

// quietTime is how long Redis must not fail before it counts as back: a full Redis still answers some requests.
const quietTime = 3 * awayTime

// health is the circuit breaker of Redis: without it, every call would wait its time limit in an outage.
type health struct {
	outage   *outage
	patience time.Duration // shortest time limit while Redis is healthy
	rest     time.Duration // time between probes while Redis is down

	mu    sync.Mutex
	away  bool
	until time.Time // earliest time of the next probe
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
	h.until = now.Add(h.rest)
	return true
}

// limit returns the time limit of an exchange.
func (h *health) limit(usual time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away {
		return usual
	}
	return max(usual, h.patience)
}

func (h *health) good() {
	h.mu.Lock()
	h.away = false
	h.mu.Unlock()
	h.outage.end()
}

func (h *health) bad(ctx context.Context, err error) {
	h.mu.Lock()
	h.away, h.until = true, time.Now().Add(h.rest)
	h.mu.Unlock()
	if !errors.Is(err, redis.ErrClosed) { // the app closed the client itself
		h.outage.begin(ctx, err)
	}
}

// unknown ends a probe that its caller cancelled: the next may follow at once.
func (h *health) unknown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until = time.Time{}
}

// nagTime is the interval of warnings about a setup error.
const nagTime = time.Minute

// outage logs each outage of Redis once, and setup errors once a minute.
type outage struct {
	log   *slog.Logger
	moves bool // see setupFault
	now   func() time.Time

	mu     sync.Mutex
	away   bool
	last   time.Time // time of Redis's last failure
	nagged time.Time
}

func (o *outage) begin(ctx context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = o.now()
	if fault := setupFault(err, o.moves); fault != "" {
		o.away = true
		if o.nagged.IsZero() || o.last.Sub(o.nagged) >= nagTime {
			o.nagged = o.last
			failed := &SetupError{Fault: fault, Err: err}
			o.write(ctx, slog.LevelWarn, "dingtalkredis: Redis is set up wrongly, which waiting does not cure; this process shares nothing",
				slog.String("fault", string(fault)), slog.String("hint", failed.Hint()), slog.Any("error", err))
		}
		return
	}
	if !o.away {
		o.away = true
		o.write(ctx, slog.LevelWarn, "dingtalkredis: Redis failed; this process goes on without it", slog.Any("error", err))
	}
}

func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away && o.now().Sub(o.last) > quietTime {
		o.away = false
		o.nagged = time.Time{}
		o.write(context.Background(), slog.LevelInfo, "dingtalkredis: Redis is back")
	}
}

// write logs a line, in a goroutine of its own: a handler may block, or call the client whose budget waits here. A panic
// of the handler loses that line alone.
func (o *outage) write(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	if o.log == nil {
		return
	}
	go func() {
		defer func() { _ = recover() }()
		o.log.LogAttrs(context.WithoutCancel(ctx), level, msg, attrs...)
	}()
}
