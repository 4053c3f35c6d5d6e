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
)

// Fleet is what the processes of one app share. Make one with [New]; each of its methods makes one thing to share.
type Fleet struct {
	redis   redis.UniversalClient
	seal    *seal  // of access tokens; all that is kept of the app secret
	scope   string // what the limit and the conversions belong to: host and app
	org     string // what the budget belongs to: host and organisation
	prefix  string
	pods    int
	timeout time.Duration
	health  *health
}

// Option changes what [New] makes. A nil one is skipped.
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

// New makes a fleet of the processes that use the same Redis with the same credentials. The client is the caller's, such
// as one of [Open]; it is not closed. Redis must be version 6 or newer, or Valkey.
//
// Nothing is sent yet, and an absent Redis is no error: [Fleet.Ping] tells whether it can be used.
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

// follows is whether a client finds by itself where a cluster's key is, or which server a Sentinel has made the primary.
func follows(client redis.UniversalClient) bool {
	single, ok := client.(*redis.Client)
	return !ok || single.Options().Addr == "FailoverClient" // the name that the Redis client gives it
}

// WithRegion says which service the limit, the budget and the conversions are about. It must be the client's own region;
// the default is [dingtalk.International], as it is there. It excludes [WithBaseURL].
func WithRegion(region dingtalk.Region) Option {
	return func(s *settings) error {
		if region != dingtalk.International && region != dingtalk.MainlandChina {
			return fmt.Errorf("WithRegion: unknown region %q: use dingtalk.International or MainlandChina, or WithBaseURL", region)
		}
		s.baseURL, s.region = string(region), true
		return nil
	}
}

// WithBaseURL is [WithRegion] for a host of one's own: it must be the client's own base URL.
func WithBaseURL(baseURL string) Option {
	return func(s *settings) error {
		if u, err := url.Parse(baseURL); err != nil || u.Host == "" {
			return errors.New("WithBaseURL: it is not a URL with a host")
		}
		s.baseURL, s.host = baseURL, true
		return nil
	}
}

// WithPods says how many processes share the limit. It matters only while Redis is away: then each keeps to its share.
// Without it, each keeps to the whole limit by itself, and throttles of the service slow it down; the share of an
// [Available] budget goes by how many processes Redis has lately counted.
func WithPods(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithPods: %d is not positive", n)
		}
		s.pods = n
		return nil
	}
}

// WithOrganization names the organisation that the app belongs to. Apps that give the same name share one budget, as
// they share one quota at the service. The default is the app key: a budget of the app's own.
func WithOrganization(name string) Option {
	return func(s *settings) error {
		s.org = name
		return nil
	}
}

// WithPrefix begins the name of every key with prefix instead of "openconversation".
func WithPrefix(prefix string) Option {
	return func(s *settings) error {
		if prefix == "" || strings.ContainsAny(prefix, "{}") {
			return errors.New("WithPrefix: it is empty or holds a brace, which means something to a cluster")
		}
		s.prefix = prefix
		return nil
	}
}

// WithTimeout says how long a call waits for one answer of Redis before it goes on without; 250 ms if not given. At
// the beginning of an outage a [TokenStore] waits half a second once, and a [Budget] two; a strict one then tries again
// until ten seconds are over. The Redis client's own time-outs and repeats lie within it.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout: %s is not positive", d)
		}
		s.timeout = d
		return nil
	}
}

// WithLogger warns once when Redis goes away, and says at info level when it is back. Of what waiting does not cure, as a
// wrong password, it warns once a minute, with the attributes fault, hint and error: see [SetupError].
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) error {
		s.log = log
		return nil
	}
}

// patient is the fleet for those to whom Redis matters more: the first call waits longer before it takes Redis for
// away. Those after it wait no longer than others, until Redis answers.
func (f *Fleet) patient(patience, rest time.Duration) *Fleet {
	own := *f
	own.health = &health{outage: f.health.outage, patience: patience, rest: rest}
	return &own
}

// key names what a fleet keeps. Each script uses one key, and what is in braces decides its place in a cluster.
func (f *Fleet) key(kind, owner string, rest ...string) string {
	sum := sha256.Sum256([]byte(owner))
	key := f.prefix + ":" + schema + ":" + kind + ":{" + hex.EncodeToString(sum[:16]) + "}"
	for _, part := range rest {
		key += ":" + part
	}
	return key
}

// errAway is what a call gets at once for a moment after one that Redis did not answer.
var errAway = errors.New("dingtalkredis: Redis did not answer a moment ago")

// ask runs one exchange with Redis within the time limit. The Redis client itself does not leave an answer that it
// waits for when a context ends, so that is left to a goroutine.
func ask[T any](ctx context.Context, f *Fleet, exchange func(context.Context) (T, error)) (T, error) {
	var none T
	if !f.health.mayAsk() {
		return none, errAway
	}
	limit := f.health.limit(f.timeout)
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/4) // the rest is for the call itself
	}
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		r := result{err: errors.New("dingtalkredis: the Redis client panicked")}
		defer func() {
			_ = recover()
			results <- r
		}()
		r.value, r.err = exchange(limited)
	}()
	var r result
	select {
	case r = <-results:
	case <-limited.Done():
		r.err = limited.Err()
	}
	// Nobody could have answered a caller who was in such a hurry.
	hurried := time.Since(begun) < f.timeout/5
	if err := ctx.Err(); err != nil && r.err != nil {
		if hurried {
			f.health.unknown()
		} else {
			f.health.bad(ctx, err)
		}
		return none, err
	}
	if isNone(r.err) {
		f.health.good()
		return none, redis.Nil
	}
	if r.err != nil {
		if hurried && errors.Is(r.err, context.DeadlineExceeded) {
			f.health.unknown()
		} else {
			f.health.bad(ctx, r.err)
		}
		return none, fmt.Errorf("dingtalkredis: %w", r.err)
	}
	f.health.good()
	return r.value, nil
}
