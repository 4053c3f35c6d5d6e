//go:build redis

package main

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A Redis that is set up wrongly ends a command at its start: no call is made, no number printed, and the hint says what
// to do. Once it is right, the same command runs.
func TestMachinesWithAWrongRedis(t *testing.T) {
	secured := redistest.Start(t, "--requirepass", canary, "--user", "app", "on", ">x", "~other:*", "+@all")
	open := redistest.Start(t)
	replica := redistest.Start(t, "--replicaof", strings.Replace(open.Addr, ":", " ", 1))
	node := redistest.Start(t, "--cluster-enabled", "yes")
	cluster := redis.NewClient(&redis.Options{Addr: node.Addr})
	t.Cleanup(func() { _ = cluster.Close() })
	if err := cluster.ClusterAddSlotsRange(t.Context(), 0, 100).Err(); err != nil {
		t.Fatal(err)
	}
	cluster.ConfigSet(t.Context(), "cluster-require-full-coverage", "no")
	server := dingtalktest.NewServer(t)
	for _, tt := range []struct {
		name, url string
		code      int
		says      string
	}{
		{"wrong password", "redis://:wrong@" + secured.Addr, 3, "authentication"},
		{"no password", "redis://" + secured.Addr, 3, "authentication"},
		{"other keys", "redis://app:x@" + secured.Addr, 3, "permission"},
		{"database", "redis://" + open.Addr + "/99", 5, "database"},
		{"TLS to a plain port", "rediss://" + open.Addr, 5, "TLS"},
		{"a single server as a cluster", "redis+cluster://" + open.Addr, 5, "cluster"},
		{"a replica", "redis://" + replica.Addr, 5, "read-only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := serverEnv(server)
			env[connect.EnvRedisURL] = tt.url
			commands := [][]string{{"convert", chat}, {"convert", "--monthly-budget", "2", chat}, {"budget"}, {"budget", "--json"}}
			if tt.says == "TLS" {
				commands = commands[:1] // each takes two seconds to find that out
			}
			for _, args := range commands {
				got := call{args: args, env: env}.run()
				if got.code != tt.code || got.stdout != "" || strings.Count(got.stderr, "\n") != 2 ||
					!strings.Contains(got.stderr, "Redis is set up wrongly ("+tt.says+"): ") || !strings.Contains(got.stderr, "\nhint: ") || strings.Contains(got.stderr, canary) {
					t.Errorf("%q: %+v", args, got)
				}
			}
		})
	}
	for what, n := range server.Counts() {
		if n.Requests > 0 {
			t.Errorf("%d calls of %s were made", n.Requests, what)
		}
	}
	env := serverEnv(server)
	env[connect.EnvRedisURL] = "redis://:" + canary + "@" + secured.Addr + "\n" // as from a file
	call{args: []string{"convert", "--monthly-budget", "1", chat}, env: env}.run().check(t, result{0, openID + "\n", ""})
	if got := (call{args: []string{"convert", "--monthly-budget", "1", "another"}, env: env}.run()); got.code != 4 {
		t.Errorf("a second call of a budget of one: %+v", got)
	}
}

// A budget that a person set lets nothing go that is not counted, unless the person says otherwise.
func TestMachinesWithoutTheirRedis(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	env := serverEnv(server)
	env[connect.EnvRedisURL] = "redis://" + redistest.FreeAddr(t)
	got := call{args: []string{"convert", "--monthly-budget", "20", chat}, env: env}.run()
	if got.code != 5 || got.stdout != "" || !strings.Contains(got.stderr, "cannot be asked") || !strings.Contains(got.stderr, "hint: run the rest once Redis answers") {
		t.Errorf("strict: %+v", got)
	}
	if calls := len(server.Requests()); calls > 1 { // a token
		t.Errorf("%d requests were sent", calls)
	}
	got = call{args: []string{"convert", chat}, env: env}.run()
	if got.code != 0 || got.stdout == "" {
		t.Errorf("available: %+v", got)
	}
}
