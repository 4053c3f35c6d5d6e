package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// granting is the environment of a command whose conversions are granted after a while that differs from call to call,
// and the count of those granted. Beyond most the quota is used up.
func (b *bench) granting(most int64, slowest time.Duration) (env map[string]string, granted *grants) {
	granted = new(grants)
	granted.most.Store(most)
	var asked atomic.Int64
	env = b.behind(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/convertToOpenConversationId") {
			b.server.ServeHTTP(w, r)
			return
		}
		if asked.Add(1) > granted.most.Load() {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}`)
			return
		}
		time.Sleep(rand.N(slowest)) //nolint:gosec // chance, not secrecy
		b.server.ServeHTTP(w, r)
		granted.Add(1)
	})
	return env, granted
}

// grants counts conversions that were granted, until most have been asked for.
type grants struct {
	atomic.Int64
	most atomic.Int64
}

// start is a process in an environment.
func start(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, args...)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// journal are the conversions in the journal of the output.
func (b *bench) journal() map[string]string {
	b.t.Helper()
	raw, err := os.ReadFile(b.out + ".journal")
	if err != nil {
		return nil
	}
	known := map[string]string{}
	for text := range strings.Lines(string(raw)) {
		var line struct{ ID, To string }
		if json.Unmarshal([]byte(text), &line) == nil && line.To != "" {
			known[line.ID] = line.To
		}
	}
	return known
}

// whatGoesIn are the forms in which ids reach the command, and the flags for them.
func whatGoesIn(ids []string) map[string]struct {
	stdin string
	args  []string
} {
	list := strings.Join(ids, "\n") + "\n"
	type form = struct {
		stdin string
		args  []string
	}
	return map[string]form{
		"arguments":      {"", ids},
		"arguments JSON": {"", append([]string{"--json"}, ids...)},
		"lines":          {list, []string{"-"}},
		"lines as rows":  {list, []string{"--input", "-"}},
		"CSV as rows":    {"chat_id,n\n" + strings.Join(ids, ",1\n") + ",1\n", []string{"--input", "-"}},
		"JSON as rows":   {`{"chatId":"` + strings.Join(ids, "\"}\n{\"chatId\":\"") + "\"}\n", []string{"--input", "-"}},
	}
}

func someIDs(n int) []string { return strings.Fields(chats(n, n)) }

// A stream has every conversion that was granted, however the run ended.
func TestStreamsHaveWhatWasGranted(t *testing.T) {
	const most = 30
	for name, form := range whatGoesIn(someIDs(60)) {
		for _, flags := range [][]string{nil, {"--max-calls", "25"}} {
			t.Run(fmt.Sprint(name, flags), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, "unused", "")
				env, granted := b.granting(most, 60*time.Millisecond)
				cmd := start(t, env, append([]string{"convert", "--qps", "0"}, append(flags, form.args...)...)...)
				cmd.Stdin = strings.NewReader(form.stdin)
				got := finish(t, cmd)
				if rows := strings.Count(got.stdout, "cid"); got.code != explain.Limited || rows != int(granted.Load()) || rows < 20 {
					t.Errorf("%d granted, %d in the output; %+v", granted.Load(), rows, got)
				}
			})
		}
	}
}

// A file and its journal have every conversion that was granted, and the rest costs as many calls as there are chats left.
func TestFilesHaveWhatWasGranted(t *testing.T) {
	const rows = 60
	for _, flags := range [][]string{{"--concurrency", "16"}, {"--max-calls", "25"}, {"--max-calls", "1"}} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			b := newBench(t, "in.txt", chats(rows, rows))
			env, granted := b.granting(30, 60*time.Millisecond)
			got := finish(t, start(t, env, b.args(flags...)...))
			if in := strings.Count(b.read(b.out), ",cid"); got.code != explain.Limited || in != int(granted.Load()) || len(b.journal()) != in {
				t.Errorf("%d granted, %d in the output and %d in the journal; %+v", granted.Load(), in, len(b.journal()), got)
			}
			granted.most.Store(1 << 40)
			b.wantWith(env, 0, fmt.Sprintf("%d converted", rows))
			if n := b.server.Count(conversion); n != rows || b.read(b.out) != convertedChats(rows, rows) {
				t.Errorf("%d calls for %d chats", n, rows)
			}
		})
	}
}

