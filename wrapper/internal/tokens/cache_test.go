package tokens

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

var errPassing = errors.New("away")

// service hands out numbered tokens, each after a second.
type service struct {
	fetches int
	fail    error
	left    int           // fetches whose callers left
	notes   int           // failures that were logged
	back    time.Duration // by which the clock is set back
	stuck   atomic.Bool   // the transport does not return
}

func (s *service) Fetch(ctx context.Context) (Token, error) {
	if s.stuck.Load() {
		time.Sleep(time.Hour)
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		s.left++
		return Token{}, ctx.Err()
	}
	s.fetches++
	return Token{Value: fmt.Sprint("token ", s.fetches), Lifetime: 2 * time.Hour}, s.fail
}

func (s *service) Lasting(error) bool                                  { return false }
func (s *service) Crashed(v any) error                                 { return fmt.Errorf("crashed: %v", v) }
func (s *service) Quiet(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
func (s *service) Note(_ context.Context, _ string, err error) {
	if err != nil {
		s.notes++
	}
}

func errorIf(t *testing.T, wrong bool, format string, args ...any) {
	if t.Helper(); wrong {
		t.Errorf(format, args...)
	}
}

// bubble runs a test of a cache of s in a bubble.
func bubble(t *testing.T, s *service, store Store[Token], test func(t *testing.T, c *Cache, want func(token string))) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{App: s, Clock: clock.System(), Early: 10 * time.Minute, Limit: time.Minute}
		cfg.Clock.Now = func() time.Time { return time.Now().Add(-s.back) }
		if store != nil {
			cfg.Shared = Share(store, "key")
		}
		c := New(cfg)
		test(t, c, func(want string) {
			t.Helper()
			token, err := c.Token(t.Context(), false)
			errorIf(t, token != want || err != nil, "%q, %v; want %s", token, err, want)
		})
	})
}

// A fetch that nobody waits for any more ends.
func TestAllLeave(t *testing.T) {
	s := new(service)
	bubble(t, s, nil, func(t *testing.T, c *Cache, want func(string)) {
		ctx, leave := context.WithTimeout(t.Context(), time.Second/2)
		defer leave()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() { _, _ = c.Token(ctx, false) })
		}
		group.Wait()
		synctest.Wait()
		errorIf(t, s.left != 1, "%d fetches ended", s.left)
		want("token 1")
	})
}

// A transport that does not return costs its callers the limit of a fetch, and no more: the next call fetches anew.
func TestTransportThatDoesNotReturn(t *testing.T) {
	s := new(service)
	bubble(t, s, nil, func(t *testing.T, c *Cache, want func(string)) {
		s.stuck.Store(true)
		_, err := c.Token(t.Context(), false)
		errorIf(t, !errors.Is(err, errStuck), "%v", err)
		defer time.Sleep(time.Hour) // until it returns
		s.stuck.Store(false)
		want("token 1")
	})
}

// A renewal that fails is tried again every half minute, and costs no call anything. A clock that is set back does not put it off.
func TestRenewalFails(t *testing.T) {
	s := new(service)
	bubble(t, s, nil, func(t *testing.T, c *Cache, want func(string)) {
		want("token 1")
		s.fail = errPassing
		time.Sleep(111 * time.Minute)
		begun := time.Now()
		for range 70 {
			want("token 1")
			time.Sleep(time.Second)
		}
		errorIf(t, time.Since(begun) != 70*time.Second, "calls waited: %s", time.Since(begun))
		errorIf(t, s.fetches != 1+3 || s.notes != 3, "%d fetches, %d failures logged", s.fetches, s.notes) // at 0, 30 and 60 s
		s.fail, s.back = nil, time.Minute
		time.Sleep(20 * time.Second)
		want("token 1")
		time.Sleep(2 * time.Second)
		want("token 5")
	})
}

// storeFuncs is a store of two functions.
type storeFuncs struct {
	token func(context.Context, Fetch) (Token, error)
	drop  func(context.Context) error
}
type Fetch = func(context.Context) (Token, error)

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
	fetches := func(n int, then func(context.Context) error) func(context.Context, Fetch) (Token, error) {
		return func(ctx context.Context, fetch Fetch) (Token, error) {
			for range n {
				_, _ = fetch(ctx)
			}
			return Token{}, then(ctx)
		}
	}
	for name, store := range map[string]storeFuncs{
		"error": {fetches(0, down), down}, "slow": {fetches(0, hang), hang}, "slow after the fetch": {fetches(1, hang), hang}, "error after two fetches": {fetches(2, down), down},
		"panic":    {func(context.Context, Fetch) (Token, error) { panic("store") }, func(context.Context) error { panic("store") }},
		"deaf":     {func(context.Context, Fetch) (Token, error) { <-deaf; return Token{}, nil }, func(context.Context) error { <-deaf; return nil }},
		"no token": {gives(Token{}), down}, "no lifetime": {gives(Token{Value: "x"}), down},
		"a token that cannot be sent": {gives(Token{Value: "x\r\nHost: y", Lifetime: time.Hour}), down},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(service)
			bubble(t, s, store, func(t *testing.T, c *Cache, want func(string)) {
				deaf = make(chan struct{})
				defer close(deaf)
				for _, token := range []string{"token 1", "token 2"} {
					want(token)
					c.reject(token, false)
				}
				errorIf(t, s.notes != 1 || s.fetches != 2, "%d failures logged, %d fetches", s.notes, s.fetches)
			})
		})
	}
}

// A rejected token alone is dropped, and not used again, even if the store keeps it or has another bad one each time; a
// token that another process stored meanwhile is.
func TestStoreThatKeepsARejectedToken(t *testing.T) {
	stored, given, changes := "stored 1", 0, false
	store := storeFuncs{
		func(context.Context, Fetch) (Token, error) {
			if given++; changes {
				stored = fmt.Sprint("bad ", given)
			}
			return Token{Value: stored, Lifetime: time.Hour}, nil
		},
		func(context.Context) error { return errors.New("not now") },
	}
	bubble(t, new(service), store, func(t *testing.T, c *Cache, want func(string)) {
		for _, token := range []string{"stored 1", "token 1", "stored 2"} {
			want(token)
			if c.reject(token, false); token == "token 1" {
				stored = "stored 2"
			}
		}
		want("token 2")
		c.reject("stored 2", false) // late: it is not that token
		want("token 2")
	})
	given, changes = 0, true
	bubble(t, new(service), store, func(t *testing.T, c *Cache, want func(string)) {
		for n, token := range []string{"bad 1", "bad 2", "token 1"} { // the second bad one deserves another try
			want(token)
			again := c.reject(token, false)
			errorIf(t, again != (n == 1), "%s: another try %t", token, again)
		}
	})
}
