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
	// failureMemory is how long calls fail at once after a lasting failure.
	failureMemory = 3 * time.Second
)

// Token is an access token.
type Token struct {
	Value    string
	Lifetime time.Duration // remaining validity; 0 or less if the service sent none
}

// Fetch fetches a token from the service.
type Fetch func(context.Context) (Token, error)

// App is whose token a cache holds.
type App interface {
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
	App
	Clock  clock.Clock
	Early  time.Duration // how long before its end a token is renewed, but at most a fifth of the lifetime
	Limit  time.Duration // longest time of a fetch: a transport that never returns is left behind then
	Shared Shared        // the store that processes share; nil: none
}

// Shared is a token shared with other processes. get returns the stored token, or fetches one.
type Shared interface {
	get(ctx context.Context, cfg *Config, fetch func(context.Context) (*held, error)) (*held, error)
	// mark records a rejected token: it is not used even if the store still has it. again: two in a row were the store's,
	// so the next one comes from the service.
	mark(t *held) (again bool)
	drop(ctx context.Context, cfg *Config, token string)
}

// RememberedError is the error of a call that failed at once, after the same failure of a recent call.
type RememberedError struct{ Err error }

func (r *RememberedError) Error() string { return r.Err.Error() }

// Unwrap returns the recent call's error.
func (r *RememberedError) Unwrap() error { return r.Err }

// Cache holds one app's access token. A hit takes no lock. A miss starts one fetch for all callers (single flight).
// Each caller stops waiting when its own context ends; the fetch is cancelled only when no caller is left.
type Cache struct {
	cfg     Config
	current atomic.Pointer[held]

	mu        sync.Mutex
	flight    *flight   // the fetch in flight
	nextEarly time.Time // no background renewal before
	failure   error     // calls fail with it until failUntil
	failUntil time.Time
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

// fetched is the result of a fetch.
type fetched struct {
	token *held
	err   error
}

func (f *fetched) result() (string, error) {
	if f.err != nil {
		return "", f.err
	}
	return f.token.value, nil
}

// flight is one fetch. done is closed when its result is final.
type flight struct {
	fetched
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	landed  bool
	told    atomic.Bool
	flush   func()
}

// tell logs what happened in a flight that has landed: one caller does, and no other waits for its logger.
func (f *flight) tell() {
	if f.told.CompareAndSwap(false, true) {
		f.flush()
	}
}

// New makes a cache.
func New(cfg Config) *Cache { return &Cache{cfg: cfg} }

// Token returns the cached token, or waits for a fetch.
func (c *Cache) Token(ctx context.Context) (string, error) {
	now := c.cfg.Clock.Now()
	if t := c.current.Load(); t != nil && now.Before(t.expires) {
		if !now.Before(t.renewAt) {
			c.renew()
		}
		return t.value, nil
	}
	if own, is := ctx.Value(ownKey{}).(*ownFetch); is { // a call that the store makes: it must not wait for the store
		return own.run().result()
	}
	f, err := c.join(ctx, now)
	if err != nil {
		return "", err
	}
	select {
	case <-f.done:
		f.tell()
		return f.result()
	case <-ctx.Done():
		if c.part(f) {
			f.tell()
		}
		return "", ctx.Err()
	}
}

// join adds the caller to the fetch in flight, or starts one.
func (c *Cache) join(ctx context.Context, now time.Time) (*flight, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.current.Load(); t != nil && now.Before(t.expires) { // another caller fetched it meanwhile
		f := &flight{done: make(chan struct{}), fetched: fetched{token: t}, flush: func() {}}
		close(f.done)
		return f, nil
	}
	if c.cfg.Clock.Steady().Before(c.failUntil) {
		return nil, &RememberedError{c.failure}
	}
	if c.flight == nil {
		c.begin(ctx)
	}
	c.flight.waiters++
	return c.flight, nil
}

// part removes a caller from a fetch, and cancels the fetch after the last one.
func (c *Cache) part(f *flight) (landed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if c.flight == f {
			c.flight = nil
		}
	}
	return f.landed
}

