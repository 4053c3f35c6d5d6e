package dingtalkredis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	quietTime  = 3 * time.Second  // how long Redis must not fail before it counts as back: a full Redis still answers some requests
	nagTime    = time.Minute      // between warnings about a setup error
	apartTime  = time.Hour        // between warnings about the clocks
	apart      = time.Minute      // a difference of clocks that a network does not explain
	strictTime = 30 * time.Second // how long calls wait in an outage: the longest time of a failover
	startTime  = 10 * time.Second // how long they wait for a Redis that has never answered
)

// health tells whether Redis is there. Only beats ask a Redis that is away. Each outage is logged once.
type health struct {
	worked bool // Redis has answered
	away   bool
	since  time.Time // when Redis went away
	cause  error     // of the last failure
	fault  Fault
	last   time.Time // the last failure
	noted  bool      // the outage is in the log
	nagged time.Time
	warned time.Time // of the clocks
}

// absent tells why Redis is not asked. f.mu is held.
func (f *Fleet) absent() error {
	return fmt.Errorf("dingtalkredis: Redis did not answer a moment ago: %w", f.cause)
}

// back notes an exchange. f.mu is held.
func (f *Fleet) back() {
	f.away, f.worked = false, true
	if f.noted && time.Since(f.last) > quietTime {
		f.noted, f.nagged = false, time.Time{}
		f.write(slog.LevelInfo, "Redis is back")
	}
}

// failed notes that Redis could not do something.
func (f *Fleet) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !f.away {
		f.away, f.since = true, now
	}
	f.last, f.cause, f.fault = now, err, setupFault(err, f.moves)
	f.live()
	switch {
	case errors.Is(err, redis.ErrClosed): // by the app itself
		return
	case f.lasting() && now.Sub(f.nagged) >= nagTime:
		f.nagged = now
		failed := &SetupError{Fault: f.fault, Err: err}
		f.write(slog.LevelWarn, "Redis is set up wrongly, which waiting does not cure; this process shares nothing",
			slog.String("fault", string(f.fault)), slog.String("hint", failed.Hint()), slog.Any("error", err))
	case !f.noted && !f.lasting():
		f.write(slog.LevelWarn, "Redis failed; this process goes on without it", slog.Any("error", err))
	}
	f.noted = true
}

// lasting reports whether waiting cannot help: if Redis is set up wrongly from the start, or for as long as a failover
// takes. Redis in a failover and a password that is being changed look alike for a while. f.mu is held.
func (f *Fleet) lasting() bool {
	return errors.Is(f.cause, redis.ErrClosed) || f.fault != "" && (!f.worked || time.Since(f.since) > strictTime)
}

// apart warns of a Redis whose clock is another than this machine's: months and tokens may end at odd times. f.mu is held.
func (f *Fleet) apart(at time.Time) {
	here := time.Now()
	if here.Sub(at).Abs() < apart || time.Since(f.warned) < apartTime {
		return
	}
	f.warned = here
	f.write(slog.LevelWarn, "the clocks of this machine and of Redis are apart; months are those of Redis",
		slog.String("machine", here.UTC().Format(time.RFC3339)), slog.String("redis", at.UTC().Format(time.RFC3339)))
}

// write logs a line, in a goroutine of its own: a handler may block, or call the client whose budget waits here. A panic
// of the handler loses that line alone.
func (f *Fleet) write(level slog.Level, msg string, attrs ...slog.Attr) {
	if f.log == nil {
		return
	}
	go func() {
		defer func() { _ = recover() }()
		f.log.LogAttrs(context.Background(), level, "dingtalkredis: "+msg, attrs...)
	}()
}

// clock relates Redis's clock to this process's steady one.
type clock struct {
	redis time.Time
	here  time.Time
	trip  time.Duration // of the measurement
}

// now returns Redis's time, or this machine's if Redis has never told.
func (c clock) now() time.Time {
	if c.here.IsZero() {
		return time.Now()
	}
	return c.redis.Add(time.Since(c.here))
}

// measure keeps the time of the shortest round trip of late: it is the most exact one.
func (c *clock) measure(redisTime, sent time.Time) {
	trip := time.Since(sent)
	if c.here.IsZero() || trip <= c.trip || time.Since(c.here) > windowTime {
		*c = clock{redis: redisTime, here: sent.Add(trip / 2), trip: trip}
	}
}
