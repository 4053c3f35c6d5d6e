//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// away is each way in which Redis may not be there, and how it comes back.
var away = map[string]func(t *testing.T, s *redistest.Server, p *redistest.Proxy) (back func()){
	"killed": func(_ *testing.T, s *redistest.Server, _ *redistest.Proxy) func() {
		s.Kill()
		return s.Restart
	},
	"frozen": func(_ *testing.T, s *redistest.Server, _ *redistest.Proxy) func() {
		s.Signal(syscall.SIGSTOP)
		return func() { s.Signal(syscall.SIGCONT) }
	},
	"cut off": func(_ *testing.T, _ *redistest.Server, p *redistest.Proxy) func() {
		p.Set(redistest.Fault{Cut: true})
		return p.Heal
	},
	"slow": func(_ *testing.T, _ *redistest.Server, p *redistest.Proxy) func() {
		p.Set(redistest.Fault{Delay: 2 * time.Second})
		return p.Heal
	},
	"silent": func(_ *testing.T, _ *redistest.Server, p *redistest.Proxy) func() {
		p.Set(redistest.Fault{Silent: true}) // connections stay, and nothing comes through them
		return p.Heal
	},
	"torn": func(_ *testing.T, _ *redistest.Server, p *redistest.Proxy) func() {
		p.Set(redistest.Fault{Bytes: 2}) // of each connection, which is closed then
		return p.Heal
	},
	"full": func(t *testing.T, s *redistest.Server, _ *redistest.Proxy) func() {
		c := newRedis(t, s.Addr)
		c.ConfigSet(t.Context(), "maxmemory", "1")
		return func() { c.ConfigSet(t.Context(), "maxmemory", "0") }
	},
	"read-only": func(t *testing.T, s *redistest.Server, _ *redistest.Proxy) func() {
		c := newRedis(t, s.Addr)
		c.ReplicaOf(t.Context(), "127.0.0.1", "1")
		return func() { c.ReplicaOf(t.Context(), "NO", "ONE") }
	},
}

// Every feature at once: calls succeed in bounded time while Redis is away, with one warning of each who notices, and
// use it again when it is back.
func TestAway(t *testing.T) {
	t.Parallel()
	for name, leave := range away {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			p := redistest.StartProxy(t, s.Addr)
			server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			var log, fleetLog lines
			fleet := newFleet(t, newRedis(t, p.Addr), server.URL, usual, dingtalkredis.WithLogger(fleetLog.logger()))
			budget := fleet.Budget(100000, dingtalkredis.Available())
			client := newClient(t, server.URL, creds, dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithLimiter(fleet.Limiter(1000)),
				dingtalk.WithBudget(budget), dingtalk.WithCache(fleet.Cache(time.Hour)), dingtalk.WithLogger(log.logger()))
			convert(t, client, "before")
			back := leave(t, s, p)
			server.RejectTokens() // so that the store is needed
			var longest time.Duration
			for n := range 60 {
				begun := time.Now()
				convert(t, client, fmt.Sprint("away", n))
				longest = max(longest, time.Since(begun))
			}
			t.Logf("figure: Redis %s: the longest of 60 calls took %s", name, longest.Round(time.Millisecond))
			if _, measured := fleetChats(t); measured && longest > 4*time.Second {
				t.Errorf("a call took %s", longest)
			}
			// One for each time away: a busy machine's Redis may be late once before it is away.
			if n, outages := fleetLog.warnings(), 1+strings.Count(fleetLog.String(), "Redis is back"); n != outages {
				t.Errorf("the fleet logged %d warnings, want %d: %s", n, outages, &fleetLog)
			}
			if n := strings.Count(log.String(), "store failed"); n > 1 {
				t.Errorf("the client logged %d warnings about the store: %s", n, &log)
			}
			back()
			eventually(t, "Redis is used again", func() bool {
				convert(t, client, fmt.Sprint("back", time.Now().UnixNano()))
				used, err := budget.Used(t.Context())
				return err == nil && used >= 62 && strings.Contains(fleetLog.String(), "Redis is back")
			})
		})
	}
}

// Callers whose deadlines are near are served in time, and notice the outage as well.
func TestAwayWithANearDeadline(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	fleet := newFleet(t, newRedis(t, s.Addr), server.URL, usual)
	client := newClient(t, server.URL, creds, dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithLimiter(fleet.Limiter(1000)),
		dingtalk.WithBudget(fleet.Budget(5000, dingtalkredis.Available())), dingtalk.WithCache(fleet.Cache(time.Hour)))
	convert(t, client, "before")
	s.Signal(syscall.SIGSTOP)
	for n := range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // less than the limits of all features together
		if _, err := client.OpenConversationID(ctx, fmt.Sprint(n)); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

// A client that starts while Redis is away works, and its limiter keeps to its share.
func TestAwayFromTheStart(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	fleet := newFleet(t, newRedis(t, redistest.FreeAddr(t)), server.URL, usual, dingtalkredis.WithPods(10))
	client := newClient(t, server.URL, creds, dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithLimiter(fleet.Limiter(200)),
		dingtalk.WithBudget(fleet.Budget(2500, dingtalkredis.Available())), dingtalk.WithCache(fleet.Cache(time.Hour)))
	convert(t, client, "first")
	begun := time.Now()
	for n := range 24 {
		convert(t, client, fmt.Sprint(n))
	}
	if took := time.Since(begun); took < time.Second {
		t.Errorf("24 calls at a tenth of 200/s took %s, want 1.2 s at least", took)
	}
	_, err := client.OpenConversationID(t.Context(), "one too many")
	var e *dingtalk.Error
	if !errors.As(err, &e) || !errors.Is(err, dingtalk.ErrUnavailable) || !e.Local {
		t.Errorf("got %v; want a local *Error that is ErrUnavailable, since the share is sent", err)
	}
	wantRequests(t, server, 25, 1)
}
