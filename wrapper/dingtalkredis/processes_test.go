//go:build redis

package dingtalkredis_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// fleetChats is how many chats the tests of a shared rate convert. `make bench-fleet` sets it, and then they hold what
// depends on time to the promised figures, which a busy machine cannot keep.
func fleetChats() (n int, measured bool) {
	n, err := strconv.Atoi(os.Getenv("FLEET_CHATS"))
	return max(n, 80), err == nil
}

const processes = 8

// together lets a test run in parallel, unless it is measured.
func together(t *testing.T) {
	if _, measured := fleetChats(); !measured {
		t.Parallel()
	}
}

func TestFleetFetchesOneToken(t *testing.T) {
	together(t)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	job := task{Redis: "redis://" + redistest.Start(t).Addr, URL: server.URL, Calls: 4, Timeout: patience}
	converted := convertAll(t, processes, job, 0, 80).Converted
	cold := server.Count(tokenOp)
	server.RejectTokens()
	converted += convertAll(t, processes, job, 1000, 80).Converted
	refreshes := server.Count(tokenOp) - cold
	t.Logf("figure: %d processes, cold: %d token request; token revoked: %d refresh, no caller saw an error", processes, cold, refreshes)
	if cold != 1 || refreshes != 1 || converted != 160 {
		t.Errorf("want 1 and 1, and 160 conversions: %d", converted)
	}
}

func TestFleetKeepsToTheRate(t *testing.T) {
	together(t)
	const rate = 20
	total, measured := fleetChats()
	run := func(processes int) (throttledShare, times float64) {
		server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithQPS(rate))
		job, begun := task{Redis: "redis://" + redistest.Start(t).Addr, URL: server.URL, Rate: rate, Calls: 4}, time.Now()
		if r := convertAll(t, processes, job, 0, total); r.Converted != total {
			t.Errorf("of %d chats: %+v", total, r)
		}
		took, tally := time.Since(begun), server.Counts()[convertOp.ID]
		throttled := tally.Codes[generated.CodeAppQPSLimit]
		throttledShare, times = float64(throttled)/float64(tally.Requests), took.Seconds()/(float64(total)/rate)
		t.Logf("figure: %d processes, %d chats at %d/s: %d of %d answers were throttles (%.2f %%), %.1f s = %.3f × N/Q, %d token requests",
			processes, total, rate, throttled, tally.Requests, 100*throttledShare, took.Seconds(), times, server.Count(tokenOp))
		return throttledShare, times
	}
	throttled, times := run(processes)
	if !measured {
		return
	}
	if aloneThrottled, aloneTimes := run(1); throttled > aloneThrottled+0.02 || times > 1.15*aloneTimes { // on this machine, as busy as it is
		t.Error("want at most 0.02 more than one process, and 1.15 times as long")
	}
}

// Processes, one fleet after another, make exactly as many calls as the budget allows.
func TestFleetSpendsTheBudget(t *testing.T) {
	together(t)
	const budget = 500
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	job := task{Redis: "redis://" + redistest.Start(t).Addr, URL: server.URL, Budget: budget, Calls: 4}
	var r report
	converted := 0
	for n := range 4 {
		r = convertAll(t, processes, job, 160*n, 160)
		converted += r.Converted
	}
	t.Logf("figure: budget of %d, %d processes, restarted three times: %d calls arrived, %d chats converted", budget, processes, server.Count(convertOp), converted)
	if server.Count(convertOp) != budget || converted != budget || r.Failed != 0 || r.Refused+r.NotTried != 640-budget {
		t.Errorf("want exactly %d: the last fleet's report is %+v", budget, r)
	}
}

// A killed process may have counted calls that it did not come to send. It never sends one that is not counted.
func TestFleetSpendsTheBudgetWhileProcessesAreKilled(t *testing.T) {
	together(t)
	const budget, kills = 500, 8
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithLatency(10*time.Millisecond))
	rdb := redistest.Start(t)
	job := task{Redis: "redis://" + rdb.Addr, URL: server.URL, Budget: budget, Calls: 4}
	start := func() *pod {
		job.First, job.Last = job.First+1000, job.First+1500
		return startPod(t, job)
	}
	var pods []*pod
	for range processes {
		pods = append(pods, start())
	}
	for k := range kills {
		eventually(t, "a part of the budget is spent", func() bool { return server.Count(convertOp) >= 40*(k+1) })
		_ = pods[k%processes].cmd.Process.Kill()
		pods[k%processes] = start()
	}
	for _, p := range pods {
		if r := p.hear(t); r.Failed > 0 || r.Refused == 0 {
			t.Errorf("a process reports %+v", r)
		}
	}
	used, err := newFleet(t, newRedis(t, rdb.Addr), server.URL).Budget(budget).Used(t.Context())
	calls := server.Count(convertOp)
	t.Logf("figure: budget of %d, %d processes, %d of them killed and started again: %d calls arrived, %d were counted", budget, processes, kills, calls, used)
	if calls > budget || calls < budget-kills*job.Calls || used != budget || err != nil {
		t.Errorf("%v; want %d counted, and at most that many calls, less those under way in the killed processes", err, budget)
	}
}
