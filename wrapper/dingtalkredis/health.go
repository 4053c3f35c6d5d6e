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
