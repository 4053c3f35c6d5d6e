package tokens

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Store keeps tokens for the processes of a fleet.
type Store interface {
	Token(ctx context.Context, key string, fetch Fetch) (Token, error)
	Drop(ctx context.Context, key, token string) error
}

// Share shares the token kept under key. Only apps with a store refer to it; others do not link it.
func Share(store Store, key string) Shared { return &shared{store: store, key: key} }

// ErrFetching is a store's error while another process fetches. The store is asked again every lookTime.
var ErrFetching = errors.New("another process fetches the token")

const lookTime = 400 * time.Millisecond

// shared asks a store, and tolerates its failures.
type shared struct {
	store Store
	key   string

	mu       sync.Mutex
	failing  bool   // a warning was logged since the store's last answer
	rejected string // the last rejected token; the store may still hold it if Drop failed
	bad      int    // rejected tokens of the store in a row
}

func (s *shared) get(ctx context.Context, cfg *Config, fetch func(context.Context) (*held, error)) (*held, error) {
	asked, cancel := context.WithCancel(ctx)
	defer cancel()
	own := &ownFetch{slow: time.AfterFunc(storeLimit, cancel), fetch: func() (*held, error) {
		return guard.Within(ctx, func() (*held, error) { return fetch(ctx) }, cfg.Crashed)
	}}
	defer own.slow.Stop()
	asked = context.WithValue(asked, ownKey{}, own)
	look := func() (Token, error) {
		return s.store.Token(asked, s.key, func(context.Context) (Token, error) {
			if f := own.run(); f.err != nil {
				return Token{}, f.err
			}
			return Token{Value: own.token.value, Lifetime: own.token.expires.Sub(cfg.Clock.Now())}, nil
		})
	}
	for range s.looks() { // a second look: another process may have replaced a rejected token
		found, err := guard.Within(asked, look, storePanicked)
		for begun := cfg.Clock.Steady(); errors.Is(err, ErrFetching) && cfg.Clock.Steady().Sub(begun) < cfg.Limit; {
			if err := cfg.Clock.Sleep(ctx, lookTime); err != nil {
				return nil, err
			}
			own.slow.Reset(storeLimit)
			found, err = guard.Within(asked, look, storePanicked)
		}
		if own.begun.Load() {
			if f := own.run(); f.err == nil { // after a failed fetch, the error is not the store's
				s.report(ctx, cfg, slow(asked, err), f.token.value)
			}
			break
		}
		if err = slow(asked, err); err == nil {
			err = checkStored(found)
		}
		if ctx.Err() == nil {
			s.report(ctx, cfg, err, found.Value)
		}
		if err != nil {
			break
		}
		if !s.isRejected(found.Value) {
			cfg.Note(ctx, "found in the store", nil)
			t := cfg.hold(found, cfg.Clock.Now())
			t.stored = true
			return t, nil
		}
		s.drop(ctx, cfg, found.Value)
	}
	f := own.run()
	return f.token, f.err
}

// slow replaces the error of a store whose time is over.
func slow(asked context.Context, err error) error {
	if err != nil && asked.Err() != nil {
		return errors.New("the token store took too long")
	}
	return err
}

func storePanicked(any) error { return errors.New("the token store panicked") }

// checkStored returns why a store's token cannot be used.
func checkStored(t Token) error {
	if err := text.CheckHeader(t.Value); err != nil {
		return errors.New("the token store's token cannot be sent: " + err.Error())
	}
	if t.Lifetime <= 0 {
		return errors.New("the token store's token has no lifetime left")
	}
	return nil
}

func (s *shared) mark(t *held) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = t.value
	if s.bad++; !t.stored {
		s.bad = 0
	}
	return s.bad == 2
}

// looks returns how often the store is asked: not after two bad tokens in a row.
func (s *shared) looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad >= 2 {
		s.bad = 0
		return 0
	}
	return 2
}

// drop removes a rejected token from the store, and waits for the answer.
func (s *shared) drop(ctx context.Context, cfg *Config, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	_, err := guard.Within(ctx, func() (none struct{}, err error) { return none, s.store.Drop(ctx, s.key, token) }, storePanicked)
	s.report(ctx, cfg, slow(ctx, err), token)
}

func (s *shared) isRejected(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected == token
}

// report logs the store's first failure after a success.
func (s *shared) report(ctx context.Context, cfg *Config, err error, token string) {
	s.mu.Lock()
	first := err != nil && !s.failing
	s.failing = err != nil
	s.mu.Unlock()
	if first {
		cfg.Note(ctx, "the token store failed; the client goes on without it", text.Secrets{token}.HideError(err))
	}
}
