package dingtalk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// TokenStore shares access tokens between the processes of one app, so that a fleet fetches one token instead of one
// each. Package dingtalkredis has one. The client's own cache stays in front of it: a store is asked when that has no
// token, when its token is due for renewal, and when the service rejected it.
//
// A store is an aid. One that fails, panics, takes longer than two seconds or returns what cannot be a token costs a
// warning in the client's log, and the client goes on by itself. Methods are called from many goroutines.
type TokenStore interface {
	// Token returns the token that is kept under key, or else the one that fetch returns, after keeping it. Of all
	// processes that ask at the same time, one should fetch. A token that is near its end counts as none, except for
	// those that would have to wait for another process to fetch.
	Token(ctx context.Context, key string, fetch func(context.Context) (Token, error)) (Token, error)

	// Drop removes the token that the service rejected. Another that is kept under key by now stays.
	Drop(ctx context.Context, key, token string) error
}

// Token is an access token as a [TokenStore] sees it. Its value is not printed by accident.
type Token struct {
	Value    string
	Lifetime time.Duration // how long it is valid from now on
}

// String does not tell the token.
func (t Token) String() string {
	return "dingtalk.Token(" + redacted + ", " + t.Lifetime.String() + ")"
}

// GoString is [Token.String], for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue is [Token.String], for [log/slog].
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON refuses to write a secret.
func (t Token) MarshalJSON() ([]byte, error) {
	return nil, errors.New("dingtalk: a Token is not marshalled: it is a secret")
}

// WithTokenStore shares the app's token with other processes. The key that the store is given is made of the client's
// host, the app key and a digest of the app secret, so no other app's token is found under it, nor one that was fetched
// with a secret that has been replaced since. It needs [AppCredentials].
func WithTokenStore(store TokenStore) Option {
	return func(c *config) error {
		c.shareTokens = nil
		if store != nil {
			c.shareTokens = func(client *Client, creds AppCredentials) tokenSharing {
				return &sharedTokens{store: store, key: storeKey(client.transport.plain.Server.String(), creds), log: client.log}
			}
		}
		return nil
	}
}

// storeLimit is how long a store may take for what it does by itself, the waiting for another process included.
const storeLimit = 2 * time.Second

// tokenSharing is what a token cache knows of [sharedTokens]. Nothing but [WithTokenStore] refers to those, so that an
// app without a store does not link them.
type tokenSharing interface {
	token(ctx context.Context, now func() time.Time, fetch fetcher) (*heldToken, *Error)
	// mark notes that a token was rejected: it is not used if the store has it still.
	mark(token string)
	drop(ctx context.Context, token string)
}

type fetcher func(context.Context) (*heldToken, *Error)

// sharedTokens asks a store, and copes with whatever it does.
type sharedTokens struct {
	store TokenStore
	key   string
	log   logger

	mu       sync.Mutex
	failing  bool   // a warning was logged, and the store has not answered since
	rejected string // the last token that the service rejected; a store that could not be told may still hold it
}

func storeKey(baseURL string, creds AppCredentials) string {
	digest := hmac.New(sha256.New, []byte(creds.AppSecret))
	digest.Write([]byte("openconversation token key\x00" + baseURL + "\x00" + creds.AppKey))
	return baseURL + " " + creds.AppKey + " " + hex.EncodeToString(digest.Sum(nil)[:16])
}

// ownFetch is the one request for a token that a process makes at a time, whether the store asks for it or is passed
// over.
type ownFetch struct {
	once  sync.Once
	begun chan struct{}
	done  chan struct{}
	held  *heldToken
	err   *Error
}

func (o *ownFetch) run(ctx context.Context, fetch fetcher) (*heldToken, *Error) {
	o.once.Do(func() {
		close(o.begun)
		defer close(o.done)
		o.err = unfinishedFetch()
		o.held, o.err = fetch(ctx)
	})
	<-o.done
	return o.held, o.err
}

func (s *sharedTokens) token(ctx context.Context, now func() time.Time, fetch fetcher) (*heldToken, *Error) {
	own := &ownFetch{begun: make(chan struct{}), done: make(chan struct{})}
	for range 2 { // a second look, for what another process has put in the place of a rejected token
		found, err := s.ask(ctx, now, own, fetch)
		select {
		case <-own.begun:
			<-own.done
			if own.err == nil { // whether a store fails, a fetch that failed does not show
				s.report(ctx, err)
			}
			return own.held, own.err
		default:
		}
		if err == nil {
			err = checkStored(found)
		}
		if ctx.Err() == nil {
			s.report(ctx, err)
		}
		if err != nil {
			break
		}
		if !s.isRejected(found.Value) {
			lifetime := min(found.Lifetime, maxLifetime)
			expires := now().Add(lifetime)
			s.log.token(ctx, "found in the store", nil)
			return &heldToken{value: found.Value, expires: expires, renewAt: expires.Add(-min(refreshEarly, lifetime/5))}, nil
		}
		s.drop(ctx, found.Value)
	}
	return own.run(ctx, fetch)
}

type storeAnswer struct {
	token Token
	err   error
}

var (
	errStorePanicked = errors.New("the token store panicked")
	errStoreSlow     = errors.New("the token store took too long")
)

// ask asks the store, in a goroutine of its own that may outlast the wait for it.
func (s *sharedTokens) ask(ctx context.Context, now func() time.Time, own *ownFetch, fetch fetcher) (Token, error) {
	asked, cancel := context.WithCancel(ctx)
	answers := make(chan storeAnswer, 1)
	go func() {
		defer cancel()
		answer := storeAnswer{err: errStorePanicked}
		defer func() {
			_ = recover()
			answers <- answer
		}()
		answer.token, answer.err = s.store.Token(asked, s.key, func(context.Context) (Token, error) {
			held, err := own.run(ctx, fetch)
			if err != nil {
				return Token{}, err
			}
			return Token{Value: held.value, Lifetime: held.expires.Sub(now())}, nil
		})
	}()
	slow := time.AfterFunc(storeLimit, cancel)
	defer slow.Stop()
	begun := own.begun
	for {
		select {
		case answer := <-answers:
			return answer.token, answer.err
		case <-begun: // from here on the time is the service's; the store gets as much again for keeping the token
			slow.Stop()
			<-own.done
			slow.Reset(storeLimit)
			begun = nil
		case <-asked.Done():
			select {
			case answer := <-answers:
				return answer.token, answer.err
			default:
				return Token{}, errStoreSlow
			}
		}
	}
}

// checkStored says why a store's token is not used.
func checkStored(t Token) error {
	if err := checkHeaderValue(t.Value); err != nil {
		return errors.New("the token store's token cannot be sent: " + err.Error())
	}
	if t.Lifetime <= 0 {
		return errors.New("the token store's token has no lifetime left")
	}
	return nil
}

func (s *sharedTokens) mark(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = token
}

// drop tells the store of a rejected token, and waits until it knows.
func (s *sharedTokens) drop(ctx context.Context, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		err := errStorePanicked
		defer func() {
			_ = recover()
			done <- err
		}()
		err = s.store.Drop(ctx, s.key, token)
	}()
	select {
	case err := <-done:
		s.report(ctx, err)
	case <-ctx.Done():
		s.report(ctx, errStoreSlow)
	}
}

func (s *sharedTokens) isRejected(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected == token
}

// report logs the first failure after a success.
func (s *sharedTokens) report(ctx context.Context, err error) {
	s.mu.Lock()
	first := err != nil && !s.failing
	s.failing = err != nil
	s.mu.Unlock()
	if first {
		s.log.token(ctx, "the token store failed; the client goes on without it", err)
	}
}
