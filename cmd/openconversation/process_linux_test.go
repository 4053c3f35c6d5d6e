package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// withoutLocks is the variable for a command whose system answers a lock with an error, whose number it holds.
const withoutLocks = "OPENCONVERSATION_TEST_LOCK_ERROR"

func init() {
	number, err := strconv.Atoi(os.Getenv(withoutLocks))
	if err != nil {
		return
	}
	runtime.LockOSThread()
	const load, jumpIfEqual, answer = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		{Code: load, K: 0}, // the number of the system call
		{Code: jumpIfEqual, Jt: 0, Jf: 1, K: unix.SYS_FLOCK},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(number)},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		panic(err)
	}
	_ = os.Unsetenv(withoutLocks)
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ())) // all threads have the filter that the one before had
}

// A file system without locks is named, with what to do, and nothing is left on it.
func TestFileSystemWithoutLocks(t *testing.T) {
	for _, number := range []syscall.Errno{syscall.ENOLCK, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		b := newBench(t, "in.txt", chats(3, 3))
		for _, files := range []string{"in.txt", "in.txt out out.journal"} {
			for _, flag := range []string{"--progress=none", "--again=all"} {
				cmd := b.process(flag)
				cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", withoutLocks, int(number)))
				got := finish(t, cmd)
				if got.code != explain.UsageExit || !strings.Contains(got.stderr, b.out+".journal: its file system has no locks ("+number.Error()+")") || !strings.Contains(got.stderr, "hint: write to a local disk") {
					t.Errorf("%v, %s: %+v", number, flag, got)
				}
				if b.files() != files || b.server.Count(conversion) != 0 {
					t.Errorf("files %s", b.files())
				}
			}
			b.want(0, "3 converted")
			b.server.ResetRequests()
		}
	}
}

