package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

const (
	// refreshEarly is how long before its end a token is renewed; a fifth of the lifetime, if that is less.
	refreshEarly = generated.TokenRenewalTime
	// refreshPause is the least time between renewals in the background, while the old token still serves.
	refreshPause = 30 * time.Second
	// maxLifetime caps an absurd expireIn.
	maxLifetime = 24 * time.Hour
	// minLifetime is how long a token is used whose expireIn is missing or below leastLifetime: such a token must not
	// be kept, but neither may each call fetch one.
	minLifetime   = 5 * time.Second
	leastLifetime = time.Second
	// failureMemory is how long wrong credentials, or a new token that was rejected too, fail further calls at once.
	failureMemory = 3 * time.Second
)

// tokenCache holds one app's access token. A hit takes no lock. A miss makes one request, whoever waits for it: each
// caller leaves on its own context, and the request ends early only when all have left.
type tokenCache struct {
	client  *Client
	creds   AppCredentials
	shared  tokenSharing // nil: the token is this process's own
	current atomic.Pointer[heldToken]

	mu        sync.Mutex
	flight    *flight   // the request under way
	nextEarly time.Time // no renewal in the background before this
	failure   *Error    // what calls get until failUntil
	failUntil time.Time
}

type heldToken struct {
	value   string
	renewAt time.Time
	expires time.Time
}

// flight is one request for a token. done is closed when held and err are final.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	held    *heldToken
	err     *Error
}

func (t *tokenCache) Token(ctx context.Context) (string, error) {
	now := t.client.clock.now()
	if held := t.current.Load(); held != nil && now.Before(held.expires) {
		if !now.Before(held.renewAt) {
			t.renew(now)
		}
		return held.value, nil
	}
	f, err := t.join(ctx, now)
	if err != nil {
		return "", err
	}
	select {
	case <-f.done:
		if f.err != nil {
			return "", f.err
		}
		return f.held.value, nil
	case <-ctx.Done():
		t.part(f)
		return "", ctx.Err()
	}
}

// join adds the caller to the request under way, or begins one.
func (t *tokenCache) join(ctx context.Context, now time.Time) (*flight, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if held := t.current.Load(); held != nil && now.Before(held.expires) {
		return landed(held), nil
	}
	// More left than there was at first means that the clock was set back.
	if left := t.failUntil.Sub(now); left > 0 && left <= failureMemory {
		remembered := *t.failure
		remembered.Local, remembered.Attempts = true, 0
		return nil, &remembered
	}
	if t.flight == nil {
		t.begin(ctx)
	}
	t.flight.waiters++
	return t.flight, nil
}

// landed is the flight of another caller that ended in between.
func landed(held *heldToken) *flight {
	f := &flight{done: make(chan struct{}), held: held}
	close(f.done)
	return f
}

// part takes a caller out that does not wait any longer. Nobody needs a request that nobody waits for.
func (t *tokenCache) part(f *flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if t.flight == f {
			t.flight = nil
		}
	}
}

// renew begins a request in the background, unless one is under way or was a moment ago. Its failure is only logged:
// the old token serves until its end.
func (t *tokenCache) renew(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flight != nil || now.Before(t.nextEarly) {
		return
	}
	t.nextEarly = now.Add(refreshPause)
	t.begin(context.Background())
	t.flight.waiters++ // the cache itself
}

// begin starts a request, apart from the contexts of those who wait for it. t.mu is held.
func (t *tokenCache) begin(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	t.flight = f
	go func() {
		defer cancel()
		// What a caller's transport does to this goroutine must not leave the others waiting.
		err := unfinishedFetch()
		var held *heldToken
		defer func() { t.land(f, held, err) }()
		if t.shared != nil {
			held, err = t.shared.token(ctx, t.client.clock.now, t.fetch)
		} else {
			held, err = t.fetch(ctx)
		}
	}()
}

// unfinishedFetch is the error of a request that ended without a result.
func unfinishedFetch() *Error {
	return &Error{Op: generated.OperationGetAccessToken.ID, Kind: ErrUnavailable, TokenEndpoint: true, Message: "the request was given up"}
}

// land ends a request.
func (t *tokenCache) land(f *flight, held *heldToken, err *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.held, f.err = held, err
	if t.flight == f {
		t.flight = nil
	}
	if held != nil {
		t.current.Store(held)
		t.failUntil = time.Time{}
	} else if errors.Is(err.Kind, ErrUnauthenticated) {
		t.failFast(err)
	}
	close(f.done)
}

// reject drops a token that the service rejected. Another that came meanwhile stays.
func (t *tokenCache) reject(ctx context.Context, token string) {
	held := t.current.Load()
	if held == nil || held.value != token {
		return
	}
	if t.shared != nil {
		t.shared.mark(token) // first, since others ask the store as soon as the cache is empty
	}
	if t.current.CompareAndSwap(held, nil) && t.shared != nil {
		t.shared.drop(ctx, token)
	}
}

func (t *tokenCache) remember(err *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := *err // whose call goes on writing to it
	t.failFast(&own)
}

// failFast makes calls fail with err for a while. t.mu is held.
func (t *tokenCache) failFast(err *Error) {
	t.failure, t.failUntil = err, t.client.clock.now().Add(failureMemory)
}

// fetch asks the service for a token, repeating as any call does.
func (t *tokenCache) fetch(ctx context.Context) (*heldToken, *Error) {
	begun := t.client.clock.now()
	var out tokenAnswer
	op := operation{
		id:     generated.OperationGetAccessToken.ID,
		public: true,
		secret: t.creds.AppSecret,
		send: func(ctx context.Context, api *generated.Client) (*http.Response, error) {
			return api.GetAccessToken(ctx, generated.GetAccessTokenJSONRequestBody(t.creds))
		},
		result: func(body []byte) (string, bool) {
			err := json.Unmarshal(body, &out)
			return out.AccessToken, err == nil && checkHeaderValue(out.AccessToken) == nil
		},
	}
	if err := t.client.call(ctx, &op); err != nil {
		err.TokenEndpoint = true
		t.client.log.token(ctx, "fetch failed", err)
		return nil, err
	}
	lifetime := out.lifetime()
	held := &heldToken{value: out.AccessToken, expires: begun.Add(lifetime)}
	held.renewAt = held.expires.Add(-min(refreshEarly, lifetime/5))
	if lifetime < leastLifetime {
		held.expires = begun.Add(minLifetime)
		held.renewAt = held.expires
		t.client.log.warn(ctx, "the service gave a token without a lifetime")
	}
	t.client.log.token(ctx, "fetched", nil)
	return held, nil
}

// tokenAnswer is generated.GetAccessTokenResponseBody as leniently as it has been seen: a lifetime that is a string, a
// fraction or too large for its type must not cost the token.
type tokenAnswer struct {
	AccessToken string `json:"accessToken"`
	ExpireIn    text   `json:"expireIn"`
}

func (a tokenAnswer) lifetime() time.Duration {
	seconds, err := strconv.ParseFloat(string(a.ExpireIn), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(seconds) {
		return 0
	}
	return time.Duration(min(max(seconds, 0), maxLifetime.Seconds()) * float64(time.Second))
}
