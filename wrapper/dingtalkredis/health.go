package dingtalkredis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// awayTime is how long Redis is not asked after a failure. One caller probes afterwards; the others continue without
	// Redis until the probe has an answer.
	awayTime = time.Second
	// quietTime is how long Redis must not fail before it counts as back: a full Redis still answers some requests.
	quietTime = 3 * awayTime
	// nagTime is the interval of warnings about a setup error, and apartTime that about the clocks.
	nagTime   = time.Minute
	apartTime = time.Hour
	// apart is a difference of clocks that a network does not explain.
	apart = time.Minute
)

// health is the circuit breaker of Redis: without it, every call would wait its time limit in an outage. It logs each
// outage once.
type health struct {
	log   *slog.Logger
	now   func() time.Time // this machine's clock, as people read it
	moves bool             // see setupFault

	mu     sync.Mutex
	worked bool // Redis has answered
	away   bool
	since  time.Time // when Redis went away
	probed time.Time // the last probe
	cause  error     // of the last failure
	fault  Fault
	last   time.Time // the last failure
	noted  bool      // the outage is in the log
	nagged time.Time
	warned time.Time // of the clocks
}

// mayAsk returns why Redis is not to be asked now, or nil. rest is the time between probes.
func (h *health) mayAsk(rest time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.away {
		return nil
	}
	if time.Since(h.probed) < rest {
		return fmt.Errorf("dingtalkredis: Redis did not answer a moment ago: %w", h.cause)
	}
	h.probed = time.Now()
	return nil
}

func (h *health) good() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away, h.worked = false, true
	if h.noted && time.Since(h.last) > quietTime {
		h.noted, h.nagged = false, time.Time{}
		h.write(context.Background(), slog.LevelInfo, "Redis is back")
	}
}

func (h *health) bad(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if !h.away {
		h.away, h.since = true, now
	}
	h.probed, h.last, h.cause, h.fault = now, now, err, setupFault(err, h.moves)
	switch {
	case errors.Is(err, redis.ErrClosed): // the app closed the client itself
		return
	case h.lasting() && (h.nagged.IsZero() || now.Sub(h.nagged) >= nagTime):
		h.nagged = now
		failed := &SetupError{Fault: h.fault, Err: err}
		h.write(ctx, slog.LevelWarn, "Redis is set up wrongly, which waiting does not cure; this process shares nothing",
			slog.String("fault", string(h.fault)), slog.String("hint", failed.Hint()), slog.Any("error", err))
	case h.fault == "" && !h.noted || h.fault != "" && !h.noted && h.worked:
		h.write(ctx, slog.LevelWarn, "Redis failed; this process goes on without it", slog.Any("error", err))
	}
	h.noted = true
}

// lasting reports whether waiting cannot help: if Redis is set up wrongly from the start, or for as long as a failover
// takes. Redis in a failover and a password that is being changed look alike for a while. h.mu is held.
func (h *health) lasting() bool {
	return errors.Is(h.cause, redis.ErrClosed) || h.fault != "" && (!h.worked || time.Since(h.since) > strictTime)
}

// unknown ends a probe that its caller cancelled: the next may follow at once.
func (h *health) unknown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probed = time.Time{}
}

// clocks warns of a Redis whose clock is another than this machine's: months and tokens may end at odd times.
func (h *health) clocks(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	here := h.now()
	if here.Sub(at).Abs() < apart || !h.warned.IsZero() && time.Since(h.warned) < apartTime {
		return
	}
	h.warned = time.Now()
	h.write(context.Background(), slog.LevelWarn, "the clocks of this machine and of Redis are apart; months are those of Redis",
		slog.String("machine", here.UTC().Format(time.RFC3339)), slog.String("redis", at.UTC().Format(time.RFC3339)))
}

// write logs a line, in a goroutine of its own: a handler may block, or call the client whose budget waits here. A panic
// of the handler loses that line alone.
func (h *health) write(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	if h.log == nil {
		return
	}
	go func() {
		defer func() { _ = recover() }()
		h.log.LogAttrs(context.WithoutCancel(ctx), level, "dingtalkredis: "+msg, attrs...)
	}()
}
