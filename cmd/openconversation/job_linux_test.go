package main

import (
	"bytes"
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
	page, err := os.ReadFile("../../docs/many-machines.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "- |\n")
	script, _, found := strings.Cut(script, "env:")
	if !found {
		t.Fatal("the Job has no script")
	}
	bin := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(bin, "openconversation")); err != nil {
		t.Fatal(err)
	}
	const rows, kills = 400, 3
	b := newBench(t, "chats.csv", "chat_id\n"+chats(rows, rows), dingtalktest.WithLatency(5*time.Millisecond))
	pod := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", strings.NewReplacer("/data/", "./", "--input", "--qps 0 --input").Replace(script))
		cmd.Dir = filepath.Dir(b.in)
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		for name, value := range serverEnv(b.server) {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Stdout = new(bytes.Buffer) // a pipe: Wait returns when the command has ended, too, not the shell alone
		return cmd
	}
	for kill := range kills {
		cmd := pod()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the pod has made some calls", func() bool { return b.server.Count(conversion) > 20*(kill+1) })
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	if last := pod(); last.Run() != nil {
		t.Fatalf("%v\n%s", last.ProcessState, last.Stdout)
	}
	output := b.read(filepath.Join(filepath.Dir(b.in), "converted.csv"))
	if got := strings.Count(output, ",cid"); got != rows || strings.Count(output, "\n") != rows+1 {
		t.Errorf("%d of %d rows:\n%s", got, rows, output)
	}
	if calls := b.server.Count(conversion); calls > rows+kills*16 {
		t.Errorf("%d calls for %d chats", calls, rows)
	}
}
