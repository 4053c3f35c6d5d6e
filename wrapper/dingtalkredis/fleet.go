package dingtalkredis

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// Fleet shares state between the processes of one app. Make one with [New].
type Fleet struct {
	redis   redis.UniversalClient
	seal    *seal  // of access tokens; the only trace of the app secret
	app     string // digest of the app: whose limit it is
	org     string // digest of host and organisation: whose budget and conversions they are
	prefix  string
	pods    int
	timeout time.Duration
	health  *health

	process string // this process, as the script knows it
	desk    *desk
}

// Option configures [New]. A nil option is skipped.
type Option func(*settings) error

type settings struct {
	baseURL string
	region  bool // WithRegion was given
	host    bool // WithBaseURL was given
	org     string
	prefix  string
	pods    int
	timeout time.Duration
	log     *slog.Logger
}

// defaultTimeout is how long a call waits for one answer of Redis: enough for five round trips to one 200 ms away.
const defaultTimeout = time.Second

// New makes a fleet of all processes that use the same Redis with the same credentials. The client remains the
// caller's, who closes it; [Open] makes one. Redis must be version 6 or newer, or Valkey.
//
// New sends nothing, so an unreachable Redis is no error: [Fleet.Ping] checks it.
func New(client redis.UniversalClient, creds dingtalk.AppCredentials, opts ...Option) (*Fleet, error) {
	if client == nil {
		return nil, errors.New("dingtalkredis: the Redis client is nil")
	}
	if err := creds.Check(); err != nil {
		return nil, fmt.Errorf("dingtalkredis: %w", err)
	}
	s := settings{baseURL: string(dingtalk.International), prefix: "openconversation", timeout: defaultTimeout}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&s); err != nil {
			return nil, fmt.Errorf("dingtalkredis: %w", err)
		}
	}
	if s.region && s.host {
		return nil, errors.New("dingtalkredis: WithRegion and WithBaseURL exclude each other")
	}
	seal, err := newSeal(creds.AppSecret)
	if err != nil {
		return nil, errors.New("dingtalkredis: tokens cannot be sealed on this machine: " + err.Error())
	}
	host := strings.TrimRight(s.baseURL, "/")
	return &Fleet{
		redis: client, seal: seal, prefix: s.prefix, pods: s.pods, timeout: s.timeout, process: rand.Text()[:13],
		app: digest(host, creds.AppKey), org: digest(host, cmp.Or(s.org, creds.AppKey)),
		health: &health{log: s.log, now: time.Now, moves: follows(client)}, desk: new(desk),
	}, nil
}

// follows reports whether a client itself finds the node of a cluster's key, or the primary chosen by Sentinels.
func follows(client redis.UniversalClient) bool {
	options := optionsOf(client)
	_, single := options.(*redis.Options)
	return options != nil && !single
}

// WithRegion selects the service of the limit, the budget and the conversions. It must equal the client's region; the
// default is [dingtalk.International] for both. It cannot be combined with [WithBaseURL].
func WithRegion(region dingtalk.Region) Option {
	return func(s *settings) error {
		if region != dingtalk.International && region != dingtalk.MainlandChina {
			return fmt.Errorf("WithRegion: unknown region %q: use dingtalk.International or MainlandChina, or WithBaseURL", region)
		}
		s.baseURL, s.region = string(region), true
		return nil
	}
}

// WithBaseURL is [WithRegion] for another host. It must equal the client's base URL.
func WithBaseURL(baseURL string) Option {
	return func(s *settings) error {
		if u, err := url.Parse(baseURL); err != nil || u.Host == "" {
			return errors.New("WithBaseURL: it is not a URL with a host")
		}
		s.baseURL, s.host = baseURL, true
		return nil
	}
}

// WithPods sets the number of processes that share the limit. It matters only while Redis is down: each process then
// keeps to its share of the rate. Without it, each keeps to the whole rate and slows down when throttled, and the share
// of an [Available] budget depends on the number of processes that Redis last counted.
func WithPods(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithPods: %d is not positive", n)
		}
		s.pods = n
		return nil
	}
}

