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
}

func (s *service) fetch(ctx context.Context) (Token, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
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

func newCache(s *service) *Cache {
	return New(Config{
		Clock: clock.System(), Fetch: s.fetch, Early: 10 * time.Minute,
		Lasting: func(err error) bool { return errors.Is(err, errLasting) },
		Crashed: func(v any) error { return fmt.Errorf("crashed: %v", v) },
		Note:    func(context.Context, string, error) {},
		Warn:    func(context.Context, string) {},
	})
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
		if s.fetches != 1 || c.Waiters() != -1 {
			t.Errorf("%d fetches, %d wait", s.fetches, c.Waiters())
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