// A pipe that nobody opens at its other end does not keep a signal from ending the command.
func TestSignalWhileAPipeIsAwaited(t *testing.T) {
	skipWithoutSignals(t, syscall.SIGTERM)
	b := newBench(t, "in.txt", chats(3, 3))
	pipe := filepath.Join(filepath.Dir(b.in), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no pipe can be made here: " + err.Error())
	}
	for _, args := range [][]string{{"x", "--app-secret-file", pipe}, {"--input", pipe, "--format", "lines"}, {"--input", b.in, "--output", pipe}} {
		cmd := command(t, serverEnv(b.server), append([]string{"convert"}, args...)...)
		ended := started(t, cmd)
		until(t, "it waits for the pipe", func() bool { return waitsForAPipe(cmd.Process.Pid) })
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if code := cmd.ProcessState.ExitCode(); code != explain.Terminated || b.server.Count(conversion) != 0 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// waitsForAPipe is whether a thread of a process is in a call that opens a file, again and again: only a pipe takes so
// long. It is true where nothing can be known of it.
func waitsForAPipe(pid int) bool {
	for range 20 {
		opening := false
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
		if err != nil || len(threads) == 0 {
			return true
		}
		for _, thread := range threads {
			content, err := os.ReadFile(thread)
			opening = opening || err == nil && strings.HasPrefix(string(content), fmt.Sprintf("%d 0xffffff", unix.SYS_OPENAT))
		}
		if !opening {
			return false
		}
	}
	return true
}

// On a disk that is full, what was granted is in the journal: room for it was set aside.
func TestFullFileSystem(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil || exec.CommandContext(t.Context(), unshare, "-rm", "mount", "-t", "tmpfs", "tmpfs", t.TempDir()).Run() != nil {
		t.Skip("no file system can be mounted here")
	}
	const rows = 2000
	for _, file := range []string{"in.txt", "in.xlsx"} {
		for _, size := range []string{"80k", "330k"} { // full while it calls, and while it makes the output
			t.Run(file+" "+size, func(t *testing.T) {
				b := newBench(t, file, chats(rows, rows))
				if file == "in.xlsx" {
					book(t, b.in, ids(rows)...)
				}
				disk := filepath.Join(filepath.Dir(b.in), "disk")
				if err := os.Mkdir(disk, 0o755); err != nil {
					t.Fatal(err)
				}
				saved := filepath.Dir(b.in)
				out := "out" + strings.ReplaceAll(filepath.Ext(b.in), "txt", "csv")
				b.out = filepath.Join(disk, out)
				env, granted := b.granting(rows, 30*time.Millisecond)
				// The disk is there for the script only, which saves what is on it before and after the run goes on.
				script := `set -u; mount -t tmpfs -o size=$4 tmpfs "$1" || exit 99
					out=$2; saved=$3; shift 4
					"$@" ; echo "ended with $?"
					cp "$out.journal" "$saved/whole.journal"
					mount -o remount,size=2m "$(dirname "$out")" || exit 98
					"$@"; echo "then with $?"
					cp "$out" "$saved/whole"; ls "$(dirname "$out")"`
				args := append([]string{"-rm", "sh", "-c", script, "sh", disk, b.out, saved, size, binary}, b.args("--concurrency", "100")...)
				cmd := command(t, env, args...)
				cmd.Path, cmd.Args, cmd.Env = unshare, append([]string{unshare}, args...), append(os.Environ(), cmd.Env...)
				got := finish(t, cmd)
				if !strings.Contains(got.stdout, "ended with 5\n") || !strings.Contains(got.stderr, "no space left on device") {
					t.Fatalf("%+v", got)
				}
				b.out = filepath.Join(saved, "whole")
				if known := len(b.journal()); known == 0 || size == "330k" && file == "in.txt" && known != rows {
					t.Errorf("%d were in the journal\n%s", known, got.stderr)
				}
				if !strings.Contains(got.stdout, "then with 0\n"+out+"\n"+out+".journal\n") || granted.Load() != rows {
					t.Errorf("%d granted, %+v", granted.Load(), got)
				}
				if file == "in.txt" && b.read(b.out) != convertedChats(rows, rows) {
					t.Error("the output is not what an undisturbed run gives")
				}
			})
		}
	}
}

// The Job of the page, as process 1 of its container: drained or killed, it goes on, and calls no chat again but those that were
// under way.
func TestJobAsThePageSays(t *testing.T) {
	const rows = 400
	b := newBench(t, "chats.csv", "chat_id\n"+chats(rows, rows), dingtalktest.WithLatency(5*time.Millisecond))
	_, job, _ := strings.Cut(b.read("../../docs/many-machines.md"), "```yaml\n")
	said := regexp.MustCompile(`(?s)values: \[([^]]*)\].*command: \[([^]]*)\]\s+args: \[([^]]*)\]`).FindStringSubmatch(job)
	ends := fmt.Sprintf("%d, %d, %d, %d", explain.SomeFailed, explain.UsageExit, explain.Credentials, explain.Limited)
	if said == nil || said[1] != ends || said[2] != "/openconversation" {
		t.Fatalf("the Job says %q", said)
	}
	args := strings.Split(strings.ReplaceAll(said[3], "/data", filepath.Dir(b.in)), ", ")
	if at := slices.Index(args, "--region"); at > 0 {
		args = slices.Delete(args, at, at+2) // the emulator is in none
	}
	pod := func() (cmd *exec.Cmd, said *bytes.Buffer) {
		for _, flags := range []uintptr{syscall.CLONE_NEWPID, 0} { // where the system lets the test make a process 1
			cmd, said = command(t, serverEnv(b.server), append(args, "--qps", "0")...), new(bytes.Buffer)
			cmd.Stderr, cmd.SysProcAttr = said, &syscall.SysProcAttr{Cloneflags: flags}
			if cmd.Start() == nil {
				return cmd, said
			}
		}
		t.Fatal("it does not start")
		return nil, nil
	}
	for n, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		cmd, said := pod()
		until(t, "the pod has made some calls", func() bool { return b.server.Count(conversion) > 20*(n+1) })
		_ = cmd.Process.Signal(signal)
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); signal == syscall.SIGTERM && code != explain.Terminated {
			t.Errorf("SIGTERM: exit code %d\n%s", code, said)
		}
	}
	if last, said := pod(); last.Wait() != nil {
		t.Fatalf("%v\n%s", last.ProcessState, said)
	}
	converted := b.read(filepath.Join(filepath.Dir(b.in), "converted.csv"))
	if got := strings.Count(converted, ",cid"); got != rows || strings.Count(converted, "\n") != rows+1 {
		t.Errorf("%d of %d rows:\n%s", got, rows, converted)
	}
	if calls := b.server.Count(conversion); calls > rows+2*16 { // a drained pod loses none
		t.Errorf("%d calls for %d chats", calls, rows)
	}
}

