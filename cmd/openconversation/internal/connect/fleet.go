package connect

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// RedisURL is where the limits are shared; it is empty if they are not. An emulator in this process has its own.
func (c *Flags) RedisURL(w *term.World) string {
	if !c.offered || c.emulator {
		return ""
	}
	return cmp.Or(c.redis, w.Getenv(EnvRedisURL))
}

// quietRedis keeps the Redis client from writing to standard error by itself. That is a setting of the process, which
// clients that are still closing read.
var quietRedis = sync.OnceFunc(logging.Disable)

// fleet is what the processes share that have the same Redis, host and app.
func (c *Flags) fleet(w *term.World, creds dingtalk.AppCredentials) (*dingtalkredis.Fleet, func(), error) {
	if u, err := url.Parse(c.redis); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret {
			return nil, nil, explain.Usage("--redis: other users can read a process's arguments: set %s to a URL with a password", EnvRedisURL)
		}
	}
	options, err := redis.ParseURL(c.RedisURL(w))
	if err != nil { // it would repeat the URL, which may hold a password
		return nil, nil, explain.Usage("--redis and %s: not a Redis URL, such as redis://127.0.0.1:6379/0, rediss://… or unix://…", EnvRedisURL)
	}
	quietRedis()
	client := redis.NewClient(options)
	done := func() { _ = client.Close() } // what has not been answered is of no use any more
	fleetOptions := []dingtalkredis.Option{
		dingtalkredis.WithBaseURL(c.hostURL(w)), dingtalkredis.WithOrganization(c.organization), dingtalkredis.WithLogger(slog.New(notes{w})),
	}
	if c.pods > 0 {
		fleetOptions = append(fleetOptions, dingtalkredis.WithPods(c.pods))
	}
	fleet, err := dingtalkredis.New(client, creds, fleetOptions...)
	if err != nil { // the credentials are not empty, so it is the host
		done()
		return nil, nil, explain.Usage("%s", strings.TrimPrefix(err.Error(), "dingtalkredis: "))
	}
	return fleet, done, nil
}

// share gives the run's pace what the fleet has, and returns the client's options for the rest.
func (c *Flags) share(fleet *dingtalkredis.Fleet) []dingtalk.Option {
	options := []dingtalk.Option{dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithCache(fleet.Cache(sharedConversions))}
	if c.Budget > 0 {
		c.Pace.budget = fleet.Budget(c.Budget)
	}
	if c.Pace.qps > 0 {
		c.Pace.inner = fleet.Limiter(c.Pace.qps)
	}
	return options
}

// notes tells the user what the fleet logs: that Redis is away, and that it is back.
type notes struct{ world *term.World }

func (n notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (n notes) WithAttrs([]slog.Attr) slog.Handler               { return n }
func (n notes) WithGroup(string) slog.Handler                    { return n }

func (n notes) Handle(_ context.Context, record slog.Record) error {
	text := strings.TrimPrefix(record.Message, "dingtalkredis: ")
	record.Attrs(func(attr slog.Attr) bool {
		text += ": " + attr.Value.String()
		return true
	})
	n.world.Note("%s", lang.Foreign(text))
	return nil
}

// errNoRedis is a command's that has nothing to do without Redis.
var errNoRedis = explain.UsageHint("the count of a month is kept by the processes that share it through Redis",
	"no Redis is given: set --redis or %s", EnvRedisURL)
