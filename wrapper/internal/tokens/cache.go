// Package tokens keeps one app's access token: a cache, one flight for all that wait, renewal before the end, and what
// processes share. It asks for a token through a function, and knows neither clients nor operations.
package tokens

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

const (
	// renewalPause is the least time between renewals in the background, while the old token still serves.
	renewalPause = 30 * time.Second
	// maxLifetime caps an absurd lifetime.
	maxLifetime = 24 * time.Hour
	// minLifetime is how long a token is used whose lifetime is missing or below leastLifetime: such a token must not be
	// kept, but neither may each call fetch one.
	minLifetime   = 5 * time.Second
	leastLifetime = time.Second
	// failureMemory is how long a lasting failure fails further calls at once.
	failureMemory = 3 * time.Second
)

// Token is an access token.
type Token struct {
	Value    string
	Lifetime time.Duration // from now on; 0 or less if the service gave none
}

// Fetch asks the service for a token.
type Fetch func(context.Context) (Token, error)

// Config is what a cache needs.
type Config struct {
	Clock clock.Clock
	Fetch Fetch
	// Early is how long before its end a token is renewed; a fifth of the lifetime, if that is less.
	Early time.Duration
	// Lasting reports whether a failed fetch would fail in the same way a moment later.
	Lasting func(error) bool
	// Crashed is the error of a fetch that panicked, or that ended its goroutine if recovered is nil.
	Crashed func(recovered any) error
	// Note is told of what happens to the token; err is nil unless it is a failure.
	Note func(ctx context.Context, event string, err error)
	// Warn is told of what an operator should see.
	Warn func(ctx context.Context, msg string)
	// Shared is what processes share; nil: the token is this process's own.
	Shared Shared
}

// Shared is a token that other processes have too.
type Shared interface {
	// get returns a token that another process keeps, or one that fetch gets.
	get(ctx context.Context, cfg *Config, fetch func(context.Context) (*held, error)) (*held, error)
	// mark notes that a token was rejected: it is not used if the store has it still.
	mark(token string)
	drop(ctx context.Context, cfg *Config, token string)
}

// RememberedError is the error of a call that failed because another did a moment ago.
type RememberedError struct{ Err error }

func (r *RememberedError) Error() string { return r.Err.Error() }

// Unwrap returns what the other call met.
func (r *RememberedError) Unwrap() error { return r.Err }

// Cache holds one app's access token. A hit takes no lock. A miss makes one fetch, whoever waits for it: each caller
// leaves on its own context, and the fetch ends early only when all have left.
type Cache struct {
	cfg     Config
	current atomic.Pointer[held]

	mu        sync.Mutex
	flight    *flight   // the fetch under way
	nextEarly time.Time // no renewal in the background before this
	failure   error     // what calls get until failUntil
	failUntil time.Time
}

// held is a token and its times.
type held struct {
	value   string
	renewAt time.Time
	expires time.Time
}

// hold sets the times of a token that was asked for at begun.
func (c *Config) hold(t Token, begun time.Time) *held {
	lifetime := min(t.Lifetime, maxLifetime)
	expires := begun.Add(lifetime)
	return &held{value: t.Value, expires: expires, renewAt: expires.Add(-min(c.Early, lifetime/5))}
}

// flight is one fetch. done is closed when token and err are final.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	token   *held
	err     error
}

// New makes a cache.
func New(cfg Config) *Cache { return &Cache{cfg: cfg} }

// Token returns the token in use, or waits for a fetch.
func (c *Cache) Token(ctx context.Context) (string, error) {
	now := c.cfg.Clock.Now()
	if t := c.current.Load(); t != nil && now.Before(t.expires) {
		if !now.Before(t.renewAt) {
			c.renew(now)
		}
		return t.value, nil
	}
	f, err := c.join(ctx, now)
	if err != nil {
		return "", err
	}
	select {
	case <-f.done:
		if f.err != nil {
			return "", f.err
		}
		return f.token.value, nil
	case <-ctx.Done():
		c.part(f)
		return "", ctx.Err()
	}
}