// remoteScript has two network namespaces with a cable between them: the emulator runs in one, and a client in the other, each
// under a user of its own. $0 is the command, in a folder that all may write to.
const remoteScript = `
cd "$(dirname "$0")"
ip link set lo up
unshare --net sleep 60 & far=$!
trap 'kill $far $emulator' EXIT
while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link add near type veth peer name far netns $far
ip address add 192.0.2.1/24 dev near
ip link set near up
nsenter --target $far --net ip address add 192.0.2.2/24 dev far
nsenter --target $far --net ip link set far up
from_far() { nsenter --target $far --net setpriv --reuid=12345 --regid=12345 --clear-groups "$@"; }
serve() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$0" emulator --ready-file ready "$@" & emulator=$!
	tries=0
	while [ ! -e ready ]; do tries=$((tries + 1)); [ $tries -lt 500 ]; sleep 0.02; done
}
serve --listen 0.0.0.0:8080 --admin 0.0.0.0:8081 --allow-remote --tls --tls-ca-file ca.pem --tls-name 192.0.2.1 --any-chat
from_far env SSL_CERT_FILE=ca.pem DINGTALK_BASE_URL=https://192.0.2.1:8080 ` +
	`DINGTALK_APP_KEY=` + dingtalktest.AppKey + ` DINGTALK_APP_SECRET=` + dingtalktest.AppSecret + ` "$0" convert x
from_far "$0" emulator --health http://192.0.2.1:8081
kill $emulator
wait $emulator

# Without --allow-remote nothing is reached from outside.
if "$0" emulator --listen 192.0.2.1:8080; then exit 99; fi
serve --listen 127.0.0.1:8080 --admin 127.0.0.1:8081
"$0" emulator --health http://127.0.0.1:8081
if from_far "$0" emulator --health http://192.0.2.1:8081 2>/dev/null; then exit 98; fi
echo unreached
`

func TestEmulatorIsReachedFromOutside(t *testing.T) {
	for _, tool := range []string{"ip", "unshare", "nsenter", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here (Debian: iproute2, util-linux)", tool)
		}
	}
	if err := exec.CommandContext(t.Context(), "unshare", "--net", "true").Run(); err != nil {
		t.Skip("this user may make no network namespace")
	}
	dir, err := os.MkdirTemp("", "oc") //nolint:usetesting // other users must get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	everybodys := filepath.Join(dir, "openconversation")
	if err := exec.CommandContext(t.Context(), "sh", "-ec", `cp "$0" "$1"; chmod 755 "$1"; chmod 777 "$(dirname "$1")"`, binary, everybodys).Run(); err != nil {
		t.Fatal(err)
	}
	finish(t, exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-euc", remoteScript, everybodys)).holds(t, 0,
		dingtalktest.OpenConversationIDOf("x")+"\nok\n", "ok\nunreached\n", "listening on https://127.0.0.1:8080 with ",
		"--allow-remote: whoever reaches this machine can use it", "this is not a loopback address")
}

// soakSwitch is the environment variable that says how many requests to send: `.ci/run soak` sends a million.
const soakSwitch = "OPENCONVERSATION_SOAK"

// resident is how much memory a process has in use, in kilobytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	match := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if err != nil || match == nil {
		t.Fatalf("%v %s", err, status)
	}
	kilobytes, _ := strconv.Atoi(string(match[1]))
	return kilobytes
}

