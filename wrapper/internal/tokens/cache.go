// Package tokens keeps one app's access token: cache, single flight, early renewal, and an optional store that
// processes share. A function fetches the token; the package knows neither clients nor operations.
package tokens

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

const (
	// renewalPause is the shortest time between background renewals while the old token is valid.
	renewalPause = 30 * time.Second
	// maxLifetime caps lifetimes.
	maxLifetime = 24 * time.Hour
	// minLifetime is that of a token whose own is missing or below leastLifetime: else each call would fetch one.
	minLifetime   = 5 * time.Second
	leastLifetime = time.Second
	// FailureMemory is how long calls fail at once after a lasting failure, or an operation's after a second rejection.
	FailureMemory = 3 * time.Second
	// maxBad is how many tokens of the store in a row may be rejected: the next one comes from the service.
	maxBad = 2
)

// Token is an access token.
type Token struct {
	Value    string
	Lifetime time.Duration // remaining validity; 0 or less if the service sent none
}

// App is whose token a cache holds.
type App interface {
	// Fetch fetches a token from the service.
	Fetch(ctx context.Context) (Token, error)
	// Lasting reports whether the next fetch would fail in the same way.
	Lasting(err error) bool
	// Crashed makes the error of a fetch that panicked; recovered is nil after runtime.Goexit.
	Crashed(recovered any) error
	// Note logs an event of the token; err is nil unless the event is a failure.
	Note(ctx context.Context, event string, err error)
	// Quiet begins a fetch, whose events are kept back until flush: no caller's code runs while others wait.
	Quiet(ctx context.Context) (quiet context.Context, flush func())
}

// Config configures a cache.
type Config struct {
	App    App
	Clock  *clock.Clock
	Early  time.Duration // how long before its end a token is renewed, but at most a fifth of the lifetime
	Limit  time.Duration // longest time of a fetch: a transport that never returns is left behind then
	Shared Shared        // the store that processes share; nil: none
}

// Shared returns the token that processes share, or fetches it through a cache.
type Shared func(ctx context.Context, c *Cache) (*held, error)

// RememberedError is the error of a call that failed at once, after the same failure of a recent call.
type RememberedError struct{ error }

// Unwrap returns the recent call's error.
func (r *RememberedError) Unwrap() error { return r.error }

// Cache holds one app's access token. A hit takes no lock. A miss starts one fetch for all callers (single flight).
// Each caller stops waiting when its own context ends; the fetch is cancelled only when no caller is left.
type Cache struct {
	cfg      Config
	current  atomic.Pointer[flight] // that of the token in use
	rejected atomic.Pointer[flight] // the last one: the next fetch drops it from the store, and does not use it

	mu        sync.Mutex
	flight    *flight   // the fetch in flight
	nextEarly time.Time // no background renewal before
	failure   error     // calls fail with it until failUntil
	failUntil time.Time
	bad       int // rejected tokens of the store in a row
}

// held is a token with its times of renewal and expiry.
type held struct {
	value   string
	stored  bool // the store gave it
	renewAt time.Time
	expires time.Time
}

// hold computes the times of a token requested at begun.
func (c *Config) hold(t Token, begun time.Time) *held {
	lifetime := min(t.Lifetime, maxLifetime)
	expires := begun.Add(lifetime)
	return &held{value: t.Value, expires: expires, renewAt: expires.Add(-min(c.Early, lifetime/5))}
}

// flight is one fetch. done is closed when its result is final; flush then writes its events, each once. A caller does, so
// that no other waits for its logger.
type flight struct {
	token   *held
	err     error
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	flush   func()
}

// New makes a cache.
func New(cfg Config) *Cache { return &Cache{cfg: cfg} }

// Token returns the cached token, or waits for a fetch. again: not one that was rejected and kept.
func (c *Cache) Token(ctx context.Context, again bool) (string, error) {
	now := c.cfg.Clock.Now()
	f, serves := c.valid(now, again)
	if f != nil && (!serves || !now.Before(f.token.renewAt)) {
		c.renew()
	}
	if serves {
		return f.token.value, nil
	}
	if fetch, is := ctx.Value(ownKey{c}).(func() (*held, error)); is { // a call that the store makes: it must not wait for the store
		return value(fetch())
	}
	f, err := c.join(ctx, now, again)
	if err != nil {
		return "", err
	}
	return c.wait(ctx, f)
}

// ownKey is the key, in the context of a store's call, of the function that fetches the token of a cache: this process's
// only request for it at a time, whether the store or the cache asks.
type ownKey struct{ of *Cache }

// valid returns the flight of the token if there is one and it has not expired, and whether it serves the caller.
func (c *Cache) valid(now time.Time, again bool) (f *flight, serves bool) {
	if f = c.current.Load(); f == nil || !now.Before(f.token.expires) {
		return nil, false
	}
	return f, !again || f != c.rejected.Load()
}

