//go:build redis

package dingtalkredis_test

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// outages are what happens to connections and servers behind one address.
var outages = map[string]func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server){
	"cut 50 times in 3 s, and the count lost": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) {
		for n := range 50 {
			p.Set(redistest.Fault{Cut: true})
			time.Sleep(30 * time.Millisecond)
			p.Heal()
			if n == 25 {
				newRedis(t, primary.Addr).FlushAll(t.Context())
			}
			time.Sleep(30 * time.Millisecond)
		}
	},
	"answers torn for 3 s, and the count lost": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) {
		for n := range 6 {
			p.Set(redistest.Fault{Bytes: 400}) // of each connection, which is closed then
			time.Sleep(500 * time.Millisecond)
			p.Heal()
			if n == 3 {
				newRedis(t, primary.Addr).FlushAll(t.Context())
			}
		}
	},
	"cut off for 4 s, and the count lost": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) {
		p.Set(redistest.Fault{Cut: true})
		newRedis(t, primary.Addr).FlushAll(t.Context())
		time.Sleep(4 * time.Second)
		p.Heal()
	},
	"frozen for 4 s": func(_ *testing.T, _ *redistest.Proxy, primary, _ *redistest.Server) {
		primary.Signal(syscall.SIGSTOP)
		time.Sleep(4 * time.Second)
		primary.Signal(syscall.SIGCONT)
	},
	"the primary becomes a replica, then its address is the other's": func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) {
		newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
		host, port, _ := strings.Cut(replica.Addr, ":")
		newRedis(t, primary.Addr).ReplicaOf(t.Context(), host, port)
		time.Sleep(4 * time.Second)
		p.Switch(replica.Addr)
	},
	"connections are closed, and the other loads": func(t *testing.T, p *redistest.Proxy, primary, replica *redistest.Server) {
		primary.Kill()
		newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
		p.Set(redistest.Fault{Answer: func(string) string { return "-LOADING Redis is loading the dataset in memory\r\n" }})
		p.Switch(replica.Addr)
		time.Sleep(4 * time.Second)
		p.Heal()
	},
	"the password changes": func(t *testing.T, p *redistest.Proxy, primary, _ *redistest.Server) {
		newRedis(t, primary.Addr).ConfigSet(t.Context(), "requirepass", "another")
		p.Switch(primary.Addr)
		time.Sleep(4 * time.Second)
		admin := newRedis(t, primary.Addr)
		admin.Do(t.Context(), "AUTH", "another")
		admin.ConfigSet(t.Context(), "requirepass", "")
	},
}

// Whatever happens to connections and count, no more calls arrive at the service than the mode of the budget allows. A
// strict one lets them wait, and none fails.
func TestFleetSpendsTheBudgetInOutages(t *testing.T) {
	const pods = 8
	budget := 300
	if _, measured := fleetChats(t); measured {
		budget = 3000
	}
	for name, happen := range outages {
		for mode, most := range map[string]int{"strict": budget, "available": budget + budget/10} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				together(t)
				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithLatency(10*time.Millisecond))
				primary := redistest.Start(t)
				replica := followed(t, redistest.Start(t, "--replicaof", strings.Replace(primary.Addr, ":", " ", 1)))
				p := redistest.StartProxy(t, primary.Addr)
				job := task{Redis: "redis://" + p.Addr, URL: server.URL, Budget: budget, Available: mode == "available", Pods: pods, Calls: 4}
				var all sync.WaitGroup
				var sum report
				all.Go(func() { sum = convertAll(t, pods, job, 0, budget*4/3) })
				eventually(t, "most is spent", func() bool { return server.Count(convertOp) > budget*8/10 })
				happen(t, p, primary, replica)
				all.Wait()
				calls := server.Count(convertOp)
				t.Logf("figure: Redis: %s; budget of %d (%s), %d processes: %d calls arrived, %d refused, %d not tried, %d failed; %d token calls",
					name, budget, mode, pods, calls, sum.Refused, sum.NotTried, sum.Failed, server.Count(tokenOp))
				if calls > most || calls < budget-pods*job.Calls {
					t.Errorf("%d calls, at most %d are allowed, and few may be counted that are not sent", calls, most)
				}
				if mode == "strict" && sum.Failed > 0 {
					t.Errorf("calls failed: %s", sum.Error)
				}
			})
		}
	}
}