// What a full disk does not take is kept where room was set aside, and costs no second call.
func TestFullDiskCostsNoCallTwice(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("a file's size cannot be limited here")
	}
	const rows = 500
	for _, mode := range []string{"new", "all", "retry"} {
		t.Run(mode, func(t *testing.T) {
			b := newBench(t, "in.txt", chats(rows, rows))
			env, granted := b.granting(10*rows, 3*time.Millisecond)
			flags, blocks := []string{"--concurrency", "4"}, 16
			switch mode {
			case "all":
				b.server.FailNext(dingtalktest.Code("invalideChatId").For(conversion).Times(rows))
				b.wantWith(env, 1, "500 failed", "--accept-unknown")
				b.server.ResetRequests()
				granted.Store(0)
				flags, blocks = append(flags, "--again=all", "--accept-unknown"), 150
			case "retry":
				b.server.FailNext(dingtalktest.Code("invalideChatId").For(conversion).Times(rows))
				b.wantWith(env, 1, "500 failed", "--accept-unknown")
				b.server.ResetRequests()
				granted.Store(0)
				flags, blocks = append(flags, "--again=failed", "--accept-unknown"), 150
			}
			cmd := start(t, env, b.args(flags...)...)
			cmd.Args = append([]string{shell, "-c", fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, blocks)}, cmd.Args...) // of 512 or 1024 bytes
			cmd.Path = shell
			got := finish(t, cmd)
			if got.code != explain.Unavailable || !strings.Contains(got.stderr, "file too large") || granted.Load() >= rows {
				t.Fatalf("%+v", got)
			}
			if known := len(b.journal()); known != int(granted.Load()) {
				t.Errorf("%d granted, %d in the journal\n%s", granted.Load(), known, got.stderr)
			}
			b.wantWith(env, 0, "500 converted", "--accept-unknown")
			if n := b.server.Count(conversion); n != rows || b.read(b.out) != convertedChats(rows, rows) || b.files() != "in.txt out out.journal" {
				t.Errorf("%d calls for %d chats, files %s", n, rows, b.files())
			}
		})
	}
}

// A stream that takes nothing more leaves what was under way on standard error.
func TestFullStreamCostsNothing(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	for name, form := range whatGoesIn(someIDs(60)) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "unused", "")
			env, granted := b.granting(1000, 20*time.Millisecond)
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = full.Close() }()
			cmd := start(t, env, append([]string{"convert", "--qps", "0"}, form.args...)...)
			cmd.Stdin = strings.NewReader(form.stdin)
			var stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = full, &stderr
			_ = cmd.Run()
			told := strings.Count(stderr.String(), "\tcid")
			if code := cmd.ProcessState.ExitCode(); code != explain.Unavailable || told != int(granted.Load()) || told > 40 {
				t.Errorf("exit code %d, %d granted and %d told\n%s", code, granted.Load(), told, stderr.String())
			}
		})
	}
}

// After a signal nothing more is sent, and what is under way reaches the output.
func TestSignalsSendNothingMore(t *testing.T) {
	const rows = 60
	for _, stop := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, form := range []string{"file", "lines", "arguments"} {
			t.Run(fmt.Sprint(stop, " ", form), func(t *testing.T) {
				t.Parallel()
				skipWithoutSignals(t, stop)
				b := newBench(t, "in.txt", chats(rows, rows))
				var asked, granted, sentLate atomic.Int64
				var stopped atomic.Bool
				release := make(chan struct{})
				env := b.behind(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/convertToOpenConversationId") {
						if stopped.Load() {
							sentLate.Add(1)
						}
						if asked.Add(1) > 3 {
							<-release
						}
						defer granted.Add(1)
					}
					b.server.ServeHTTP(w, r)
				})
				args := map[string][]string{
					"file":      {"--input", b.in, "--output", b.out},
					"lines":     {"-"},
					"arguments": someIDs(rows),
				}[form]
				cmd := start(t, env, append([]string{"convert", "--qps", "40", "--concurrency", "60"}, args...)...)
				cmd.Stdin = strings.NewReader(chats(rows, rows))
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				until(t, "some calls are under way", func() bool { return asked.Load() >= 6 })
				if err := cmd.Process.Signal(stop); err != nil {
					t.Fatal(err)
				}
				until(t, "the signal has come", func() bool { return signalled(cmd.Process.Pid) })
				time.Sleep(300 * time.Millisecond) // what was sent before may arrive late on a busy machine
				stopped.Store(true)
				time.Sleep(300 * time.Millisecond) // in which a dozen more would be sent: a shorter time finds less, and never too much
				close(release)
				_ = cmd.Wait()
				in := strings.Count(stdout.String(), "cid")
				if form == "file" {
					in = strings.Count(b.read(b.out), ",cid")
				}
				if code := cmd.ProcessState.ExitCode(); code != 128+int(stop) || in != int(granted.Load()) || sentLate.Load() > 0 {
					t.Errorf("exit code %d, %d granted, %d in the output, %d sent after the signal\n%s", code, granted.Load(), in, sentLate.Load(), stderr.String())
				}
				if form == "file" {
					b.wantWith(env, 0, "60 converted")
					if n := b.server.Count(conversion); n != rows || b.read(b.out) != convertedChats(rows, rows) {
						t.Errorf("%d calls", n)
					}
				}
			})
		}
	}
}

// signalled is whether a process has taken the first signal: it does not catch any more what it caught before.
func signalled(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return true // there is no such file here, or no such process any more
	}
	for line := range strings.Lines(string(status)) {
		if caught, found := strings.CutPrefix(line, "SigPnd:"); found {
			return strings.Trim(caught, "\t 0\n") == ""
		}
	}
	return true
}
