package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The Job of the page, as process 1 of its container: drained or killed, it goes on, and calls no chat again but those that were
// under way.
func TestJobAsThePageSays(t *testing.T) {
	page, err := os.ReadFile("../../docs/many-machines.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	type containers []struct{ Command, Args []string }
	var job struct {
		Spec struct {
			PodFailurePolicy struct {
				Rules []struct {
					Action      string
					OnExitCodes struct{ Values []int } `yaml:"onExitCodes"`
				}
			} `yaml:"podFailurePolicy"`
			Template struct {
				Spec struct{ Containers containers }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &job); err != nil || len(job.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%v: %+v", err, job)
	}
	for _, rule := range job.Spec.PodFailurePolicy.Rules {
		if rule.Action == "FailJob" && !slices.Equal(rule.OnExitCodes.Values, []int{explain.SomeFailed, explain.UsageExit, explain.Credentials, explain.Limited}) {
			t.Errorf("codes %v end the Job", rule.OnExitCodes.Values)
		}
	}
	container := job.Spec.Template.Spec.Containers[0]
	if !slices.Equal(container.Command, []string{"/openconversation"}) {
		t.Errorf("the command is %q", container.Command)
	}
	const rows = 400
	b := newBench(t, "chats.csv", "chat_id\n"+chats(rows, rows), dingtalktest.WithLatency(5*time.Millisecond))
	dir := filepath.Dir(b.in)
	args := append(slices.Clone(container.Args), "--qps", "0")
	for n := range args {
		args[n] = strings.Replace(args[n], "/data", dir, 1)
	}
	if at := slices.Index(args, "--region"); at > 0 {
		args = slices.Delete(args, at, at+2) // the emulator is in none
	}
	var output *bytes.Buffer
	start := func(attributes *syscall.SysProcAttr) (*exec.Cmd, error) {
		cmd := command(t, serverEnv(b.server), args...)
		output = new(bytes.Buffer)
		cmd.Stderr, cmd.SysProcAttr = output, attributes
		return cmd, cmd.Start()
	}
	pod := func() *exec.Cmd {
		cmd, err := start(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID})
		if err != nil { // the system does not let the test make a process 1
			cmd, err = start(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	ends := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL}
	for n, signal := range ends {
		cmd := pod()
		until(t, "the pod has made some calls", func() bool { return b.server.Count(conversion) > 20*(n+1) })
		_ = cmd.Process.Signal(signal)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); signal == syscall.SIGTERM && code != explain.Terminated {
			t.Errorf("SIGTERM: exit code %d\n%s", code, output)
		}
	}
	if last := pod(); last.Wait() != nil {
		t.Fatalf("%v\n%s", last.ProcessState, output)
	}
	converted := b.read(filepath.Join(dir, "converted.csv"))
	if got := strings.Count(converted, ",cid"); got != rows || strings.Count(converted, "\n") != rows+1 {
		t.Errorf("%d of %d rows:\n%s", got, rows, converted)
	}
	if calls := b.server.Count(conversion); calls > rows+len(ends)/2*16 { // a drained pod loses none
		t.Errorf("%d calls for %d chats", calls, rows)
	}
}
