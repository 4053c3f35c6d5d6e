//go:build redis

package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Three machines convert parts of one list. Together they fetch one token, call each chat once at most, and stop when the
// month's budget is spent; the next month's budget completes them.
func TestMachinesShareOneBudget(t *testing.T) {
	const budget, each = 100, 60
	b := newBench(t, "unused", "")
	rdb := redistest.Start(t, "--requirepass", canary)
	env := serverEnv(b.server)
	env[connect.EnvRedisURL] = "redis://:" + canary + "@" + rdb.Addr
	file := func(part int, kind string) string {
		return filepath.Join(filepath.Dir(b.in), fmt.Sprint(kind, part, ".csv"))
	}
	for part := range 3 {
		b.write(file(part, "in"), "chat_id\n"+strings.Join(ids(3 * each)[part*each:(part+1)*each], "\n")+"\n")
	}
	var output bytes.Buffer // of all processes
	run := func(flags ...string) (codes [3]int) {
		var stderrs [3]bytes.Buffer
		var ends [3]chan struct{}
		for part := range 3 {
			cmd := command(t, env, append([]string{"convert", "--input", file(part, "in"), "--output", file(part, "out"), "--qps", "200", "--progress", "none"}, flags...)...)
			cmd.Stderr = &stderrs[part]
			ends[part] = started(t, cmd)
			defer func() { codes[part] = cmd.ProcessState.ExitCode() }()
		}
		for part := range 3 {
			<-ends[part]
			output.Write(stderrs[part].Bytes())
		}
		return codes
	}
	codes := run("--monthly-budget", fmt.Sprint(budget))
	if tokens := b.server.Count(generated.OperationGetAccessToken); b.server.Count(conversion) != budget || tokens != 1 || !strings.Contains(output.String(), "hint: "+string(explain.BudgetHint)+"\n") {
		t.Errorf("%d calls with %d tokens, want %d and 1\n%s", b.server.Count(conversion), tokens, budget, &output)
	}
	for part, code := range codes {
		if code != explain.Limited && code != explain.OK { // one may be done before the budget is spent
			t.Errorf("part %d ended with %d", part, code)
		}
	}
	finish(t, command(t, env, "budget", "--json", "--monthly-budget", fmt.Sprint(budget))).holds(t, 0, `"used": 100,`, `"limit": 100,`, `"left": 0`)
	if codes := run("--monthly-budget", "0"); codes != [3]int{} || b.server.Count(conversion) != 3*each {
		t.Errorf("the rest ended with %v and %d calls\n%s", codes, b.server.Count(conversion), &output)
	}
	b.server.ResetRequests()
	if codes := run("--monthly-budget", "0", "--again=all"); codes != [3]int{} || b.server.Count(conversion) != 0 {
		t.Errorf("conversions that are shared cost %d calls, and ended with %v", b.server.Count(conversion), codes)
	}
	for part := range 3 {
		content := b.read(file(part, "out"))
		if strings.Count(content, ",cid") != each {
			t.Errorf("part %d:\n%s", part, content)
		}
		output.WriteString(content)
	}
	if said := output.String(); strings.Contains(said, canary) || strings.Contains(said, dingtalktest.AppSecret) {
		t.Errorf("a secret was printed:\n%s", said)
	}
}

// Of a list that is about to be converted, the plan says what the month has used.
func TestMachinesPlanWithWhatTheMonthHasUsed(t *testing.T) {
	rdb := redistest.Start(t)
	env := serverEnv(dingtalktest.NewServer(t, dingtalktest.WithAnyChat()))
	env[connect.EnvRedisURL] = "redis://" + rdb.Addr
	call{args: []string{"convert", "a", "b", "c"}, env: env}.run().holds(t, 0, "a\tcid", "b\tcid", "c\tcid")
	plan := []string{"convert", "--input", "-", "--format", "lines", "--dry-run"}
	call{args: plan, env: env, stdin: strings.NewReader("x\ny\n")}.run().holds(t, 0, "quota          0.0% of the 5000 calls of a month, which has used 3 so far\n")
	call{args: append(plan, "--monthly-budget", "20"), env: env, stdin: strings.NewReader("x\ny\n")}.run().holds(t, 0, "quota          10.0% of the 20 calls of a month, which has used 3 so far\n")
	if got := (call{args: []string{"budget", "--json", "--monthly-budget", "0"}, env: env}).run(); !strings.Contains(got.stdout, `"used": 3`) || strings.Contains(got.stdout, "limit") || strings.Contains(got.stdout, "left") {
		t.Errorf("%+v", got)
	}
	client := redis.NewClient(&redis.Options{Addr: rdb.Addr})
	defer func() { _ = client.Close() }()
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n < 4 {
		t.Errorf("%d keys: %v", n, err) // token, limit, budget, conversions
	}
}

// A Redis that is set up wrongly ends a command at its start: no call is made, no number printed, and the hint says what
// to do. Once it is right, the same command runs.
func TestMachinesWithAWrongRedis(t *testing.T) {
	secured := redistest.Start(t, "--requirepass", canary, "--user", "app", "on", ">x", "~other:*", "+@all")
	open := redistest.Start(t)
	replica := redistest.Start(t, "--replicaof", strings.Replace(open.Addr, ":", " ", 1))
	server := dingtalktest.NewServer(t)
	env := serverEnv(server)
	for url, tt := range map[string]struct {
		code int
		says string
	}{
		"redis://:wrong@" + secured.Addr: {3, "authentication"},
		"redis://" + secured.Addr:        {3, "authentication"},
		"redis://app:x@" + secured.Addr:  {3, "permission"},
		"redis://" + open.Addr + "/99":   {5, "database"},
		"rediss://" + open.Addr:          {5, "TLS"},
		"redis+cluster://" + open.Addr:   {5, "cluster"},
		"redis://" + replica.Addr:        {5, "read-only"},
	} {
		env[connect.EnvRedisURL] = url
		commands := [][]string{{"convert", chat}, {"convert", "--monthly-budget", "2", chat}, {"budget"}, {"budget", "--json"}}
		if tt.says == "TLS" {
			commands = commands[:1] // each takes two seconds to find that out
		}
		for _, args := range commands {
			got := call{args: args, env: env}.run()
			got.holds(t, tt.code, "Redis is set up wrongly ("+tt.says+"): ", "\nhint: ")
			if got.stdout != "" || strings.Count(got.stderr, "\n") != 2 || strings.Contains(got.stderr, canary) {
				t.Errorf("%q: %+v", args, got)
			}
		}
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	env[connect.EnvRedisURL] = "redis://:" + canary + "@" + secured.Addr + "\n" // as from a file
	call{args: []string{"convert", "--monthly-budget", "1", chat}, env: env}.run().check(t, result{0, openID + "\n", ""})
	call{args: []string{"convert", "--monthly-budget", "1", "another"}, env: env}.run().holds(t, 4)
}

// A budget that a person set lets nothing go that is not counted, unless the person says otherwise.
func TestMachinesWithoutTheirRedis(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	env := serverEnv(server)
	env[connect.EnvRedisURL] = "redis://" + redistest.FreeAddr(t)
	got := call{args: []string{"convert", "--monthly-budget", "20", chat}, env: env}.run()
	got.holds(t, 5, "cannot be asked", "hint: run the rest once Redis answers")
	if calls := len(server.Requests()); calls > 1 || got.stdout != "" { // a token
		t.Errorf("%d requests were sent: %+v", calls, got)
	}
	call{args: []string{"convert", chat}, env: env}.run().holds(t, 0, "cid")
}
