package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What an earlier run has paid for stays until --force has a result of its own.
func TestForceWithoutAResultChangesNothing(t *testing.T) {
	away := dingtalktest.Raw(501, "text/html", nil).For(conversion).Always()
	unknownChat := dingtalktest.Code(generated.CodeInvalidChatID).For(conversion)
	tests := []struct {
		name   string
		secret string
		faults []dingtalktest.Fault
		code   int
	}{
		{"wrong secret", "wrong", nil, 3},
		{"no network", "", []dingtalktest.Fault{away}, 5},
		{"quota", "", []dingtalktest.Fault{unknownChat, dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion)}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, "in.txt", "..\n"+chats(20, 20))
			b.want(1, "20 converted")
			whole := b.read(b.out)
			b.server.FailNext(tt.faults...)
			env := serverEnv(b.server)
			if tt.secret != "" {
				env[connect.EnvAppSecret] = tt.secret
			}
			got := call{args: b.args("--force", "--concurrency", "1"), env: env}.run()
			if got.code != tt.code || !strings.Contains(got.stderr, "0 of 21 rows: 0 converted, 0 failed; ") ||
				!strings.Contains(got.stderr, "; nothing was saved, and "+b.out+" is as it was\n") || strings.Contains(got.stderr, "go on with: ") {
				t.Errorf("%+v", got)
			}
			if b.read(b.out) != whole || b.files() != "in.txt out" {
				t.Errorf("files %s\n%s", b.files(), b.read(b.out))
			}
		})
	}
}

func TestForceOverAStoppedRun(t *testing.T) {
	b := stopped(t)
	env := serverEnv(b.server)
	env[connect.EnvAppSecret] = "wrong"
	before, state := b.read(b.out), b.read(b.out+".state")
	if got := (call{args: b.args("--force"), env: env}).run(); got.code != 3 || b.read(b.out) != before || b.read(b.out+".state") != state || b.files() != "in.txt out out.state" {
		t.Errorf("%+v, files %s", got, b.files())
	}
	b.server.FailNext(dingtalktest.Pass().For(conversion).Times(3), dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion))
	b.want(4, "3 of 60 rows: 3 converted, 0 failed", "--force", "--concurrency", "1")
	if b.read(b.out) != convertedChats(3, 50) || b.files() != "in.txt out out.state" {
		t.Errorf("files %s\n%s", b.files(), b.read(b.out))
	}
	b.want(0, "60 converted, 0 failed; 47 calls", "--resume")
	if b.read(b.out) != convertedChats(60, 50) || b.files() != "in.txt out" {
		t.Errorf("files %s", b.files())
	}
}

// A result that came while an earlier row failed is one, too.
func TestForceKeepsResultsBehindAStop(t *testing.T) {
	b := newBench(t, "in.txt", chats(8, 8))
	b.write(b.out, "precious\n")
	env := b.refusing(0, 3)
	got := call{args: b.args("--force", "--concurrency", "4"), env: env}.run()
	if got.code != 4 || !strings.Contains(got.stderr, "0 of 8 rows") || !strings.Contains(got.stderr, "go on with: ") {
		t.Errorf("%+v", got)
	}
	if got := b.read(b.out); got != convertedChats(0, 8) || b.files() != "in.txt out out.state" {
		t.Errorf("files %s\n%s", b.files(), got)
	}
	if got := (call{args: b.args("--resume"), env: env}).run(); got.code != 0 || !strings.Contains(got.stderr, "8 converted, 0 failed; 5 calls") {
		t.Errorf("%+v", got)
	}
	if b.read(b.out) != convertedChats(8, 8) {
		t.Errorf("%s", b.read(b.out))
	}
}

func TestKilledForceChangesNothing(t *testing.T) {
	b := stopped(t)
	before, state := b.read(b.out), b.read(b.out+".state")
	b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
	first := b.process("--force")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "it is at work", func() bool { return b.server.Count(conversion) > 0 })
	if got := finish(t, b.process("--resume")); got.code != 2 || !strings.Contains(got.stderr, fmt.Sprintf("is being written by process %d", first.Process.Pid)) {
		t.Errorf("%+v", got)
	}
	_ = first.Process.Kill()
	_ = first.Wait()
	if b.files() != "in.txt out out.MARK.force out.MARK.force.state out.MARK.force.state.MARK out.state" {
		t.Errorf("files %s", b.files())
	}
	if b.read(b.out) != before || b.read(b.out+".state") != state {
		t.Errorf("%s", b.read(b.out))
	}
	b.server.ClearFaults()
	b.want(0, "60 converted", "--resume")
	if b.read(b.out) != convertedChats(60, 50) || b.files() != "in.txt out" {
		t.Errorf("files %s", b.files())
	}
}

// What has the name that --force writes beside may be somebody's.
func TestForceDoesNotTakeAnothersFile(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	b.want(0, "3 converted")
	b.write(b.out+".force", "precious\n")
	b.want(0, "3 converted", "--force")
	b.want(0, "is complete", "--resume")
	if b.read(b.out+".force") != "precious\n" || b.read(b.out) != convertedChats(3, 3) || b.files() != "in.txt out out.force" {
		t.Errorf("files %s", b.files())
	}
}

// A --retry-failed that cannot begin must not take the output with it.
func TestRetryThatCannotBegin(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3)+"..\n")
	b.want(1, "3 converted, 1 failed")
	whole := b.read(b.out)
	long := filepath.Join(filepath.Dir(b.out), strings.Repeat("o", 240)) // with a mark behind it, too long for a file's name
	if err := os.Rename(b.out, long); err != nil {
		t.Fatal(err)
	}
	b.out = long
	b.want(2, "name too long", "--retry-failed")
	if b.read(b.out) != whole || b.files() != "in.txt "+filepath.Base(long) {
		t.Errorf("files %s", b.files())
	}
}
