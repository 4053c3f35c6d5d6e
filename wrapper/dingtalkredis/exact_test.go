//go:build redis

package dingtalkredis_test

import (
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// cuts are ways to lose connections, with the count in between. The proxy passes everything when one ends.
var cuts = map[string]func(p *redistest.Proxy, lose func()){
	"cut 50 times in 3 s": func(p *redistest.Proxy, lose func()) {
		const times, each = 50, 60 * time.Millisecond
		for n := range times {
			p.Set(redistest.Fault{Cut: true})
			time.Sleep(each / 2)
			p.Heal()
			if n == times/2 {
				lose()
			}
			time.Sleep(each / 2)
		}
	},
	"answers torn for 3 s": func(p *redistest.Proxy, lose func()) {
		for n := range 6 {
			p.Set(redistest.Fault{Bytes: 400}) // of each connection, which is closed then
			time.Sleep(500 * time.Millisecond)
			p.Heal()
			if n == 3 {
				lose()
			}
		}
	},
	"cut off for 4 s": func(p *redistest.Proxy, lose func()) {
		p.Set(redistest.Fault{Cut: true})
		lose()
		time.Sleep(4 * time.Second)
		p.Heal()
	},
}

// Whatever happens to connections and count, no more calls arrive at the service than the mode of the budget allows. A
// strict one lets them wait, and none fails.
func TestFleetSpendsTheBudgetUnderCuts(t *testing.T) {
	const pods = 16
	budget := 500
	if _, measured := fleetChats(t); measured {
		budget = 3000
	}
	for name, cut := range cuts {
		for _, mode := range []string{"strict", "available"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				together(t)
				most := budget
				if mode == "available" {
					most += budget / 10
				}
				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithLatency(10*time.Millisecond))
				s := redistest.Start(t)
				p := redistest.StartProxy(t, s.Addr)
				fleet := startPods(t, pods, task{Redis: "redis://" + p.Addr, URL: server.URL, Budget: budget, Available: mode == "available", Pods: pods, Calls: 4})
				var all sync.WaitGroup
				var sum report
				all.Go(func() { sum = convertAll(fleet, 0, budget*4/3) })
				eventually(t, "most is spent", func() bool { return server.Count(convertOp) > budget*9/10 })
				cut(p, func() {
					client := redis.NewClient(&redis.Options{Addr: s.Addr})
					defer func() { _ = client.Close() }()
					if err := client.FlushAll(t.Context()).Err(); err != nil {
						t.Error(err)
					}
				})
				all.Wait()
				calls := server.Count(convertOp)
				t.Logf("figure: connections %s and the count lost, budget of %d (%s), %d processes: %d calls arrived, %d refused, %d not tried, %d failed; %d token calls",
					name, budget, mode, pods, calls, sum.Refused, sum.NotTried, sum.Failed, server.Count(tokenOp))
				if calls > most {
					t.Errorf("%d calls, at most %d are allowed", calls, most)
				}
				if mode == "strict" && sum.Failed > 0 {
					t.Errorf("calls failed: %s", sum.Error)
				}
			})
		}
	}
}