// However many requests an emulator gets that records them, keeps groups and messages, and logs, its memory does not grow.
func TestMemoryIsFlat(t *testing.T) {
	total := 20_000
	if n, err := strconv.Atoi(os.Getenv(soakSwitch)); err == nil {
		total = n
	}
	s := startService(t, "--admin", "127.0.0.1:0", "--any-chat", "--log", os.DevNull)
	_, answer := ask(t, "POST", s.admin+"/tokens", "")
	token := strings.Split(answer, `"`)[3]
	const workers = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	send := func(from, until int) {
		var all sync.WaitGroup
		for worker := range workers {
			all.Go(func() {
				for i := from + worker; i < until; i += workers {
					op, body := conversion, ""
					path := strings.ReplaceAll(op.Path, "{chatId}", fmt.Sprint("chat", i))
					switch i % 10 {
					case 7:
						op, body = generated.OperationCreateGroup, `{"name":"n","owner":"u","useridlist":["u"]}`
						path = op.Path
					case 8:
						op = generated.OperationOrgGroupSend
						path, body = op.Path, `{"msgKey":"k","msgParam":"{\"content\":\"`+strings.Repeat("x", 200)+`\"}","openConversationId":"cidOf`+fmt.Sprint(i)+`","robotCode":"dingue4kfzdxbyn0pjqd"}`
					case 9:
						path = fmt.Sprint("/v1.0/no/such/path/", i)
					}
					r, err := http.NewRequestWithContext(t.Context(), op.Method, s.env[connect.EnvBaseURL]+path, strings.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					r.Header.Set(generated.TokenHeader, token)
					r.Header.Set("Content-Type", "application/json")
					response, err := client.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			})
		}
		all.Wait()
	}
	// What is bounded is full after these: 1,000 requests, and 10,000 groups and messages each where so many come.
	send(0, total/4)
	before := resident(t, s.cmd.Process.Pid)
	send(total/4, total)
	after := resident(t, s.cmd.Process.Pid)
	t.Logf("%d requests: %d MB after the first quarter, %d MB at the end", total, before>>10, after>>10)
	if after > before+before/4+8<<10 {
		t.Errorf("the emulator grew from %d kB to %d kB", before, after)
	}
	if _, answer := ask(t, "GET", s.admin+"/requests?status=999", ""); !strings.Contains(answer, fmt.Sprintf(`"dropped":%d`, total-1000)) {
		t.Errorf("%s", answer)
	}
	s.stop(t)
}

// idsVariable is how many chats BenchmarkBulk converts.
const idsVariable = "OPENCONVERSATION_IDS"

// BenchmarkBulk converts a list into CSV and into a workbook, and a workbook into another, each from nothing and once more with
// all known, in a process against an emulator in another. It reports the peak of resident memory.
//
//	OPENCONVERSATION_IDS=1000000 go test ./cmd/openconversation -run '^$' -bench Bulk -benchtime 1x -timeout 1h
func BenchmarkBulk(b *testing.B) {
	ids, err := strconv.Atoi(os.Getenv(idsVariable))
	if err != nil {
		ids = 10_000
	}
	emulator := startService(b, "--any-chat")
	defer func() { _ = emulator.cmd.Process.Kill() }()
	dir := b.TempDir()
	in, sheet := lists(b, dir, ids)
	for _, files := range [][2]string{{in, "out.csv"}, {in, "out.xlsx"}, {sheet, "again.xlsx"}} {
		in, name := files[0], files[1]
		for _, what := range []string{"called", "known"} {
			b.Run(name+"/"+what, func(b *testing.B) {
				for b.Loop() {
					out := filepath.Join(dir, name)
					_ = os.Remove(out)
					if what == "called" {
						_ = os.Remove(out + ".journal")
					}
					cmd := command(b, emulator.env, "convert", "--input", in, "--output", out, "--qps", "0", "--concurrency", "32", "--progress", "none")
					start := time.Now()
					if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), fmt.Sprintf("%d converted, 0 failed", ids)) {
						b.Fatalf("%v\n%s", err, text)
					}
					b.ReportMetric(float64(ids)/time.Since(start).Seconds(), "rows/s")
					if used, is := cmd.ProcessState.SysUsage().(*syscall.Rusage); is {
						b.ReportMetric(float64(used.Maxrss)/1024, "MB-peak")
					}
				}
			})
		}
	}
}

// lists writes a list as CSV and as a workbook, of which this process keeps nothing: the peak of a process is at least that of
// the one that starts it.
func lists(b *testing.B, dir string, ids int) (in, sheet string) {
	in, sheet = filepath.Join(dir, "in.csv"), filepath.Join(dir, "in.xlsx")
	text, err := os.Create(in)
	book, err2 := os.Create(sheet)
	out := bufio.NewWriter(text)
	fmt.Fprintln(out, "chat_id")
	for i := range ids {
		fmt.Fprintf(out, "chat%032x\n", i)
	}
	err3 := out.Flush()
	_, err4 := text.Seek(0, io.SeekStart)
	reader, err5 := rows.NewReader(text, rows.Options{Format: rows.CSV, Output: rows.XLSX})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		b.Fatal(err)
	}
	err = reader.Assemble(book, func(rows.Row) (rows.Result, error) { return rows.Result{}, nil })
	if err = errors.Join(err, text.Close(), book.Close()); err != nil {
		b.Fatal(err)
	}
	return in, sheet
}
