package tokens

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

var (
	errLasting = errors.New("wrong credentials")
	errPassing = errors.New("away")
)

// service hands out numbered tokens, each after a second.
type service struct {
	mu      sync.Mutex
	fetches int
	fail    error
	end     func()
	left    int // fetches whose callers left
	notes   int // failures that were logged
}

func (s *service) Fetch(ctx context.Context) (Token, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		s.left++
		return Token{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches++
	if s.end != nil {
		s.end()
	}
	return Token{Value: fmt.Sprint("token ", s.fetches), Lifetime: 2 * time.Hour}, s.fail
}

func (s *service) Lasting(err error) bool { return errors.Is(err, errLasting) }
func (s *service) Crashed(v any) error    { return fmt.Errorf("crashed: %v", v) }

func (s *service) Note(_ context.Context, _ string, err error) {
	if err != nil {
		s.notes++
	}
}

func (s *service) Quiet(ctx context.Context) (context.Context, func()) { return ctx, func() {} }

func newCache(s *service, store ...Store) *Cache {
	cfg := Config{App: s, Clock: clock.System(), Early: 10 * time.Minute, Limit: time.Minute}
	for _, one := range store {
		cfg.Shared = Share(one, "key")
	}
	return New(cfg)
}

// Callers that wait together share one fetch, each for as long as it likes.
func TestOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(service)
		c := newCache(s)
		leader, leave := context.WithTimeout(t.Context(), time.Second/2)
		defer leave()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := c.Token(leader); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the leader: %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			group.Go(func() {
				if token, err := c.Token(t.Context()); token != "token 1" || err != nil {
					t.Errorf("%q, %v", token, err)
				}
			})
		}
		group.Wait()
		if s.fetches != 1 {
			t.Errorf("%d fetches", s.fetches)
		}
	})
}

// A fetch that nobody waits for any more ends.
func TestAllLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(service)
		c := newCache(s)
		ctx, leave := context.WithTimeout(t.Context(), time.Second/2)
		defer leave()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() { _, _ = c.Token(ctx) })
		}
		group.Wait()
		synctest.Wait()
		if s.left != 1 {
			t.Errorf("%d fetches ended", s.left)
		}
		if token, err := c.Token(t.Context()); token != "token 1" || err != nil {
			t.Errorf("%q, %v", token, err)
		}
	})
}

// A token is renewed in the background, and only the one that was rejected is dropped.
func TestRenewalAndRejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(service)
		c := newCache(s)
		want := func(token string) {
			t.Helper()
			if got, err := c.Token(t.Context()); got != token || err != nil {
				t.Errorf("%q, %v; want %q", got, err, token)
			}
		}
		want("token 1")
		time.Sleep(110 * time.Minute)
		want("token 1") // and a renewal begins
		time.Sleep(2 * time.Second)
		want("token 2")
		c.Reject(t.Context(), "token 1")
		want("token 2")
		c.Reject(t.Context(), "token 2")
		want("token 3")
	})
}

// A renewal that fails is tried again every half minute, and costs no call anything. A clock that is set back does not
// put it off.
func TestRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(service)
		c := newCache(s)
		var back time.Duration
		c.cfg.Clock.Now = func() time.Time { return time.Now().Add(-back) }
		_, _ = c.Token(t.Context())
		s.fail = errPassing
		time.Sleep(111 * time.Minute)
		for range 70 {
			begun := time.Now()
			if token, err := c.Token(t.Context()); token != "token 1" || err != nil || time.Since(begun) != 0 {
				t.Errorf("%q, %v after %s", token, err, time.Since(begun))
			}
			time.Sleep(time.Second)
		}
		if s.fetches != 1+3 || s.notes != 3 { // at 0, 30 and 60 s
			t.Errorf("%d fetches, %d failures logged", s.fetches, s.notes)
		}
		s.fail, back = nil, time.Minute
		_, _ = c.Token(t.Context())
		time.Sleep(2 * time.Second)
		if token, err := c.Token(t.Context()); token != "token 5" || err != nil {
			t.Errorf("%q, %v: no renewal after the clock was set back", token, err)
		}
	})
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{fail: errLasting}
		c := newCache(s)
		_, err := c.Token(t.Context())
		var earlier *RememberedError
		if !errors.Is(err, errLasting) || errors.As(err, &earlier) {
			t.Errorf("%v", err)
		}
		begun := time.Now()
		if _, err := c.Token(t.Context()); !errors.Is(err, errLasting) || !errors.As(err, &earlier) || time.Since(begun) != 0 {
			t.Errorf("%v after %s; want the one before, at once", err, time.Since(begun))
		}
		time.Sleep(failureMemory)
		s.fail = errPassing
		for range 2 { // each asks again
			if _, err := c.Token(t.Context()); !errors.Is(err, errPassing) {
				t.Errorf("%v", err)
			}
		}
		if s.fetches != 3 {
			t.Errorf("%d fetches", s.fetches)
		}
	})
}