func value(t *held, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return t.value, nil
}

// wait waits for a fetch, or leaves it when ctx ends.
func (c *Cache) wait(ctx context.Context, f *flight) (string, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		c.part(f)
	}
	select {
	case <-f.done:
		f.flush()
		return value(f.token, f.err)
	default:
		return "", ctx.Err()
	}
}

// join adds the caller to the fetch in flight, or starts one.
func (c *Cache) join(ctx context.Context, now time.Time, again bool) (*flight, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer guard.Lock(&c.mu)()
	f, serves := c.valid(now, again)
	switch {
	case serves: // another caller fetched it meanwhile
		return f, nil
	case f != nil && c.flight == nil, c.cfg.Clock.Steady().Before(c.failUntil): // a renewal failed lately
		return nil, &RememberedError{c.failure}
	case c.flight == nil:
		c.begin(ctx)
	}
	c.flight.waiters++
	return c.flight, nil
}

// part removes a caller from a fetch, and cancels the fetch after the last one.
func (c *Cache) part(f *flight) {
	defer guard.Lock(&c.mu)()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if c.flight == f {
			c.flight = nil
		}
	}
}

// renew starts a background fetch, for which the cache itself waits, unless one is in flight or was recently. A failure is
// only logged: the old token is valid until its end.
func (c *Cache) renew() {
	defer guard.Lock(&c.mu)()
	now := c.cfg.Clock.Steady()
	if c.flight != nil || now.Before(c.nextEarly) {
		return
	}
	c.nextEarly = now.Add(renewalPause)
	c.begin(context.Background())
	f := c.flight
	f.waiters++
	go func() { _, _ = c.wait(context.Background(), f) }()
}

// begin starts a fetch with a context independent of its waiters': neither their ends nor their traces touch it. c.mu is held.
func (c *Cache) begin(ctx context.Context) {
	if httptrace.ContextClientTrace(ctx) != nil {
		ctx = context.Background()
	}
	limit, get := c.cfg.Limit, c.fetch
	if c.bad >= maxBad {
		c.bad = 0
	} else if c.cfg.Shared != nil {
		limit *= 2 // another process's fetch may come before
		get = func(ctx context.Context) (*held, error) { return c.cfg.Shared(ctx, c) }
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, errStuck)
	quiet, flush := c.cfg.App.Quiet(ctx)
	f := &flight{done: make(chan struct{}), cancel: cancel, flush: flush}
	c.flight = f
	go func() {
		defer cancel()
		token, err := guard.Within(ctx, func() (*held, error) { return get(quiet) }, c.cfg.App.Crashed)
		c.land(f, token, err)
	}()
}

var errStuck = errors.New("the transport does not return, though the request for a token has ended")

// land publishes the result of a fetch.
func (c *Cache) land(f *flight, token *held, err error) {
	lasting := token == nil && c.cfg.App.Lasting(err)
	c.mu.Lock()
	f.token, f.err = token, err
	if c.flight == f {
		c.flight = nil
	}
	if token != nil {
		c.current.Store(f)
		c.failUntil = time.Time{}
	} else if c.failure = err; lasting {
		c.failUntil = c.cfg.Clock.Steady().Add(FailureMemory)
	}
	left := f.waiters == 0
	close(f.done)
	c.mu.Unlock()
	if left {
		f.flush()
	}
}

// Reject drops token, which the service rejected, unless a newer one is in use.
func (c *Cache) Reject(_ context.Context, token string) { c.reject(token, false) }

// reject is Reject. keep: the token serves others until there is another. again reports whether the next one deserves another
// try: it comes from the service after two bad ones of the store.
func (c *Cache) reject(token string, keep bool) (again bool) {
	defer guard.Lock(&c.mu)()
	f := c.current.Load()
	if f == nil || f.token.value != token {
		return false
	}
	if !keep {
		c.current.Store(nil)
	}
	if c.rejected.Swap(f) == f {
		return false
	}
	c.nextEarly = time.Time{}
	if c.bad++; !f.token.stored {
		c.bad = 0
	}
	return c.bad == maxBad
}

// fetch fetches a token from the service and computes its times.
func (c *Cache) fetch(ctx context.Context) (*held, error) {
	begun := c.cfg.Clock.Now()
	token, err := c.cfg.App.Fetch(ctx)
	if err != nil {
		c.cfg.App.Note(ctx, "fetch failed", err)
		return nil, err
	}
	t := c.cfg.hold(token, begun)
	if token.Lifetime < leastLifetime {
		t.expires = begun.Add(minLifetime)
		t.renewAt = t.expires
		const odd = "the service gave a token without a lifetime"
		c.cfg.App.Note(ctx, odd, errors.New(odd))
	}
	c.cfg.App.Note(ctx, "fetched", nil)
	return t, nil
}
