package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
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
