//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// loading answers everything as a server does that reads its data.
func loading(string) string { return "-LOADING Redis is loading the dataset in memory\r\n" }

// What a managed Redis does behind one address is waited out by a strict budget, which stays exact.
func TestFailoverBehindOneAddress(t *testing.T) {
	t.Parallel()
	const budget, away = 90, 4 * time.Second
	for name, happen := range map[string]func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server){
		"the primary becomes a replica, then its address is the other's": func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) {
			newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
			host, port, _ := strings.Cut(replica.Addr, ":")
			newRedis(t, primary.Addr).ReplicaOf(t.Context(), host, port)
			time.Sleep(away)
			p.Switch(replica.Addr)
		},
		"connections are closed, and the other loads": func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) {
			primary.Kill()
			newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
			p.Set(redistest.Fault{Answer: loading})
			p.Switch(replica.Addr)
			time.Sleep(away)
			p.Heal()
		},
		"the password changes": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) {
			newRedis(t, primary.Addr).ConfigSet(t.Context(), "requirepass", "another")
			p.Switch(primary.Addr)
			time.Sleep(away)
			admin := newRedis(t, primary.Addr)
			admin.Do(t.Context(), "AUTH", "another")
			admin.ConfigSet(t.Context(), "requirepass", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary := redistest.Start(t)
			replica := redistest.Start(t, "--replicaof", strings.Replace(primary.Addr, ":", " ", 1))
			eventually(t, "the replica follows", func() bool {
				return strings.Contains(newRedis(t, replica.Addr).Info(t.Context(), "replication").Val(), "master_link_status:up")
			})
			p := redistest.StartProxy(t, primary.Addr)
			server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			var all sync.WaitGroup
			for pod := range 3 {
				fleet := newFleet(t, openRedis(t, "redis://"+p.Addr), server.URL, usual)
				client := newClient(t, server.URL, creds, tokenStore(t, fleet), dingtalk.WithLimiter(fleet.Limiter(100)), dingtalk.WithBudget(fleet.Budget(budget)))
				all.Go(func() {
					for n := range 40 {
						if _, err := client.OpenConversationID(t.Context(), chat(pod*1000+n)); err != nil {
							wantQuota(t, err)
						}
					}
				})
			}
			eventually(t, "a third is spent", func() bool { return server.Count(convertOp) > budget/3 })
			happen(t, p, primary, replica)
			all.Wait()
			if n := server.Count(convertOp); n > budget || n < budget-3 {
				t.Errorf("%d calls, want %d: none too many, and at most one for each process that may have been counted and not sent", n, budget)
			}
		})
	}
}

// What waiting does not cure is found at the start, behind proxies too: with the command, and the way out.
func TestProxiesThatForbid(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	tells := func(command, answer string) func(string) string {
		return func(request string) string {
			if strings.Contains(strings.ToLower(request), "\r\n"+command+"\r\n") {
				return answer
			}
			return ""
		}
	}
	for name, c := range map[string]struct {
		answer   func(string) string
		want     string
		protocol bool // 2 is a way out
	}{
		"Alibaba Cloud":     {tells("evalsha", "-ERR bad lua script for redis cluster, all the keys that the script uses should be passed using the KEYS array\r\n"), "EVAL", false},
		"Dragonfly":         {tells("evalsha", "-ERR script tried accessing undeclared key\r\n"), "EVAL", false},
		"Garnet":            {tells("evalsha", "-ERR Garnet Lua scripting must be enabled, see option --lua\r\n"), "EVAL", false},
		"Codis":             {tells("evalsha", "-ERR handle request, command 'EVALSHA' is not allowed\r\n"), "EVAL", false},
		"Envoy":             {tells("evalsha", "-ERR unsupported command 'evalsha'\r\n"), "EVAL", false},
		"closes at EVAL":    {tells("evalsha", redistest.Closed), "EVAL", false},
		"closes at HELLO":   {tells("hello", redistest.Closed), "HELLO", true},
		"closes at SETINFO": {tells("setinfo", redistest.Closed), "SETINFO", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := redistest.StartProxy(t, s.Addr)
			p.Set(redistest.Fault{Answer: c.answer})
			var e *dingtalkredis.SetupError
			err := newFleet(t, openRedis(t, "redis://"+p.Addr), "http://127.0.0.1:1", usual).Ping(t.Context())
			if !errors.As(err, &e) || e.Fault != dingtalkredis.FaultCommand || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint(), "protocol=2") {
				t.Errorf("got %v", err)
			}
			if err := newFleet(t, openRedis(t, "redis://"+p.Addr+"?protocol=2"), "http://127.0.0.1:1").Ping(t.Context()); (err == nil) != c.protocol {
				t.Errorf("with protocol=2: %v", err)
			}
		})
	}
}

