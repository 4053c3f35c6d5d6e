package dingtalkotel

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Limiter measures the time that calls wait for inner, and counts throttles.
func (t *Telemetry) Limiter(inner dingtalk.Limiter) dingtalk.Limiter { return limiter{inner, t} }

type limiter struct {
	dingtalk.Limiter
	to *Telemetry
}

func (l limiter) Wait(ctx context.Context) error {
	begun := time.Now()
	err := l.Limiter.Wait(ctx)
	l.to.limiter.Record(ctx, time.Since(begun).Seconds(), either(err == nil, "passed", "refused"))
	return err
}

func either(is bool, yes, no string) metric.MeasurementOption {
	return metric.WithAttributes(resultKey.String(map[bool]string{true: yes, false: no}[is]))
}

// Answered forwards the outcome of a request.
func (l limiter) Answered(throttled bool) {
	if throttled {
		l.to.throttles.Add(context.Background(), 1)
	}
	if inner, ok := l.Limiter.(interface{ Answered(throttled bool) }); ok {
		inner.Answered(throttled)
	}
}

// usedTime is the time limit of reading a budget's count at each collection.
const usedTime = time.Second

// Budget counts grants and refusals of inner. If inner has a count, as budgets of package dingtalkredis do, each
// collection also reads how many requests all processes have counted this month, and how many are left. The attribute
// dingtalk.budget tells the budgets of a process apart.
func (t *Telemetry) Budget(inner dingtalk.Budget) dingtalk.Budget {
	which := budgetKey.String(strconv.FormatInt(budgets.Add(1), 10))
	if counted, ok := inner.(interface {
		Used(ctx context.Context) (int, error)
		Limit() int
	}); ok {
		about := metric.WithAttributes(which, t.app)
		_, _ = t.meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error { // fails only for foreign instruments
			limited, cancel := context.WithTimeout(ctx, usedTime)
			defer cancel()
			used, err := counted.Used(limited)
			if err != nil {
				return nil // without a count, the other metrics keep their values
			}
			to.ObserveInt64(t.used, int64(used), about)
			to.ObserveInt64(t.left, int64(max(counted.Limit()-used, 0)), about)
			return nil
		}, t.used, t.left)
	}
	return budget{inner, t, which}
}

// budgets counts the budgets that the process measures.
var budgets atomic.Int64

// Fleet measures whether Redis takes part: 1, or 0 while each process keeps to limits of its own; and whether that is for a
// setup fault, which waiting does not cure. fleet is a *dingtalkredis.Fleet.
func (t *Telemetry) Fleet(fleet interface {
	UsesRedis() bool
	Misconfigured() bool
}) error {
	gauge := func(name, what string, is func() bool) error {
		_, err := t.meter.Int64ObservableGauge(name, metric.WithDescription(what), metric.WithInt64Callback(
			func(_ context.Context, to metric.Int64Observer) error {
				to.Observe(map[bool]int64{true: 1}[is()], metric.WithAttributes(t.app))
				return nil
			}))
		return err
	}
	return errors.Join(gauge("dingtalk.client.redis.used", "1 if Redis takes part, 0 without it.", fleet.UsesRedis),
		gauge("dingtalk.client.redis.fault", "1 if Redis is set up wrongly.", fleet.Misconfigured))
}

type budget struct {
	dingtalk.Budget
	to   *Telemetry
	name attribute.KeyValue
}

func (b budget) Spend(ctx context.Context) error {
	begun := time.Now()
	err := b.Budget.Spend(ctx)
	result := map[bool]string{true: "granted", false: "outage"}[err == nil]
	if errors.Is(err, dingtalk.ErrQuotaExhausted) {
		result = "quota"
	}
	about := metric.WithAttributes(resultKey.String(result), b.name, b.to.app)
	b.to.budget.Add(ctx, 1, about)
	b.to.strict.Record(ctx, time.Since(begun).Seconds(), about)
	return err
}

// Cache counts hits and misses.
func (t *Telemetry) Cache(inner dingtalk.Cache) dingtalk.Cache { return cache{inner, t} }

type cache struct {
	dingtalk.Cache
	to *Telemetry
}

func (c cache) Get(ctx context.Context, chatID string) (string, bool) {
	id, found := c.Cache.Get(ctx, chatID)
	c.to.cache.Add(ctx, 1, either(found, "hit", "miss"))
	return id, found
}

// Logger counts the client's log entries (requests by outcome, waits before a retry) and passes them on to next, unless it is nil.
func (t *Telemetry) Logger(next *slog.Logger) *slog.Logger {
	handler := slog.DiscardHandler
	if next != nil {
		handler = next.Handler()
	}
	return slog.New(counter{handler, t})
}

// The client's messages that Logger counts.
const (
	attemptMessage = "dingtalk attempt"
	waitMessage    = "dingtalk wait"
)

type counter struct {
	slog.Handler
	to *Telemetry
}

// Enabled is true, because the client logs requests at debug level.
func (c counter) Enabled(context.Context, slog.Level) bool { return true }

func (c counter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return counter{c.Handler.WithAttrs(attrs), c.to}
}
func (c counter) WithGroup(name string) slog.Handler { return counter{c.Handler.WithGroup(name), c.to} }

func (c counter) Handle(ctx context.Context, record slog.Record) error {
	if record.Message == attemptMessage || record.Message == waitMessage {
		var operation string
		var failed error
		var wait time.Duration
		record.Attrs(func(attr slog.Attr) bool {
			switch attr.Key {
			case "op":
				operation = attr.Value.String()
			case "error":
				failed, _ = attr.Value.Any().(error)
			case "wait":
				wait = attr.Value.Duration()
			}
			return true
		})
		about := metric.WithAttributes(c.to.operation(operation), outcomeKey.String(outcome(failed)))
		if record.Message == attemptMessage {
			c.to.requests.Add(ctx, 1, about)
		} else {
			c.to.backoff.Record(ctx, wait.Seconds(), about)
		}
	}
	if !c.Handler.Enabled(ctx, record.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, record)
}
