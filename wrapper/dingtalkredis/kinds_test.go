//go:build redis

package dingtalkredis_test

import (
	"context"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	adminPassword = "admin"
	appPassword   = "p/w#?@%" // one that must be percent-encoded
)

// secured are the arguments of a server with two users, one of which has the rights that the documentation lists.
func secured(t testing.TB, more ...string) []string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	found := regexp.MustCompile(`ACL SETUSER app (.*)`).FindSubmatch(doc)
	if found == nil {
		t.Fatal("the documentation does not list the least rights", err)
	}
	rights := strings.Fields(strings.Replace(string(found[1]), "PASSWORD", appPassword, 1))
	return slices.Concat([]string{"--requirepass", adminPassword, "--masterauth", adminPassword, "--user", "app"}, rights, more)
}

// kind is a Redis of one kind that has started.
type kind struct {
	url  string // for a user with the least rights
	lose func() // the primaries
	drop func() // all keys
}

func asApp(scheme, hosts, rest string) string {
	return scheme + "://" + url.UserPassword("app", appPassword).String() + "@" + hosts + rest
}

func startSingle(binary string) func(t testing.TB) kind {
	return func(t testing.TB) kind {
		t.Helper()
		s := redistest.StartBinary(t, binary, secured(t)...)
		return kind{asApp("redis", s.Addr, "/0"), restart(s), flush(newRedis(t, s.Addr, adminPassword))}
	}
}

// restart kills servers and starts them again. flush deletes all keys.
func restart(servers ...*redistest.Server) func() {
	return func() {
		for _, s := range servers {
			s.Kill()
			s.Restart()
		}
	}
}

func flush(servers ...*redis.Client) func() {
	return func() {
		for _, s := range servers {
			s.FlushAll(context.Background())
		}
	}
}

func startKindCluster(t testing.TB) kind {
	t.Helper()
	servers := startCluster(t, adminPassword, secured(t, "+command", "+cluster|slots")...)
	var hosts []string
	var clients []*redis.Client
	for _, s := range servers {
		hosts, clients = append(hosts, s.Addr), append(clients, newRedis(t, s.Addr, adminPassword))
	}
	return kind{asApp("redis+cluster", strings.Join(hosts, ","), ""), restart(servers...), flush(clients...)}
}

func startSentinels(t testing.TB) kind {
	t.Helper()
	primary := redistest.Start(t, secured(t)...)
	followed(t, redistest.Start(t, append(secured(t), "--replicaof", strings.Replace(primary.Addr, ":", " ", 1))...), adminPassword)
	sentinel := redistest.StartSentinel(t, "calls", primary.Addr, adminPassword)
	watcher := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr})
	t.Cleanup(func() { _ = watcher.Close() })
	eventually(t, "the Sentinel knows the replica", func() bool {
		found, err := watcher.Replicas(t.Context(), "calls").Result()
		return err == nil && len(found) == 1
	})
	return kind{asApp("redis+sentinel", sentinel.Addr, "/0?master_name=calls"), primary.Kill, flush(newRedis(t, primary.Addr, adminPassword))}
}

func kinds(t testing.TB) map[string]func(testing.TB) kind {
	all := map[string]func(testing.TB) kind{"cluster of 3": startKindCluster, "Sentinel": startSentinels}
	for name, binary := range redistest.Binaries(t) {
		all[name] = startSingle(binary)
	}
	return all
}

// Each kind of Redis, with a user of the least rights, through each fault: the token is fetched once, the strict budget
// is spent exactly or, where a process cannot know whether its last call was counted, not quite.
func TestFleetOnEachKind(t *testing.T) {
	const pods, budget, chats, rate = 4, 120, 160, 100
	for name, start := range kinds(t) {
		for fault, happen := range map[string]func(k kind){
			"no fault": func(kind) {}, "count lost": func(k kind) { k.drop() }, "primary lost": func(k kind) { k.lose() },
		} {
			t.Run(name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				k := start(t)
				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithQPS(rate*3/2))
				client := openRedis(t, k.url)
				if err := newFleet(t, client, server.URL).Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
				job := task{Redis: k.url, URL: server.URL, Budget: budget, Rate: rate, Pods: pods, Calls: 4, Timeout: map[string]time.Duration{"no fault": patience}[fault]}
				var sum report
				var done sync.WaitGroup
				done.Go(func() { sum = convertAll(t, pods, job, 0, chats) })
				eventually(t, "a third is spent", func() bool { return server.Count(convertOp) >= budget/3 })
				happen(k)
				done.Wait()
				tally := server.Counts()[convertOp.ID]
				granted, throttled, tokens := tally.Requests, tally.Codes[generated.CodeAppQPSLimit], server.Count(tokenOp)
				t.Logf("figure: %s, %s: %d processes, strict budget of %d: %d calls granted, %d throttled, %d token calls, %d calls failed",
					name, fault, pods, budget, granted, throttled, tokens, sum.Failed)
				if granted > budget || granted < budget-pods || sum.Failed > 0 {
					t.Errorf("%+v", sum)
				}
				if fault == "no fault" && (granted != budget || tokens != 1) {
					t.Errorf("want %d calls and one token call", budget)
				}
			})
		}
	}
}

func openRedis(t testing.TB, rawURL string) redis.UniversalClient {
	t.Helper()
	client, err := dingtalkredis.Open(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
