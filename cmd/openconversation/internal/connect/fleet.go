package connect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/redis/go-redis/v9/logging"
)

// RedisURL returns the Redis that shares the limits, or "". An emulator in this process has limits of its own.
func (c *Flags) RedisURL(w *term.World) string {
	if !c.offered || c.emulator {
		return ""
	}
	return cmp.Or(c.redis, trimLineEnds(w.Getenv(EnvRedisURL)))
}

// quietRedis keeps the Redis client from logging to standard error. It changes a setting of the process, which closing
// clients read.
var quietRedis = sync.OnceFunc(logging.Disable)

// fleet makes the fleet of processes with the same Redis, host and app. A setup error of Redis ends the command; an
// outage may pass.
func (c *Flags) fleet(ctx context.Context, w *term.World, creds dingtalk.AppCredentials) (*dingtalkredis.Fleet, func(), error) {
	if holdsPassword(c.redis) {
		return nil, nil, explain.Usage("--redis: other users can read a process's arguments: set %s to a URL with a password", EnvRedisURL)
	}
	quietRedis()
	client, err := dingtalkredis.Open(c.RedisURL(w))
	if err != nil {
		return nil, nil, explain.Usage("--redis and %s: %w", EnvRedisURL, own(err))
	}
	done := func() { _ = client.Close() } // replies in flight are no longer needed
	fleetOptions := []dingtalkredis.Option{
		dingtalkredis.WithBaseURL(c.hostURL(w)), dingtalkredis.WithOrganization(c.organization), dingtalkredis.WithLogger(slog.New(notes{w})),
		dingtalkredis.WithTimeout(c.redisTimeout),
	}
	fleet, err := dingtalkredis.New(client, creds, fleetOptions...)
	if err != nil { // the credentials are not empty, so it is the host
		done()
		return nil, nil, explain.Usage("%w", own(err))
	}
	if err := wrongSetup(fleet.Ping(ctx)); err != nil {
		done()
		return nil, nil, err
	}
	return fleet, done, nil
}

// holdsPassword reports whether a URL has a password, even if the URL cannot be parsed.
func holdsPassword(rawURL string) bool {
	_, after, _ := strings.Cut(rawURL, "://")
	at := strings.LastIndexByte(after, '@')
	return at >= 0 && strings.ContainsRune(after[:at], ':') || strings.Contains(rawURL, "password=")
}

// own removes the package name from an error of dingtalkredis.
func own(err error) error {
	var setup *dingtalkredis.SetupError
	if errors.As(err, &setup) {
		return lang.Errorf("Redis is set up wrongly (%s): %w", lang.Quoted(setup.Fault), setup.Err)
	}
	return redisError{err}
}

// redisError is an error of dingtalkredis, whose text begins with the package name.
type redisError struct{ error }

func (e redisError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e redisError) Say(l lang.Language) string {
	return strings.TrimPrefix(l.Of(e.error), "dingtalkredis: ")
}
func (e redisError) Unwrap() error { return e.error }

// wrongSetup makes the command's error for a setup error of Redis; it is nil for other errors.
func wrongSetup(err error) error {
	var e *dingtalkredis.SetupError
	if !errors.As(err, &e) {
		return nil
	}
	code := explain.Unavailable
	if e.Fault == dingtalkredis.FaultAuthentication || e.Fault == dingtalkredis.FaultPermission {
		code = explain.Credentials
	}
	return &explain.Error{Code: code, Err: own(e), Hint: lang.T("%s", lang.Quoted(e.Hint()))}
}

// share sets the fleet's limiter and budget in the run's pace, and returns the client's options for token and cache.
func (c *Flags) share(fleet *dingtalkredis.Fleet) []dingtalk.Option {
	options := []dingtalk.Option{dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithCache(fleet.Cache(sharedConversions))}
	if c.Budget > 0 {
		var mode []dingtalkredis.BudgetOption
		if !c.strict() {
			mode = append(mode, dingtalkredis.Available())
		}
		c.Pace.budget = fleet.Budget(c.Budget, mode...)
	}
	if c.Pace.qps > 0 {
		c.Pace.inner = fleet.Limiter(c.Pace.qps)
	}
	return options
}

// notes prints the fleet's log entries for the user: Redis is down, Redis is back.
type notes struct{ world *term.World }

func (n notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (n notes) WithAttrs([]slog.Attr) slog.Handler               { return n }
func (n notes) WithGroup(string) slog.Handler                    { return n }

func (n notes) Handle(_ context.Context, record slog.Record) error {
	said := []lang.Said{lang.Quoted(record.Message)}
	record.Attrs(func(attr slog.Attr) bool {
		if err, is := attr.Value.Any().(error); is {
			said = append(said, lang.T("%s", err))
		} else {
			said = append(said, lang.Quoted(attr.Value.String()))
		}
		return true
	})
	n.world.Note("%s", lang.Join(": ", said...))
	return nil
}

// errNoRedis is the error of a command that needs Redis.
var errNoRedis = explain.UsageHint("the count of a month is kept by the processes that share it through Redis",
	"no Redis is given: set --redis or %s", EnvRedisURL)
