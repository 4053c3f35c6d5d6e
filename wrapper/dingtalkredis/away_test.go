//go:build redis

package dingtalkredis_test

import (
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

// way is one in which Redis may not be there, behind the address of a proxy. back is how it comes back.
type way func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) (back func())

var away = map[string]way{
	"killed": func(_ *testing.T, _ *redistest.Proxy, primary, _ *redistest.Server) func() {
		primary.Kill()
		return primary.Restart
	},
	"frozen": func(_ *testing.T, _ *redistest.Proxy, primary, _ *redistest.Server) func() {
		primary.Signal(syscall.SIGSTOP)
		return func() { primary.Signal(syscall.SIGCONT) }
	},
	"cut off":                   broken(redistest.Fault{Cut: true}, nil),
	"slow":                      broken(redistest.Fault{Delay: 2 * time.Second}, nil),
	"silent":                    broken(redistest.Fault{Silent: true}, nil), // connections stay, and nothing comes through them
	"torn":                      broken(redistest.Fault{Bytes: 2}, nil),     // of each connection, which is closed then
	"cut off, its keys lost":    broken(redistest.Fault{Cut: true}, flushed),
	"torn later, its keys lost": broken(redistest.Fault{Bytes: 400}, flushed),
	"cut 50 times, its keys lost": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) func() {
		for n := range 50 {
			p.Set(redistest.Fault{Cut: true})
			time.Sleep(30 * time.Millisecond)
			p.Heal()
			if n == 25 {
				flushed(t, primary)
			}
			time.Sleep(30 * time.Millisecond)
		}
		return func() {}
	},
	"full": func(t *testing.T, _ *redistest.Proxy, primary, _ *redistest.Server) func() {
		c := newRedis(t, primary.Addr)
		c.ConfigSet(t.Context(), "maxmemory", "1")
		return func() { c.ConfigSet(t.Context(), "maxmemory", "0") }
	},
	"a replica, and then its address is the other's": func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) func() {
		newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
		host, port, _ := strings.Cut(replica.Addr, ":")
		newRedis(t, primary.Addr).ReplicaOf(t.Context(), host, port)
		return func() { p.Switch(replica.Addr) }
	},
	"loading, since its address is the other's": func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) func() {
		primary.Kill()
		newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
		p.Set(redistest.Fault{Answer: func(string) string { return "-LOADING Redis is loading the dataset in memory\r\n" }})
		p.Switch(replica.Addr)
		return p.Heal
	},
	"with another password": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) func() {
		newRedis(t, primary.Addr).ConfigSet(t.Context(), "requirepass", "another")
		p.Switch(primary.Addr)
		return func() { newRedis(t, primary.Addr, "another").ConfigSet(t.Context(), "requirepass", "") }
	},
}

func broken(f redistest.Fault, lose func(*testing.T, *redistest.Server)) way {
	return func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) func() {
		p.Set(f)
		if lose != nil {
			lose(t, primary)
		}
		return p.Heal
	}
}

func flushed(t *testing.T, s *redistest.Server) { newRedis(t, s.Addr).FlushAll(t.Context()) }

func startPair(t *testing.T) (p *redistest.Proxy, primary, replica *redistest.Server) {
	t.Helper()
	primary = redistest.Start(t)
	replica = followed(t, redistest.Start(t, "--replicaof", strings.Replace(primary.Addr, ":", " ", 1)))
	return redistest.StartProxy(t, primary.Addr), primary, replica
}

// Every feature at once: calls succeed in bounded time while Redis is away, with one warning of each who notices, and
// use it again when it is back.
func TestAway(t *testing.T) {
	t.Parallel()
	for name, leave := range away {
		if strings.Contains(name, "lost") {
			continue // a test of its own has it
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, primary, replica := startPair(t)
			server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			var log, fleetLog lines
			fleet := newFleet(t, newRedis(t, p.Addr), server.URL, usual, dingtalkredis.WithLogger(fleetLog.logger()))
			budget := fleet.Budget(100000, dingtalkredis.Available())
			client := newApp(t, fleet, server.URL, 1000, budget, dingtalk.WithLogger(log.logger()))
			convert(t, client, "before")
			back := leave(t, p, primary, replica)
			server.RejectTokens() // so that the store is needed
			var longest time.Duration
			limit := patience
			if name == "frozen" { // a deadline that is near is met, too
				limit = 2 * time.Second
			}
			for n := range 60 {
				begun := time.Now()
				convertWithin(t, limit, client, fmt.Sprint("away", n))
				longest = max(longest, time.Since(begun))
			}
			t.Logf("figure: Redis %s: the longest of 60 calls took %s", name, longest.Round(time.Millisecond))
			if _, measured := fleetChats(); measured && longest > 4*time.Second {
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

// A client that starts while Redis is away works, and its limiter keeps to its share.
func TestAwayFromTheStart(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	fleet := newFleet(t, newRedis(t, redistest.FreeAddr(t)), server.URL, usual, dingtalkredis.WithPods(10))
	client := newApp(t, fleet, server.URL, 200, fleet.Budget(2500, dingtalkredis.Available()))
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
