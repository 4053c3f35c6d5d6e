//go:build redis

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

// Three machines convert parts of one list, with chats that are in two parts. Together they fetch one token, call each
// chat once at most, and stop when the month's budget is spent; the next month's budget completes them.
func TestMachinesShareOneBudget(t *testing.T) {
	const (
		password = canary
		budget   = 100
		each     = 60
	)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	rdb := redistest.Start(t, "--requirepass", password)
	env := serverEnv(server)
	env[connect.EnvRedisURL] = "redis://:" + password + "@" + rdb.Addr
	dir := t.TempDir()
	file := func(part int, kind string) string { return filepath.Join(dir, fmt.Sprintf("%s%d.csv", kind, part)) }
	for part := range 3 {
		var rows strings.Builder
		rows.WriteString("chat_id\n")
		for n := range each {
			fmt.Fprintf(&rows, "chat%d\n", part*each+n)
		}
		if err := os.WriteFile(file(part, "in"), []byte(rows.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer // of all processes
	run := func(flags ...string) (codes []int) {
		var cmds []*exec.Cmd
		var stderrs [3]bytes.Buffer
		for part := range 3 {
			cmd := command(t, env, append([]string{
				"convert", "--input", file(part, "in"), "--output", file(part, "out"), "--qps", "200", "--progress", "none",
			}, flags...)...)
			cmd.Stderr = &stderrs[part]
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds = append(cmds, cmd)
		}
		for part, cmd := range cmds {
			_ = cmd.Wait()
			codes = append(codes, cmd.ProcessState.ExitCode())
			output.Write(stderrs[part].Bytes())
		}
		return codes
	}
	calls := func() int { return server.Count(generated.OperationChatIDToOpenConversationID) }
	used := func() (m connect.Month) {
		got := finish(t, command(t, env, "budget", "--json", "--monthly-budget", fmt.Sprint(budget)))
		output.WriteString(got.stdout + got.stderr)
		if err := json.Unmarshal([]byte(got.stdout), &m); err != nil || got.code != 0 {
			t.Fatalf("%v: %+v", err, got)
		}
		return m
	}

	codes := run("--monthly-budget", fmt.Sprint(budget))
	if calls() != budget || server.Count(generated.OperationGetAccessToken) != 1 {
		t.Errorf("%d calls with %d tokens, want %d and 1\n%s", calls(), server.Count(generated.OperationGetAccessToken), budget, output.String())
	}
	if !strings.Contains(output.String(), "hint: "+string(explain.BudgetHint)+"\n") {
		t.Errorf("no hint of the budget\n%s", output.String())
	}
	for part, code := range codes {
		if code != explain.Limited && code != explain.OK { // one may be done before the budget is spent
			t.Errorf("part %d ended with %d", part, code)
		}
	}
	if m := used(); m.Used != budget || m.Left == nil || *m.Left != 0 || m.Limit == nil || *m.Limit != budget {
		t.Errorf("budget says %+v", m)
	}

	if codes := run("--monthly-budget", "0"); codes[0]+codes[1]+codes[2] != 0 {
		t.Errorf("the rest ended with %v\n%s", codes, output.String())
	}
	if calls() != 3*each {
		t.Errorf("%d calls for %d chats", calls(), 3*each)
	}
	server.ResetRequests()
	if codes := run("--monthly-budget", "0", "--again=all"); codes[0]+codes[1]+codes[2] != 0 || calls() != 0 {
		t.Errorf("conversions that are shared cost %d calls, and ended with %v", calls(), codes)
	}
	for part := range 3 {
		content, err := os.ReadFile(file(part, "out"))
		if err != nil || strings.Count(string(content), ",cid") != each {
			t.Errorf("part %d: %v\n%s", part, err, content)
		}
		output.Write(content)
	}
	for _, secret := range []string{password, dingtalktest.AppSecret} {
		if strings.Contains(output.String(), secret) {
			t.Errorf("a secret was printed:\n%s", output.String())
		}
	}
}

// Of a list that is about to be converted, the plan says what the month has used.
func TestMachinesPlanWithWhatTheMonthHasUsed(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	rdb := redistest.Start(t)
	env := serverEnv(server)
	env[connect.EnvRedisURL] = "redis://" + rdb.Addr
	call{args: []string{"convert", "a", "b", "c"}, env: env}.run().check(t, result{0, "a\t" + dingtalktest.OpenConversationIDOf("a") + "\nb\t" +
		dingtalktest.OpenConversationIDOf("b") + "\nc\t" + dingtalktest.OpenConversationIDOf("c") + "\n", ""})
	got := call{args: []string{"convert", "--input", "-", "--format", "lines", "--dry-run"}, env: env, stdin: strings.NewReader("x\ny\n")}.run()
	if got.code != 0 || !strings.Contains(got.stdout, "quota          0.0% of the 5000 calls of a month, which has used 3 so far\n") {
		t.Errorf("%+v", got)
	}
	got = call{args: []string{"convert", "--input", "-", "--dry-run", "--monthly-budget", "20"}, env: env, stdin: strings.NewReader("x\ny\n")}.run()
	if got.code != 0 || !strings.Contains(got.stdout, "quota          10.0% of the 20 calls of a month, which has used 3 so far\n") {
		t.Errorf("%+v", got)
	}
	got = call{args: []string{"budget", "--json", "--monthly-budget", "0"}, env: env}.run()
	if got.code != 0 || !strings.Contains(got.stdout, `"used": 3`) || strings.Contains(got.stdout, "limit") || strings.Contains(got.stdout, "left") {
		t.Errorf("%+v", got)
	}
	client := redis.NewClient(&redis.Options{Addr: rdb.Addr})
	defer func() { _ = client.Close() }()
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n < 4 {
		t.Errorf("%d keys: %v", n, err) // token, limit, budget, conversions
	}
}
