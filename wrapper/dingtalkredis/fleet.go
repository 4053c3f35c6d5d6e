package dingtalkredis

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Option configures [New]. A nil option is skipped.
type Option func(*Fleet) error

// New makes a fleet of all processes that use the same Redis, version 6 or newer or Valkey, with the same credentials. The
// client remains the caller's, who closes it; [Open] makes one. New sends nothing: [Fleet.Ping] checks Redis.
func New(client redis.UniversalClient, creds dingtalk.AppCredentials, opts ...Option) (*Fleet, error) {
	if client == nil {
		return nil, errors.New("dingtalkredis: the Redis client is nil")
	}
	if err := creds.Check(); err != nil {
		return nil, fmt.Errorf("dingtalkredis: %w", err)
	}
	_, single := optionsOf(client).(*redis.Options)
	f := &Fleet{redis: client, moves: !single && optionsOf(client) != nil, timeout: time.Second, process: rand.Text()[:13]}
	f.limit = -1
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(f); err != nil {
			return nil, fmt.Errorf("dingtalkredis: %w", err)
		}
	}
	seal, err := newSeal(creds.AppSecret)
	if err != nil {
		return nil, errors.New("dingtalkredis: tokens cannot be sealed on this machine: " + err.Error())
	}
	host := strings.TrimRight(cmp.Or(f.host, string(dingtalk.International)), "/")
	f.seal, f.app, f.org = seal, digest(host, creds.AppKey), digest(host, cmp.Or(f.org, creds.AppKey))
	return f, nil
}

// WithRegion selects the service of the limit, the budget and the conversions. It must equal the client's region; the
// default is [dingtalk.International] for both. It cannot be combined with [WithBaseURL].
func WithRegion(region dingtalk.Region) Option { return WithBaseURL(string(region)) }

// WithBaseURL is [WithRegion] for another host. It must equal the client's base URL, and is checked as that is.
func WithBaseURL(baseURL string) Option {
	return func(f *Fleet) error {
		if f.host != "" {
			return errors.New("WithRegion and WithBaseURL exclude each other")
		}
		f.host = baseURL
		_, err := dingtalk.NewClient(dingtalk.StaticToken("none"), dingtalk.WithBaseURL(baseURL)) // it checks the URL, and sends nothing
		return err
	}
}

// WithPods sets the number of processes that share the limit. It matters only while Redis is down: each process then keeps to
// its share, of rate and [Available] budget, of at least so many. Without it, one that has never reached Redis keeps to the
// whole rate and slows down when throttled.
func WithPods(n int) Option {
	return func(f *Fleet) error {
		if n < 1 {
			return fmt.Errorf("WithPods: %d is not positive", n)
		}
		f.pods = n
		return nil
	}
}

// WithOrganization names the app's organisation. Apps with the same name share one budget, as they share one quota of
// the service, and their conversions. One app that serves several organisations has a fleet for each, with its name: a chat's
// openConversationId is the organisation's. The default is the app key.
func WithOrganization(name string) Option {
	return func(f *Fleet) error {
		f.org = name
		return nil
	}
}

// WithTimeout sets how long a call waits for one answer of Redis before it continues without; the default is 1 s. It must
// be four round trips to Redis or more. A strict [Budget] waits longer: see there. The Redis client's own time-outs and
// retries end within it.
func WithTimeout(d time.Duration) Option {
	return func(f *Fleet) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout: %s is not positive", d)
		}
		f.timeout = d
		return nil
	}
}

// WithLogger logs a warning when Redis goes down, and at info level when it is back. It warns once a minute of a setup error,
// with the attributes fault, hint and error ([SetupError]), and once an hour of clocks that are more than a minute apart.
func WithLogger(log *slog.Logger) Option {
	return func(f *Fleet) error {
		f.log = log
		return nil
	}
}

// UsesRedis reports whether Redis takes part. Without it, each process keeps to limits of its own.
func (f *Fleet) UsesRedis() (uses bool) {
	f.locked(func() { uses = !f.noted })
	return uses
}

// Misconfigured reports whether Redis does not take part for a setup fault ([SetupError]), which waiting does not cure.
func (f *Fleet) Misconfigured() (wrong bool) {
	f.locked(func() { wrong = f.noted && f.fault != "" && f.lasting() })
	return wrong
}