// WithOrganization names the app's organisation. Apps with the same name share one budget, as they share one quota of
// the service, and their conversions. One app that serves several organisations has a fleet for each, with its name: a chat's
// openConversationId is the organisation's. The default is the app key.
func WithOrganization(name string) Option {
	return func(s *settings) error {
		s.org = name
		return nil
	}
}

// WithPrefix replaces the prefix "openconversation" of every key.
func WithPrefix(prefix string) Option {
	return func(s *settings) error {
		if prefix == "" || strings.ContainsAny(prefix, "{}") {
			return errors.New("WithPrefix: it is empty or holds a brace, which means something to a cluster")
		}
		s.prefix = prefix
		return nil
	}
}

// WithTimeout sets how long a call waits for one answer of Redis before it continues without; the default is 1 s. It must
// be four round trips to Redis or more. A strict [Budget] waits longer: see there. The Redis client's own time-outs and
// retries end within it.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout: %s is not positive", d)
		}
		s.timeout = d
		return nil
	}
}

// WithLogger logs a warning when Redis goes down, and at info level when it is back. It warns of a setup error, such as a
// wrong password, once a minute with the attributes fault, hint and error ([SetupError]), and of clocks that are more than a
// minute apart once an hour.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		s.log = log
		return nil
	}
}

// UsesRedis reports whether Redis takes part: false from its failure until it is back, while each process keeps to
// limits of its own.
func (f *Fleet) UsesRedis() bool {
	f.health.mu.Lock()
	defer f.health.mu.Unlock()
	return !f.health.noted
}

// Misconfigured reports whether Redis does not take part for a setup fault ([SetupError]), which waiting does not cure.
func (f *Fleet) Misconfigured() bool {
	f.health.mu.Lock()
	defer f.health.mu.Unlock()
	return f.health.noted && f.health.fault != "" && f.health.lasting()
}

// key makes a Redis key of the organisation. The part in braces selects the slot in a cluster: one script may use all keys of
// an organisation.
func (f *Fleet) key(parts ...string) string {
	return f.prefix + ":" + schema + ":{" + f.org + "}:" + strings.Join(parts, ":")
}

// tokenKey makes a key of the token that a client keeps under a name. An app has one token, in whatever organisation.
func (f *Fleet) tokenKey(name string, parts ...string) string {
	return strings.Join(append([]string{f.prefix, schema, "token", "{" + digest(name) + "}"}, parts...), ":")
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// do makes one exchange with Redis, unless Redis counts as down.
func do[T any](ctx context.Context, f *Fleet, exchange func(context.Context) (T, error)) (value T, err error) {
	if err := f.health.mayAsk(awayTime); err != nil {
		return value, err
	}
	return guarded(ctx, f, exchange)
}

// guarded makes one exchange within the time limit. It needs a goroutine, because the Redis client does not stop waiting
// for an answer when the context ends.
func guarded[T any](ctx context.Context, f *Fleet, exchange func(context.Context) (T, error)) (value T, err error) {
	limit, hurried := f.timeout, false
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline)/4 < limit {
		limit, hurried = time.Until(deadline)/4, true // the rest is left for the call itself
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	value, err = guard.Within(limited, func() (T, error) { return exchange(limited) }, clientPanicked)
	switch {
	case err == nil || isNone(err):
		f.health.good()
		return value, err
	case ctx.Err() != nil:
		f.health.unknown()
		return value, ctx.Err()
	case hurried && errors.Is(err, context.DeadlineExceeded): // with so little time, a healthy Redis could not have answered either
		f.health.unknown()
	default:
		f.health.bad(ctx, err)
	}
	return value, fmt.Errorf("dingtalkredis: %w", err)
}

func clientPanicked(any) error { return errors.New("the Redis client panicked") }
