package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// process is a run of the command as a process of its own.
func (b *bench) process(flags ...string) *exec.Cmd {
	b.t.Helper()
	cmd := command(b.t, b.args(flags...)...)
	for name, value := range serverEnv(b.server) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// until waits for a condition that another process brings about.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// kills kills runs, each when it has made a number of calls below most, until one comes to its end. It returns how many
// were killed.
func (b *bench) kills(n int, random *rand.Rand, most int, flags ...string) int {
	b.t.Helper()
	for killed := range n {
		cmd := b.process(flags...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		calls := b.server.Count(conversion) + random.IntN(most)
		if err := cmd.Start(); err != nil {
			b.t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(ended)
		}()
		until(b.t, "it has made its calls, or ended", func() bool {
			select {
			case <-ended:
				return true
			default:
				return b.server.Count(conversion) >= calls
			}
		})
		_ = cmd.Process.Kill()
		<-ended
		switch code := cmd.ProcessState.ExitCode(); code {
		case killedCode:
		case 0:
			return killed
		default:
			b.t.Fatalf("exit code %d\n%s", code, stderr.String())
		}
	}
	return n
}

// A run that is killed at any moment, again and again, ends with what an undisturbed one gives, for no more calls than
// were under way.
func TestKilledRunsAreContinued(t *testing.T) {
	const rows, distinct, kills, concurrency = 4000, 3500, 25, 8
	b := newBench(t, "in.txt", chats(rows, distinct), dingtalktest.WithLatency(3*time.Millisecond))
	killed := b.kills(kills, rand.New(rand.NewPCG(4711, 1)), 100, "--concurrency=8") //nolint:gosec // chance, not secrecy
	partly := len(b.journal())
	b.want(0, fmt.Sprintf("%d converted, 0 failed", rows))
	if b.read(b.out) != convertedChats(rows, distinct) || b.files() != "in.txt out out.journal" {
		t.Errorf("the output is not what an undisturbed run gives; files %s", b.files())
	}
	calls := b.server.Count(conversion)
	t.Logf("%d kills, %d results before the last run, %d calls for %d chats", killed, partly, calls, distinct)
	if calls < distinct || calls > distinct+killed*concurrency {
		t.Errorf("%d calls for %d chats and %d kills", calls, distinct, killed)
	}
	if killed < kills || partly == 0 || partly > rows {
		t.Errorf("%d kills, and %d results before the last run: the moments are badly chosen", killed, partly)
	}
}

func TestKilledRetryIsContinued(t *testing.T) {
	const rows, kills = 600, 8
	b := newBench(t, "in.txt", chats(rows, rows))
	b.server.FailNext(dingtalktest.Code(generated.CodeInvalidChatID).For(conversion).Times(rows))
	b.want(1, "600 failed", "--accept-unknown")
	b.server.ResetRequests()
	b.server.Configure(dingtalktest.WithLatency(5 * time.Millisecond))
	killed := b.kills(kills, rand.New(rand.NewPCG(4711, 2)), 50, "--accept-unknown", "--concurrency=4", "--again=failed") //nolint:gosec // chance, not secrecy
	b.want(0, "600 converted, 0 failed", "--accept-unknown")
	if calls := b.server.Count(conversion); b.read(b.out) != convertedChats(rows, rows) || calls > rows+killed*4 || b.files() != "in.txt out out.journal" {
		t.Errorf("%d calls, %d kills, files %s", calls, killed, b.files())
	}
}

// What is under way when a signal comes is waited for and written: no call is lost.
func TestSignalsStopAFile(t *testing.T) {
	for stop, code := range map[os.Signal]int{syscall.SIGTERM: 143, os.Interrupt: 130} {
		t.Run(stop.String(), func(t *testing.T) {
			skipWithoutSignals(t, stop)
			b := newBench(t, "in.txt", chats(200, 200), dingtalktest.WithLatency(100*time.Millisecond))
			cmd := b.process("--concurrency", "4")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			until(t, "some calls are made", func() bool { return b.server.Count(conversion) > 10 })
			if err := cmd.Process.Signal(stop); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(stderr.String(), "go on with: openconversation convert --input ") {
				t.Errorf("exit code %d\n%s", got, stderr.String())
			}
			if calls, rows := b.server.Count(conversion), strings.Count(b.read(b.out), ",cid"); calls != rows || calls >= 200 {
				t.Errorf("%d calls, and %d rows in the output", calls, rows)
			}
			b.server.Configure(dingtalktest.WithLatency(0))
			b.want(0, "200 converted")
			if b.read(b.out) != convertedChats(200, 200) || b.server.Count(conversion) != 200 {
				t.Errorf("%d calls", b.server.Count(conversion))
			}
		})
	}
}

// Calls that do not end are given up after graceTime, or at the second signal.
func TestSignalsDoNotWaitForEver(t *testing.T) {
	for _, second := range []bool{false, true} {
		t.Run(fmt.Sprint(second), func(t *testing.T) {
			skipWithoutSignals(t, syscall.SIGTERM)
			t.Parallel()
			b := newBench(t, "in.txt", chats(20, 20))
			b.server.FailNext(dingtalktest.Pass().For(conversion).Times(5), dingtalktest.Hang().For(conversion).Always())
			cmd := b.process("--concurrency", "1")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			until(t, "calls hang", func() bool { return b.server.Count(conversion) == 6 })
			ended := make(chan struct{})
			go func() {
				_ = cmd.Wait()
				close(ended)
			}()
			_ = cmd.Process.Signal(syscall.SIGTERM)
			want := 143
			if second {
				want = killedCode
			}
			until(t, "it has ended", func() bool {
				select {
				case <-ended:
					return true
				default:
					if second { // signals that come together count as one
						_ = cmd.Process.Signal(syscall.SIGTERM)
					}
					return false
				}
			})
			if code := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			if got := b.journal(); len(got) != 5 {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestTwoProcessesOnOneOutput(t *testing.T) {
	if runtime.GOOS == "plan9" {
		t.Skip("there are no locks here")
	}
	b := newBench(t, "in.txt", chats(20, 20))
	b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
	first := b.process()
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the first is at work", func() bool { return b.server.Count(conversion) > 0 })
	before := b.read(b.out + ".journal")
	for _, flag := range []string{"--progress=none", "--again=all", "--again=failed"} {
		got := finish(t, b.process(flag))
		if got.code != 2 || !strings.Contains(got.stderr, fmt.Sprintf("is being written by process %d", first.Process.Pid)) || b.read(b.out+".journal") != before {
			t.Errorf("%s: %+v", flag, got)
		}
	}
	_ = first.Process.Kill()
	_ = first.Wait()
	b.server.ClearFaults()
	if got := finish(t, b.process()); got.code != 0 || b.read(b.out) != convertedChats(20, 20) {
		t.Errorf("%+v", got)
	}
}

func TestFileThatMayNotGrow(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("a file's size cannot be limited here")
	}
	b := newBench(t, "in.txt", chats(500, 500))
	cmd := b.process("--concurrency", "4")
	cmd.Args = append([]string{shell, "-c", `ulimit -f 16 && exec "$0" "$@"`}, cmd.Args...) // blocks of 512 or 1024 bytes
	cmd.Path = shell
	got := finish(t, cmd)
	known := len(b.journal())
	if got.code != 5 || !strings.Contains(got.stderr, "file too large") || known == 0 || known == 500 {
		t.Fatalf("%d results, %+v", known, got)
	}
	if calls := b.server.Count(conversion); calls != known {
		t.Errorf("%d calls, and %d results are known", calls, known)
	}
	b.want(0, "500 converted")
	if b.read(b.out) != convertedChats(500, 500) {
		t.Error("the output is not what an undisturbed run gives")
	}
}

func TestFullDeviceAsOutput(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	b := newBench(t, "in.txt", chats(500, 500))
	b.out = "/dev/full"
	b.want(5, "/dev/full: no space left on device")
	b.want(2, "/dev/full is no file that could be continued", "--again=all")
	if n := b.server.Count(conversion); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestOutputThatMayNotBeWritten(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("root may write anywhere")
	}
	b := newBench(t, "in.txt", chats(5, 5))
	if err := os.Chmod(filepath.Dir(b.out), 0o555); err != nil {
		t.Fatal(err)
	}
	b.want(5, "permission denied")
	if n := b.server.Count(conversion); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// A reader that has seen enough, such as head, ends the run without a word, but for what it did not take.
func TestClosedPipeOfAFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGPIPE")
	}
	b := newBench(t, "in.txt", chats(5000, 5000))
	closed := make(chan struct{})
	env := b.behind(func(w http.ResponseWriter, r *http.Request) {
		<-closed
		b.server.ServeHTTP(w, r)
	})
	cmd := command(t, "convert", "--input", b.in, "--qps", "0", "--concurrency", "2")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = writer, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	line, err := bufio.NewReader(io.LimitReader(reader, 100)).ReadString('\n')
	if err != nil || line != "chat_id,open_conversation_id,error_code,error\n" {
		t.Errorf("%q, %v", line, err)
	}
	_ = reader.Close()
	close(closed)
	_ = cmd.Wait()
	// What was under way is told, since it was paid for.
	told := strings.Count(stderr.String(), "\tcid")
	if cmd.ProcessState.Success() || strings.Count(stderr.String(), "\n") != 1+told || b.server.Count(conversion) != told || told > 10 {
		t.Errorf("%v, %q, %d calls", cmd.ProcessState, stderr.String(), b.server.Count(conversion))
	}
}
