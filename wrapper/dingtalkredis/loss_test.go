//go:build redis

package dingtalkredis_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

// during makes calls with limiters, one loop each, while something happens. It returns when they were sent.
func during(t *testing.T, limiters []*dingtalkredis.Limiter, happen func()) (sent []time.Time) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context()) // with a deadline, Redis would have less and less time to answer
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, l := range limiters {
		all.Go(func() {
			for l.Wait(ctx) == nil {
				mu.Lock()
				sent = append(sent, time.Now())
				mu.Unlock()
			}
		})
	}
	happen()
	cancel()
	all.Wait()
	slices.SortFunc(sent, time.Time.Compare)
	return sent
}

// mostInASecond returns the greatest number of times within any second, and the longest time without one.
func mostInASecond(sent []time.Time) (most int, longest time.Duration) {
	first := 0
	for n := range sent {
		for sent[n].Sub(sent[first]) >= time.Second {
			first++
		}
		most = max(most, n-first+1)
		if n > 0 {
			longest = max(longest, sent[n].Sub(sent[n-1]))
		}
	}
	return most, longest
}

// Whatever is lost, and however many processes there are, no second has many more calls than the limit.
func TestLossOfRedisKeepsTheRate(t *testing.T) {
	together(t)
	const rate = 20
	sizes, allowed := []int{50}, 30 // on a machine that tests much else
	if _, measured := fleetChats(); measured {
		sizes, allowed = []int{20, 100, 500}, 25
	}
	for _, pods := range sizes {
		for _, name := range []string{"cut off", "killed", "flushed"} {
			s := redistest.Start(t)
			p := redistest.StartProxy(t, s.Addr)
			var from time.Time
			sent := during(t, newLimiters(t, p.Addr, rate, pods), func() {
				count := newRedis(t, s.Addr)
				eventually(t, "Redis knows every process", func() bool {
					names := count.Keys(t.Context(), "*:processes").Val()
					return len(names) == 1 && count.HGet(t.Context(), names[0], "places").Val() == strconv.Itoa(pods)
				})
				time.Sleep(3 * time.Second)
				from = time.Now().Add(-time.Second)
				if leave := away[name]; leave != nil {
					back := leave(t, p, s, nil)
					time.Sleep(6 * time.Second)
					back()
				} else {
					flushed(t, s)
				}
				time.Sleep(6 * time.Second)
			})
			most, longest := mostInASecond(slices.DeleteFunc(sent, func(at time.Time) bool { return at.Before(from) }))
			t.Logf("figure: %d processes, Redis %s: at most %d requests in any second at a limit of %d; longest pause %s", pods, name, most, rate, longest.Round(time.Millisecond))
			if most > allowed {
				t.Errorf("want %d at most", allowed)
			}
		}
	}
}
