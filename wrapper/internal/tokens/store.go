package tokens

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Store keeps tokens under keys, for the processes of a fleet.
type Store interface {
	Token(ctx context.Context, key string, fetch Fetch) (Token, error)
	Drop(ctx context.Context, key, token string) error
}

// Share makes processes share a token that a store keeps under key. Nothing but an app with a store refers to it, so that
// others do not link it.
func Share(store Store, key string) Shared { return &shared{store: store, key: key} }

// storeLimit is how long a store may take for what it does by itself, the waiting for another process included.
const storeLimit = 2 * time.Second

// shared asks a store, and copes with whatever it does.
type shared struct {
	store Store
	key   string

	mu       sync.Mutex
	failing  bool   // a warning was logged, and the store has not answered since
	rejected string // the last token that the service rejected; a store that could not be told may still hold it
}

// ownFetch is the one request for a token that a process makes at a time, whether the store asks for it or is passed
// over.
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
		o.err = cfg.Crashed(nil)
		defer func() {
			if v := recover(); v != nil {
				o.err = cfg.Crashed(v)
			}
			close(o.done)
		}()
		o.held, o.err = fetch(ctx)
	})
	<-o.done
	return o.held, o.err
}

func (s *shared) get(ctx context.Context, cfg *Config, fetch func(context.Context) (*held, error)) (*held, error) {
	own := &ownFetch{begun: make(chan struct{}), done: make(chan struct{})}
	for range 2 { // a second look, for what another process has put in the place of a rejected token
		found, err := s.ask(ctx, cfg, own, fetch)
		select {
		case <-own.begun:
			<-own.done
			if own.err == nil { // whether a store fails, a fetch that failed does not show
				s.report(ctx, cfg, err)
			}
			return own.held, own.err
		default:
		}
		if err == nil {
			err = checkStored(found)
		}
		if ctx.Err() == nil {
			s.report(ctx, cfg, err)
		}
		if err != nil {
			break
		}
		if !s.isRejected(found.Value) {
			cfg.Note(ctx, "found in the store", nil)
			return cfg.hold(found, cfg.Clock.Now()), nil
		}
		s.drop(ctx, cfg, found.Value)
	}
	return own.run(ctx, cfg, fetch)
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
func (s *shared) ask(ctx context.Context, cfg *Config, own *ownFetch, fetch func(context.Context) (*held, error)) (Token, error) {
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
			t, err := own.run(ctx, cfg, fetch)
			if err != nil {
				return Token{}, err
			}
			return Token{Value: t.value, Lifetime: t.expires.Sub(cfg.Clock.Now())}, nil
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
	if err := text.CheckHeader(t.Value); err != nil {
		return errors.New("the token store's token cannot be sent: " + err.Error())
	}
	if t.Lifetime <= 0 {
		return errors.New("the token store's token has no lifetime left")
	}
	return nil
}

func (s *shared) mark(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = token
}

// drop tells the store of a rejected token, and waits until it knows.
func (s *shared) drop(ctx context.Context, cfg *Config, token string) {
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
		s.report(ctx, cfg, err)
	case <-ctx.Done():
		s.report(ctx, cfg, errStoreSlow)
	}
}

func (s *shared) isRejected(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected == token
}

// report logs the first failure after a success.
func (s *shared) report(ctx context.Context, cfg *Config, err error) {
	s.mu.Lock()
	first := err != nil && !s.failing
	s.failing = err != nil
	s.mu.Unlock()
	if first {
		cfg.Note(ctx, "the token store failed; the client goes on without it", err)
	}
}