// commands returns how many commands with these names a server has run.
func commands(client *redis.Client, counts func(name string) bool) (sum int) {
	for line := range strings.SplitSeq(client.Info(context.Background(), "commandstats").Val(), "\r\n") {
		var n int
		if name, stats, ok := strings.Cut(line, ":"); ok && counts(name) {
			_, _ = fmt.Sscanf(stats, "calls=%d", &n)
			sum += n
		}
	}
	return sum
}

// A token endpoint is called once, however slow, and those who wait ask Redis a few times a second.
func TestSlowTokenEndpoint(t *testing.T) {
	t.Parallel()
	const pods, slow = 20, 4 // seconds
	s := redistest.Start(t)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithLatency(slow*time.Second))
	count := newRedis(t, s.Addr)
	count.ConfigResetStat(t.Context())
	var all sync.WaitGroup
	for n := range pods {
		client := newClient(t, server.URL, creds, tokenStore(t, newFleet(t, newRedis(t, s.Addr), server.URL)))
		all.Go(func() { convert(t, client, fmt.Sprint(n)) })
	}
	all.Wait()
	wantRequests(t, server, pods, 1)
	commands := commands(count, func(name string) bool { return strings.HasPrefix(name, "cmdstat_eval") || name == "cmdstat_pexpire" }) // the others run in scripts
	t.Logf("figure: a token endpoint that takes %d s: %d processes, %d token call, %.1f commands a second and process", slow, pods, server.Count(tokenOp), float64(commands)/pods/slow)
	if commands > 5*pods*slow {
		t.Errorf("%d commands", commands)
	}
}

// A far Redis costs a call one round trip before it is sent.
func TestFarRedis(t *testing.T) {
	t.Parallel()
	const chats = 100
	for _, trip := range []time.Duration{0, 200 * time.Millisecond, 500 * time.Millisecond} {
		t.Run(trip.String(), func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			p := redistest.StartProxy(t, s.Addr)
			p.Set(redistest.Fault{Delay: trip})
			server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			fleet := newFleet(t, openRedis(t, "redis://"+p.Addr), server.URL)
			if err := fleet.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			budget := fleet.Budget(1000)
			if err := budget.Spend(t.Context()); err != nil { // a count begins
				t.Fatal(err)
			}
			client := newClient(t, server.URL, creds, tokenStore(t, fleet), dingtalk.WithLimiter(fleet.Limiter(20)), dingtalk.WithBudget(budget), dingtalk.WithCache(fleet.Cache(time.Hour)))
			stats := func() int {
				return commands(newRedis(t, s.Addr), func(name string) bool { return name == "cmdstat_evalsha" || name == "cmdstat_set" })
			}
			convert(t, client, "first")
			before := stats()
			r := order{0, chats}
			for c, err := range client.OpenConversationIDs(t.Context(), r.chats(), dingtalk.WithConcurrency(16)) {
				if err != nil {
					t.Error(c, err)
				}
			}
			sent := server.Requests()
			took := sent[len(sent)-1].Time.Sub(sent[len(sent)-chats].Time)
			t.Logf("figure: Redis %s away: %.1f calls a second, %.1f commands a conversion", trip, (chats-1)/took.Seconds(), float64(stats()-before)/chats)
		})
	}
}
