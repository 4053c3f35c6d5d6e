//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
		"Alibaba Cloud":     {tells("evalsha", "-ERR bad lua script for redis cluster, all the keys that the script uses\r\n"), "EVAL", false},
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
func commands(client *redis.Client, names ...string) (sum int) {
	stats := client.Info(context.Background(), "commandstats").Val()
	for _, name := range names {
		_, rest, _ := strings.Cut(stats, "cmdstat_"+name+":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		n, _ := strconv.Atoi(calls)
		sum += n
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
		client := newClient(t, server.URL, creds, dingtalk.WithTokenStore(newFleet(t, newRedis(t, s.Addr), server.URL).TokenStore()))
		all.Go(func() { convert(t, client, fmt.Sprint(n)) })
	}
	all.Wait()
	wantRequests(t, server, pods, 1)
	sent := commands(count, "evalsha", "eval", "pexpire") // scripts run the others
	t.Logf("figure: a token endpoint that takes %d s: %d processes, %d token call, %.1f commands a second and process", slow, pods, server.Count(tokenOp), float64(sent)/pods/slow)
	if sent > 5*pods*slow {
		t.Errorf("%d commands", sent)
	}
}

// A far Redis costs a call one round trip before it is sent.
func TestFarRedis(t *testing.T) {
	together(t)
	const total = 100
	for _, trip := range []time.Duration{0, 200 * time.Millisecond, 500 * time.Millisecond} {
		t.Run(trip.String(), func(t *testing.T) {
			together(t)
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
			client := newApp(t, fleet, server.URL, 20, budget)
			convert(t, client, "first")
			count := newRedis(t, s.Addr)
			before := commands(count, "evalsha", "set")
			for c, err := range client.OpenConversationIDs(t.Context(), chats(0, total), dingtalk.WithConcurrency(16)) {
				if err != nil {
					t.Error(c, err)
				}
			}
			sent := server.Requests()
			took := sent[len(sent)-1].Time.Sub(sent[len(sent)-total].Time)
			rate, each := (total-1)/took.Seconds(), float64(commands(count, "evalsha", "set")-before)/total
			t.Logf("figure: Redis %s away: %.1f calls a second, %.1f commands a conversion", trip, rate, each)
		})
	}
}
