package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A stream has every conversion that was granted, however the run ended; one that takes nothing more leaves them on standard error.
func TestStreamsHaveWhatWasGranted(t *testing.T) {
	for name, form := range whatGoesIn(ids(60)) {
		for ending, flag := range map[string]string{"quota": "--max-calls=0", "max-calls": "--max-calls=25", "full disk": "--max-calls=0"} {
			t.Run(name+" "+ending, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, "unused", "")
				env, granted := b.granting(30, 60*time.Millisecond)
				cmd := command(t, env, append([]string{"convert", "--qps", "0", flag}, form.args...)...)
				cmd.Stdin = strings.NewReader(form.stdin)
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				code, least, mark := explain.Limited, 20, "cid"
				if ending == "full disk" {
					granted.most.Store(1000)
					code, least, mark = explain.Unavailable, 1, "\tcid"
					full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
					if err != nil {
						t.Skip("there is no /dev/full here")
					}
					defer func() { _ = full.Close() }()
					cmd.Stdout = full
				}
				_ = cmd.Run()
				rows := strings.Count(stdout.String()+stderr.String(), mark)
				if got := cmd.ProcessState.ExitCode(); got != code || rows != int(granted.Load()) || rows < least || rows > 40 {
					t.Errorf("exit code %d, %d granted, %d in the output\n%s\n%s", got, granted.Load(), rows, &stdout, &stderr)
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
			got := finish(t, command(t, env, b.args(flags...)...))
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
	const rows = 500
	for flag, blocks := range map[string]int{"--accept-unknown": 16, "--again=all": 150, "--again=failed": 150} {
		t.Run(flag, func(t *testing.T) {
			b := newBench(t, "in.txt", chats(rows, rows))
			env, granted := b.granting(10*rows, 3*time.Millisecond)
			if blocks > 16 {
				b.server.FailNext(dingtalktest.Code("invalideChatId").For(conversion).Times(rows))
				b.wantWith(env, 1, "500 failed", "--accept-unknown")
				b.server.ResetRequests()
				granted.Store(0)
			}
			got := finish(t, limited(t, command(t, env, b.args("--concurrency", "4", "--accept-unknown", flag)...), blocks))
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

// An output that could not be put together, for want of room, is so when the command is given again, without a call.
func TestFullDiskWhileAnOutputIsMade(t *testing.T) {
	const rows = 1000
	b := newBench(t, "in.csv", "chat_id,note\n"+strings.ReplaceAll(chats(rows, rows), "\n", ","+strings.Repeat("x", 300)+"\n"))
	got := finish(t, limited(t, b.process(), 300)) // more than the journal takes, and less than the output
	if got.code != explain.Unavailable || !strings.Contains(got.stderr, "file too large") || !strings.Contains(got.stderr, "the same command makes the output") || b.files() != "in.csv out.journal" {
		t.Fatalf("%+v, files %s", got, b.files())
	}
	b.want(0, "1000 converted, 0 failed; 0 calls")
	if n := b.server.Count(conversion); n != rows || strings.Count(b.read(b.out), ",cid") != rows || b.files() != "in.csv out out.journal" {
		t.Errorf("%d calls for %d chats, files %s", n, rows, b.files())
	}
}

// After a signal nothing more is sent, and what is under way reaches the output.
func TestSignalsSendNothingMore(t *testing.T) {
	const rows = 60
	for _, stop := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for form, args := range map[string][]string{"file": {"--input", "", "--output", ""}, "lines": {"-"}, "arguments": ids(rows)} {
			t.Run(fmt.Sprint(stop, " ", form), func(t *testing.T) {
				t.Parallel()
				skipWithoutSignals(t, stop)
				b := newBench(t, "in.txt", chats(rows, rows))
				var asked, granted, sentLate atomic.Int64
				var stopped atomic.Bool
				release := make(chan struct{})
				env := b.behind(func(w http.ResponseWriter, r *http.Request) {
					if _, is := converts(r); is {
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
				if form == "file" {
					args = []string{"--input", b.in, "--output", b.out}
				}
				cmd := command(t, env, append([]string{"convert", "--qps", "40", "--concurrency", "60"}, args...)...)
				cmd.Stdin = strings.NewReader(chats(rows, rows))
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				ended := started(t, cmd)
				until(t, "some calls are under way", func() bool { return asked.Load() >= 6 })
				_ = cmd.Process.Signal(stop)
				until(t, "the signal has come", func() bool { return signalled(cmd.Process.Pid) })
				time.Sleep(300 * time.Millisecond) // what was sent before may arrive late on a busy machine
				stopped.Store(true)
				time.Sleep(300 * time.Millisecond) // in which a dozen more would be sent: a shorter time finds less, and never too much
				close(release)
				<-ended
				in := strings.Count(stdout.String(), "cid")
				if form == "file" {
					in = strings.Count(b.read(b.out), ",cid")
				}
				if code := cmd.ProcessState.ExitCode(); code != 128+int(stop) || in != int(granted.Load()) || sentLate.Load() > 0 {
					t.Errorf("exit code %d, %d granted, %d in the output, %d sent after the signal\n%s", code, granted.Load(), in, sentLate.Load(), &stderr)
				}
				if form == "file" {
					b.wantWith(env, 0, "60 converted")
					if n := b.server.Count(conversion); n != rows || b.read(b.out) != convertedChats(rows, rows) || !strings.Contains(stderr.String(), "go on with: openconversation convert --input ") {
						t.Errorf("%d calls\n%s", n, &stderr)
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

// Calls that do not end are given up after a grace time, or at the second signal.
func TestSignalsDoNotWaitForEver(t *testing.T) {
	skipWithoutSignals(t, syscall.SIGTERM)
	for second, want := range map[bool]int{false: 143, true: killedCode} {
		t.Run(fmt.Sprint(second), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "in.txt", chats(20, 20))
			b.server.FailNext(dingtalktest.Pass().For(conversion).Times(5), dingtalktest.Hang().For(conversion).Always())
			cmd := b.process("--concurrency", "1")
			ended := started(t, cmd)
			until(t, "calls hang", func() bool { return b.server.Count(conversion) == 6 })
			_ = cmd.Process.Signal(syscall.SIGTERM)
			until(t, "it has ended", func() bool {
				if second { // signals that come together count as one
					_ = cmd.Process.Signal(syscall.SIGTERM)
				}
				return isClosed(ended)
			})
			if code := cmd.ProcessState.ExitCode(); code != want || len(b.journal()) != 5 {
				t.Errorf("exit code %d, want %d; %v", code, want, b.journal())
			}
		})
	}
}

// A command that cannot end, since nobody reads what it prints, is killed by the second signal.
func TestSecondSignalKills(t *testing.T) {
	skipWithoutSignals(t, syscall.SIGTERM)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = reader.Close(), writer.Close() }()
	if err := writer.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(make([]byte, 4<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the pipe took it all: %v", err)
	}
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	cmd := command(t, nil, "emulator", "--listen", free.Addr().String()) // it listens, and then blocks at its first line
	cmd.Stdout = writer
	ended := started(t, cmd)
	reached := func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", free.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	until(t, "it listens", reached)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if !reached() {
		t.Error("the first signal killed it")
	}
	until(t, "it is killed", func() bool {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return isClosed(ended)
	})
	if code := cmd.ProcessState.ExitCode(); code != killedCode {
		t.Errorf("it ended by itself with exit code %d", code)
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
	cmd := command(t, env, "convert", "--input", b.in, "--qps", "0", "--concurrency", "2")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = writer, &stderr
	ended := started(t, cmd)
	_ = writer.Close()
	line, err := bufio.NewReader(io.LimitReader(reader, 100)).ReadString('\n')
	if err != nil || line != "chat_id,open_conversation_id,error_code,error\n" {
		t.Errorf("%q, %v", line, err)
	}
	_ = reader.Close()
	close(closed)
	<-ended
	// What was under way is told, since it was paid for.
	told := strings.Count(stderr.String(), "\tcid")
	if cmd.ProcessState.Success() || strings.Count(stderr.String(), "\n") != 1+told || b.server.Count(conversion) != told || told > 10 {
		t.Errorf("%v, %q, %d calls", cmd.ProcessState, stderr.String(), b.server.Count(conversion))
	}
}

// Bytes after an answer's end would be printed by net/http, which closes the connection; they may hold a token.
func TestUnsolicitedBytesAreNotPrinted(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	input, rows := io.Pipe()
	serve := func(c net.Conn) {
		defer c.Close()
		for r := bufio.NewReader(c); ; {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			if _, is := converts(request); !is {
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"accessToken\":\"s3cret\",\"expireIn\":7200}")
				continue
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n{\"openConversationId\":\"cid1\"}HTTP/1.1 200 OK\r\n\r\n{\"accessToken\":\"s3cret\"}")
			_, _ = io.Copy(io.Discard, r)
			_ = rows.Close()
			return
		}
	}
	go func() {
		for c, err := listener.Accept(); err == nil; c, err = listener.Accept() {
			go serve(c)
		}
	}()
	go func() { fmt.Fprintf(rows, "%[1]s\n%[1]s\n", chat) }()
	env := map[string]string{"DINGTALK_BASE_URL": "http://" + listener.Addr().String(), "DINGTALK_APP_KEY": "key", "DINGTALK_APP_SECRET": "secret"}
	cmd := command(t, env, "convert", "-")
	cmd.Stdin = input
	finish(t, cmd).check(t, result{0, strings.Repeat(chat+"\tcid1\n", 2), ""})
}
