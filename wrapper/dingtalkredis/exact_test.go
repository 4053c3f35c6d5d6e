//go:build redis

package dingtalkredis_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Whatever happens to connections and count, no more calls arrive at the service than the mode of the budget allows. A
// strict one lets them wait, and none fails.
func TestFleetSpendsTheBudgetInOutages(t *testing.T) {
	const pods = 8
	budget := 300
	if _, measured := fleetChats(); measured {
		budget = 3000
	}
	for name, leave := range away {
		for mode, most := range map[string]int{"strict": budget, "available": budget + budget/10} {
			if mode == "available" && !strings.Contains(name, "lost") {
				continue // TestAway has it
			}
			t.Run(name+"/"+mode, func(t *testing.T) {
				together(t)
				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithLatency(10*time.Millisecond))
				p, primary, replica := startPair(t)
				job := task{Redis: "redis://" + p.Addr, URL: server.URL, Budget: budget, Available: most > budget, Pods: pods, Calls: 4}
				var all sync.WaitGroup
				var sum report
				all.Go(func() { sum = convertAll(t, pods, job, 0, budget*4/3) })
				eventually(t, "most is spent", func() bool { return server.Count(convertOp) > budget*8/10 })
				back := leave(t, p, primary, replica)
				time.Sleep(4 * time.Second)
				back()
				all.Wait()
				calls := server.Count(convertOp)
				t.Logf("figure: Redis is %s: budget of %d (%s), %d processes: %d calls arrived, %d failed; %d token calls",
					name, budget, mode, pods, calls, sum.Failed, server.Count(tokenOp))
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
