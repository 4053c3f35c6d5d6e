package dingtalkredis

import (
	"cmp"
	"context"
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
	scope   string // of the limit and the conversions: host and app
	org     string // of the budget: host and organisation
	prefix  string
	pods    int
	timeout time.Duration
	health  *health
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

// defaultTimeout is how long a call waits for one answer of Redis.
const defaultTimeout = 250 * time.Millisecond

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
		redis: client, seal: seal, prefix: s.prefix, pods: s.pods, timeout: s.timeout,
		scope:  host + "\x00" + creds.AppKey,
		org:    host + "\x00" + cmp.Or(s.org, creds.AppKey),
		health: &health{rest: awayTime, outage: &outage{log: s.log, now: time.Now, moves: follows(client)}},
	}, nil
}

// follows reports whether a client itself finds the node of a cluster's key, or the primary chosen by Sentinels.
func follows(client redis.UniversalClient) bool {
	single, ok := client.(*redis.Client)
	return !ok || single.Options().Addr == "FailoverClient" // the Redis client's name for it
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
// the service. The default is the app key: the app has its own budget.
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

// WithTimeout sets how long a call waits for one answer of Redis before it continues without; the default is 250 ms. At
// the start of an outage, a [TokenStore] waits half a second once, and a [Budget] two seconds; a strict one then tries
// again for ten seconds. The Redis client's own time-outs and retries end within it.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout: %s is not positive", d)
		}
		s.timeout = d
		return nil
	}
}

// WithLogger logs a warning when Redis goes down, and at info level when it is back. It logs setup errors, such as a
// wrong password, once a minute with the attributes fault, hint and error: see [SetupError].
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		s.log = log
		return nil
	}
}

// UsesRedis reports whether Redis takes part: false from its failure until it is back, while each process keeps to
// limits of its own.
func (f *Fleet) UsesRedis() bool {
	f.health.outage.mu.Lock()
	defer f.health.outage.mu.Unlock()
	return !f.health.outage.away
}

// patient returns a fleet whose first call in an outage waits longer before Redis counts as down. Later calls use the
// usual limit until Redis answers.
func (f *Fleet) patient(patience, rest time.Duration) *Fleet {
	own := *f
	own.health = &health{outage: f.health.outage, patience: patience, rest: rest}
	return &own
}

// key makes a Redis key. The part in braces selects the slot in a cluster.
func (f *Fleet) key(kind, owner string, rest ...string) string {
	sum := sha256.Sum256([]byte(owner))
	key := f.prefix + ":" + schema + ":" + kind + ":{" + hex.EncodeToString(sum[:16]) + "}"
	for _, part := range rest {
		key += ":" + part
	}
	return key
}

// errAway is returned at once, for a moment, after a call without an answer of Redis.
var errAway = errors.New("dingtalkredis: Redis did not answer a moment ago")

// ask runs one exchange with Redis within the time limit. It needs a goroutine, because the Redis client does not stop
// waiting for an answer when the context ends.
func ask[T any](ctx context.Context, f *Fleet, exchange func(context.Context) (T, error)) (T, error) {
	var none T
	if !f.health.mayAsk() {
		return none, errAway
	}
	limit := f.health.limit(f.timeout)
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/4) // the rest is left for the call itself
	}
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	value, failed := guard.Within(limited, func() (T, error) { return exchange(limited) }, clientPanicked)
	// With so little time, a healthy Redis could not have answered either.
	hurried := time.Since(begun) < f.timeout/5
	if err := ctx.Err(); err != nil && failed != nil {
		if hurried {
			f.health.unknown()
		} else {
			f.health.bad(ctx, err)
		}
		return none, err
	}
	if isNone(failed) {
		f.health.good()
		return none, redis.Nil
	}
	if failed != nil {
		if hurried && errors.Is(failed, context.DeadlineExceeded) {
			f.health.unknown()
		} else {
			f.health.bad(ctx, failed)
		}
		return none, fmt.Errorf("dingtalkredis: %w", failed)
	}
	f.health.good()
	return value, nil
}
