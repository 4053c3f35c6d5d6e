package tokens

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Store keeps tokens for the processes of a fleet. T is its own type of a [Token].
type Store[T token] interface {
	Token(ctx context.Context, key string, fetch func(context.Context) (T, error)) (T, error)
	Drop(ctx context.Context, key, token string) error
}

type token interface {
	~struct {
		Value    string
		Lifetime time.Duration
	}
}

// Share shares the token kept under key. Only apps with a store refer to it; others do not link it.
func Share[T token](store Store[T], key string) Shared {
	return (&shared[T]{store: store, key: key}).get
}

// ErrFetching is a store's error while another process fetches. The store is asked again every lookTime.
var ErrFetching = errors.New("another process fetches the token")

const (
	lookTime = 400 * time.Millisecond
	// storeLimit is the time limit of a store, without a fetch of its own.
	storeLimit = 2 * time.Second
)

// shared asks a store, and tolerates its failures.
type shared[T token] struct {
	store   Store[T]
	key     string
	failing atomic.Bool // a warning was logged since the store's last answer
}

func (s *shared[T]) get(ctx context.Context, c *Cache) (*held, error) {
	asked, cancel := context.WithCancel(ctx)
	defer cancel()
	slow := time.AfterFunc(storeLimit, cancel)
	defer slow.Stop()
	var begun atomic.Bool
	fetch := sync.OnceValues(func() (*held, error) {
		begun.Store(true)
		slow.Stop()
		defer slow.Reset(storeLimit) // the time of the request does not count
		return guard.Within(ctx, func() (*held, error) { return c.fetch(ctx) }, c.cfg.App.Crashed)
	})
	asked = context.WithValue(asked, ownKey{c}, fetch)
	give := func(context.Context) (none T, err error) {
		t, err := fetch()
		if err != nil {
			return none, err
		}
		return T(Token{t.value, t.expires.Sub(c.cfg.Clock.Now())}), nil
	}
	look := func() (Token, error) {
		for begun := c.cfg.Clock.Steady(); ; slow.Reset(storeLimit) {
			found, err := s.store.Token(asked, s.key, give)
			waits := errors.Is(err, ErrFetching) && c.cfg.Clock.Steady().Sub(begun) < c.cfg.Limit
			if !waits || c.cfg.Clock.Sleep(asked, lookTime) != nil {
				return Token(found), err
			}
		}
	}
	for range 2 { // a second look, after a rejected token was dropped
		found, err := ask(asked, look)
		if begun.Load() {
			if t, failed := fetch(); failed == nil { // otherwise the error is not the store's
				s.report(ctx, c, err, t.value)
			}
			break
		}
		if err == nil {
			err = checkStored(found)
		}
		if ctx.Err() == nil {
			s.report(ctx, c, err, found.Value)
		}
		if err != nil {
			break
		}
		if bad := c.rejected.Load(); bad == nil || bad.token.value != found.Value {
			c.cfg.App.Note(ctx, "found in the store", nil)
			t := c.cfg.hold(found, c.cfg.Clock.Now())
			t.stored = true
			return t, nil
		}
		s.drop(ctx, c, found.Value)
	}
	return fetch()
}

// drop removes a rejected token from the store.
func (s *shared[T]) drop(ctx context.Context, c *Cache, token string) {
	limited, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	_, err := ask(limited, func() (none struct{}, err error) { return none, s.store.Drop(limited, s.key, token) })
	s.report(ctx, c, err, token)
}

// ask asks a store until its time is over.
func ask[T any](limited context.Context, question func() (T, error)) (T, error) {
	answer, err := guard.Within(limited, question, func(any) error { return errors.New("the token store panicked") })
	if err != nil && limited.Err() != nil {
		err = errors.New("the token store took too long")
	}
	return answer, err
}

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

// report logs the store's first failure after a success.
func (s *shared[T]) report(ctx context.Context, c *Cache, err error, token string) {
	if failing := s.failing.Swap(err != nil); err != nil && !failing {
		c.cfg.App.Note(ctx, "the token store failed; the client goes on without it", text.Secrets{token}.HideError(err))
	}
}
