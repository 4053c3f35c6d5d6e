package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The Job of the page goes on where its pod was killed, and calls no chat again but those that were under way.
func TestJobAsThePageSays(t *testing.T) {
	const rows, kills = 400, 3
	b := newBench(t, "chats.csv", "chat_id\n"+chats(rows, rows), dingtalktest.WithLatency(5*time.Millisecond))
	_, script, _ := strings.Cut(b.read("../../docs/many-machines.md"), "- |\n")
	script, _, found := strings.Cut(script, "env:")
	if !found {
		t.Fatal("the Job has no script")
	}
	pod := func() *exec.Cmd {
		cmd := command(t, serverEnv(b.server))
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-eu", "-c", strings.NewReplacer("/data/", "./", "--input", "--qps 0 --input").Replace(script)}
		cmd.Dir, cmd.Env = filepath.Dir(b.in), append(cmd.Env, "PATH="+os.Getenv("PATH"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Stdout = new(strings.Builder) // a pipe: Wait returns when the command has ended, too, not the shell alone
		return cmd
	}
	for kill := range kills {
		cmd := pod()
		ended := started(t, cmd)
		until(t, "the pod has made some calls", func() bool { return b.server.Count(conversion) > 20*(kill+1) })
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	finish(t, pod()).holds(t, 0)
	output := b.read(filepath.Join(filepath.Dir(b.in), "converted.csv"))
	if got := strings.Count(output, ",cid"); got != rows || strings.Count(output, "\n") != rows+1 {
		t.Errorf("%d of %d rows:\n%s", got, rows, output)
	}
	if calls := b.server.Count(conversion); calls > rows+kills*16 {
		t.Errorf("%d calls for %d chats", calls, rows)
	}
}
