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

const (
	// storeLimit is the time limit of a store, without a fetch of its own.
	storeLimit = 2 * time.Second
	// lookTime is the time between looks while another process fetches.
	lookTime = 400 * time.Millisecond
)

// ErrFetching is a store's error while another process fetches.
var ErrFetching = errors.New("another process fetches the token")

// shared asks a store, and tolerates its failures.
type shared struct {
	store Store
	key   string

	mu       sync.Mutex
	failing  bool   // a warning was logged since the store's last answer
	rejected string // the last rejected token; the store may still hold it if Drop failed
	bad      int    // rejected tokens of the store in a row
}

// ownKey is the key of the ownFetch in the context of a store's call.
type ownKey struct{}

// ownFetch is this process's only token request at a time, whether the store calls it or the cache does.
type ownFetch struct {
	once  sync.Once
	begun chan struct{}
	done  chan struct{}
	held  *held
	err   error
}

func (o *ownFetch) run(ctx context.Context, cfg *Config, fetch func(context.Context) (*held, error)) (*held, error) {
	o.once.Do(func() {
		close(o.begun)
		guard.Go(func() (*held, error) { return fetch(ctx) }, cfg.Crashed, func(t *held, err error) {
			o.held, o.err = t, err
			close(o.done)
		})
	})
	<-o.done
	return o.held, o.err
}

func (s *shared) get(ctx context.Context, cfg *Config, fetch func(context.Context) (*held, error)) (*held, error) {
	own := &ownFetch{begun: make(chan struct{}), done: make(chan struct{})}
	for range s.looks() { // a second look: another process may have replaced a rejected token
		found, err := s.ask(ctx, cfg, own, fetch)
		for begun := cfg.Clock.Steady(); errors.Is(err, ErrFetching) && cfg.Clock.Steady().Sub(begun) < cfg.Limit; {
			if err := cfg.Clock.Sleep(ctx, lookTime); err != nil {
				return nil, err
			}
			found, err = s.ask(ctx, cfg, own, fetch)
		}
		select {
		case <-own.begun:
			<-own.done
			if own.err == nil { // after a failed fetch, the error is not the store's
				s.report(ctx, cfg, err, own.held.value)
			}
			return own.held, own.err
		default:
		}
		if err == nil {
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
	return own.run(ctx, cfg, fetch)
}

type storeAnswer struct {
	token Token
	err   error
}

var errStoreSlow = errors.New("the token store took too long")

func storePanicked(any) error { return errors.New("the token store panicked") }

// ask asks the store in a separate goroutine, which may outlive the time limit.
func (s *shared) ask(ctx context.Context, cfg *Config, own *ownFetch, fetch func(context.Context) (*held, error)) (Token, error) {
	asked, cancel := context.WithCancel(context.WithValue(ctx, ownKey{}, own))
	answers := make(chan storeAnswer, 1)
	guard.Go(func() (Token, error) {
		return s.store.Token(asked, s.key, func(context.Context) (Token, error) {
			t, err := own.run(ctx, cfg, fetch)
			if err != nil {
				return Token{}, err
			}
			return Token{Value: t.value, Lifetime: t.expires.Sub(cfg.Clock.Now())}, nil
		})
	}, storePanicked, func(t Token, err error) {
		answers <- storeAnswer{t, err}
		cancel()
	})
	slow := time.AfterFunc(storeLimit, cancel)
	defer slow.Stop()
	begun := own.begun
	for {
		select {
		case answer := <-answers:
			return answer.token, answer.err
		case <-begun: // fetching does not count; the store gets its time limit once more for keeping the token
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
	if err != nil && ctx.Err() != nil {
		err = errStoreSlow
	}
	s.report(ctx, cfg, err, token)
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