// join adds the caller to the fetch under way, or begins one.
func (c *Cache) join(ctx context.Context, now time.Time) (*flight, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.current.Load(); t != nil && now.Before(t.expires) {
		return landed(t), nil
	}
	// More left than there was at first means that the clock was set back.
	if left := c.failUntil.Sub(now); left > 0 && left <= failureMemory {
		return nil, &RememberedError{c.failure}
	}
	if c.flight == nil {
		c.begin(ctx)
	}
	c.flight.waiters++
	return c.flight, nil
}

// landed wraps a token that another caller fetched meanwhile.
func landed(t *held) *flight {
	f := &flight{done: make(chan struct{}), token: t}
	close(f.done)
	return f
}

// part takes a caller out that does not wait any longer. Nobody needs a fetch that nobody waits for.
func (c *Cache) part(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if c.flight == f {
			c.flight = nil
		}
	}
}

// renew begins a fetch in the background, unless one is under way or was a moment ago. Its failure is only noted: the old
// token serves until its end.
func (c *Cache) renew(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight != nil || now.Before(c.nextEarly) {
		return
	}
	c.nextEarly = now.Add(renewalPause)
	c.begin(context.Background())
	c.flight.waiters++ // the cache itself
}

// begin starts a fetch, apart from the contexts of those who wait for it. c.mu is held.
func (c *Cache) begin(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	c.flight = f
	go func() {
		defer cancel()
		f.err = c.cfg.Crashed(nil) // what foreign code does to this goroutine must not leave the others waiting
		defer func() {
			if v := recover(); v != nil {
				f.err = c.cfg.Crashed(v)
			}
			c.land(f)
		}()
		if c.cfg.Shared != nil {
			f.token, f.err = c.cfg.Shared.get(ctx, &c.cfg, c.fetch)
		} else {
			f.token, f.err = c.fetch(ctx)
		}
	}()
}

// land ends a fetch.
func (c *Cache) land(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight == f {
		c.flight = nil
	}
	if f.token != nil {
		c.current.Store(f.token)
		c.failUntil = time.Time{}
	} else if c.cfg.Lasting(f.err) {
		c.failFast(f.err)
	}
	close(f.done)
}

// Reject drops a token that the service rejected. Another that came meanwhile stays.
func (c *Cache) Reject(ctx context.Context, token string) {
	t := c.current.Load()
	if t == nil || t.value != token {
		return
	}
	if c.cfg.Shared != nil {
		c.cfg.Shared.mark(token) // first, since others ask the store as soon as the cache is empty
	}
	if c.current.CompareAndSwap(t, nil) && c.cfg.Shared != nil {
		c.cfg.Shared.drop(ctx, &c.cfg, token)
	}
}

// Remember makes further calls fail with err for a moment, since another token did not help.
func (c *Cache) Remember(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failFast(err)
}

// failFast makes calls fail with err for a while. c.mu is held.
func (c *Cache) failFast(err error) {
	c.failure, c.failUntil = err, c.cfg.Clock.Now().Add(failureMemory)
}

// Waiters is how many callers wait for the fetch that is under way; -1 if none is.
func (c *Cache) Waiters() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight == nil {
		return -1
	}
	return c.flight.waiters
}

// fetch asks the service for a token, and sets its times.
func (c *Cache) fetch(ctx context.Context) (*held, error) {
	begun := c.cfg.Clock.Now()
	token, err := c.cfg.Fetch(ctx)
	if err != nil {
		c.cfg.Note(ctx, "fetch failed", err)
		return nil, err
	}
	t := c.cfg.hold(token, begun)
	if token.Lifetime < leastLifetime {
		t.expires = begun.Add(minLifetime)
		t.renewAt = t.expires
		c.cfg.Warn(ctx, "the service gave a token without a lifetime")
	}
	c.cfg.Note(ctx, "fetched", nil)
	return t, nil
}