// Whatever foreign code does to the goroutine of a fetch, those that wait hear of it.
func TestCrashedFetch(t *testing.T) {
	for want, end := range map[string]func(){"crashed: mock": func() { panic("mock") }, "crashed: <nil>": runtime.Goexit} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{end: end}
			if _, err := newCache(s).Token(t.Context()); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// storeFuncs is a store of two functions.
type storeFuncs struct {
	token func(context.Context, Fetch) (Token, error)
	drop  func(context.Context) error
}

func (s storeFuncs) Token(ctx context.Context, _ string, fetch Fetch) (Token, error) {
	return s.token(ctx, fetch)
}
func (s storeFuncs) Drop(ctx context.Context, _, _ string) error { return s.drop(ctx) }

// Whatever a store does, calls succeed, each token is fetched once, and one failure is logged.
func TestStoreThatFails(t *testing.T) {
	var deaf chan struct{}
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	down := func(context.Context) error { return errors.New("down") }
	gives := func(token Token) func(context.Context, Fetch) (Token, error) {
		return func(context.Context, Fetch) (Token, error) { return token, nil }
	}
	for name, store := range map[string]storeFuncs{
		"error": {func(ctx context.Context, _ Fetch) (Token, error) { return Token{}, down(ctx) }, down},
		"panic": {func(context.Context, Fetch) (Token, error) { panic("store") }, func(context.Context) error { panic("store") }},
		"slow":  {func(ctx context.Context, _ Fetch) (Token, error) { return Token{}, hang(ctx) }, hang},
		"deaf": {
			func(context.Context, Fetch) (Token, error) { <-deaf; return Token{}, nil },
			func(context.Context) error { <-deaf; return nil },
		},
		"slow after the fetch": {func(ctx context.Context, fetch Fetch) (Token, error) {
			_, _ = fetch(ctx)
			return Token{}, hang(ctx)
		}, hang},
		"error after two fetches": {func(ctx context.Context, fetch Fetch) (Token, error) {
			_, _ = fetch(ctx)
			_, _ = fetch(ctx)
			return Token{}, down(ctx)
		}, down},
		"no token":                    {gives(Token{}), down},
		"no lifetime":                 {gives(Token{Value: "x"}), down},
		"a token that cannot be sent": {gives(Token{Value: "x\r\nHost: y", Lifetime: time.Hour}), down},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				deaf = make(chan struct{})
				defer close(deaf)
				s := new(service)
				c := newCache(s, store)
				for _, want := range []string{"token 1", "token 2"} {
					if token, err := c.Token(t.Context()); token != want || err != nil {
						t.Errorf("%q, %v; want %s", token, err, want)
					}
					c.Reject(t.Context(), want)
				}
				if s.notes != 1 || s.fetches != 2 {
					t.Errorf("%d failures logged, %d fetches", s.notes, s.fetches)
				}
			})
		})
	}
}

// A rejected token is not used again, even if the store keeps it; a token that another process stored meanwhile is.
func TestStoreThatKeepsARejectedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := Token{Value: "stored 1", Lifetime: time.Hour}
		s := new(service)
		c := newCache(s, storeFuncs{
			func(context.Context, Fetch) (Token, error) { return stored, nil },
			func(context.Context) error { return errors.New("not now") },
		})
		for _, want := range []string{"stored 1", "token 1", "stored 2"} {
			if token, err := c.Token(t.Context()); token != want || err != nil {
				t.Errorf("%q, %v; want %s", token, err, want)
			}
			if c.Reject(t.Context(), want); want == "token 1" {
				stored.Value = "stored 2"
			}
		}
	})
}