// renew starts a background fetch, unless one is in flight or was recently. A failure is only logged: the old token is
// valid until its end.
func (c *Cache) renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock.Steady()
	if c.flight != nil || now.Before(c.nextEarly) {
		return
	}
	c.nextEarly = now.Add(renewalPause)
	c.begin(context.Background())
	c.flight.waiters++ // the cache itself waits
	f := c.flight
	go func() {
		<-f.done
		f.tell()
	}()
}

// begin starts a fetch with a context independent of its waiters': neither their ends nor their traces touch it. c.mu is
// held.
func (c *Cache) begin(ctx context.Context) {
	if httptrace.ContextClientTrace(ctx) != nil {
		ctx = context.Background()
	}
	limit := c.cfg.Limit
	if c.cfg.Shared != nil {
		limit *= 2 // another process's fetch may come before
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, errStuck)
	quiet, flush := c.cfg.Quiet(ctx)
	f := &flight{done: make(chan struct{}), cancel: cancel, flush: flush}
	c.flight = f
	go func() {
		defer cancel()
		token, err := guard.Within(ctx, func() (*held, error) {
			if c.cfg.Shared != nil {
				return c.cfg.Shared.get(quiet, &c.cfg, c.fetch)
			}
			return c.fetch(quiet)
		}, c.cfg.Crashed)
		if token == nil && errors.Is(context.Cause(ctx), errStuck) {
			err = c.cfg.Crashed(errStuck)
		}
		c.land(f, token, err)
	}()
}

var (
	errStuck      = errors.New("the transport does not return, though its request has ended")
	errNoLifetime = errors.New("the service gave a token without a lifetime")
)

// land publishes the result of a fetch.
func (c *Cache) land(f *flight, token *held, err error) {
	if token == nil && c.cfg.Lasting(err) {
		c.Remember(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.landed, f.token, f.err = true, token, err
	if c.flight == f {
		c.flight = nil
	}
	if token != nil {
		c.current.Store(token)
		c.failUntil = time.Time{}
	}
	close(f.done)
	if f.waiters == 0 {
		go f.tell()
	}
}

// Reject drops token, which the service rejected, but keeps a newer one. again reports whether the next token deserves
// another try, because it comes from the service after two bad ones of the store.
func (c *Cache) Reject(ctx context.Context, token string) (again bool) {
	t := c.current.Load()
	if t == nil || t.value != token {
		return false
	}
	if c.cfg.Shared != nil {
		again = c.cfg.Shared.mark(t) // first: other callers ask the store as soon as the cache is empty
	}
	if c.current.CompareAndSwap(t, nil) && c.cfg.Shared != nil {
		c.cfg.Shared.drop(ctx, &c.cfg, token)
	}
	return again
}

// Remember makes further calls fail with err for a moment, because a new token was rejected too.
func (c *Cache) Remember(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure, c.failUntil = err, c.cfg.Clock.Steady().Add(failureMemory)
}

// fetch fetches a token from the service and computes its times.
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
		c.cfg.Note(ctx, "the service gave a token without a lifetime", errNoLifetime)
	}
	c.cfg.Note(ctx, "fetched", nil)
	return t, nil
}

// storeLimit is the time limit of a store, without a fetch of its own.
const storeLimit = 2 * time.Second

// ownKey is the key of the ownFetch in the context of a store's call.
type ownKey struct{}

// ownFetch is this process's only token request at a time, whether the store calls it or the cache does.
type ownFetch struct {
	fetched
	once  sync.Once
	begun atomic.Bool
	slow  *time.Timer // ends the store's time: that of the request does not count
	fetch func() (*held, error)
}

func (o *ownFetch) run() *fetched {
	o.once.Do(func() {
		o.begun.Store(true)
		o.slow.Stop()
		o.token, o.err = o.fetch()
		o.slow.Reset(storeLimit)
	})
	return &o.fetched
}
