package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// command is the built command as a process with no environment of its own, killed at the end of the test.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"SystemRoot=" + os.Getenv("SystemRoot")} // Windows has no sockets without it
	return cmd
}

// killedCode is the exit code of a process that was killed. Windows has no signals, and Go gives it this one there.
var killedCode = map[bool]int{false: -1, true: 1}[runtime.GOOS == "windows"]

// finish runs a process to its end.
func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestProcess(t *testing.T) {
	tests := []struct {
		name, stdin string
		args        []string
		want        result
	}{
		{"one id", chat + "\n", []string{"convert", "--emulator", "-"}, result{0, "cidl1B8RVUFmkO50OC9uEbySQ==\n", ""}},
		{"unknown id", "", []string{"convert", "--emulator", unknown}, result{1, "", unknown + ": " + unknownLine + unknownHint}},
		{"empty input", "", []string{"convert", "--emulator", "-"}, result{0, "", "openconversation: standard input holds no chat id; nothing was done\n"}},
		{"usage", "", []string{"convert"}, result{2, "", "openconversation: no chat id is given; name some, or - for standard input, or a file with --input\nhint: see openconversation convert --help\n"}},
		{"no credentials", "", []string{"convert", "x"}, result{3, "", "openconversation: no credentials: set DINGTALK_APP_KEY and DINGTALK_APP_SECRET (or --app-secret-file)\nhint: the developer console shows them as Client ID and Client Secret; --emulator needs none\n"}},
		{"completion", "", []string{"__complete", "spe"}, result{0, "spec\tPrint the contract, an OpenAPI 3.0.3 description in YAML\n:4\n", "Completion ended with directive: ShellCompDirectiveNoFileComp\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := command(t, tt.args...)
			cmd.Stdin = strings.NewReader(tt.stdin)
			finish(t, cmd).check(t, tt.want)
		})
	}
}

// serve starts the emulator as a process, and returns it with its address and the environment that its line tells.
func serve(t *testing.T, flags ...string) (cmd *exec.Cmd, env []string) {
	t.Helper()
	cmd = command(t, append([]string{"emulator"}, flags...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr // there is to be none
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(line) // listening on URL with KEY SECRET
	return cmd, []string{connect.EnvBaseURL + "=" + fields[2], fields[4], fields[5]}
}

// skipWithoutSignals skips where a process cannot be sent this signal, or was told to ignore it.
func skipWithoutSignals(t *testing.T, s os.Signal) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such signals")
	}
	if signal.Ignored(s) {
		t.Skipf("%s is ignored here, and so it is in processes that are started from here", s)
	}
}

func TestEmulatorServesAnotherProcess(t *testing.T) {
	for _, stop := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(stop.String(), func(t *testing.T) {
			skipWithoutSignals(t, stop)
			emulator, env := serve(t, "--any-chat", "--quota", "3")
			client := command(t, "convert", chat)
			client.Env = append(client.Env, env...)
			finish(t, client).check(t, result{0, openID + "\n", ""})
			client = command(t, "convert", "--json", "-")
			client.Env = append(client.Env, env...)
			client.Stdin = strings.NewReader("a\nb\nc\nd\n")
			if got := finish(t, client); got.code != 4 || strings.Count(got.stdout, "openConversationId") != 2 {
				t.Errorf("beyond the quota: %+v", got)
			}
			if err := emulator.Process.Signal(stop); err != nil {
				t.Fatal(err)
			}
			if err := emulator.Wait(); err != nil {
				t.Errorf("the emulator ended with %v, want exit code 0", err)
			}
		})
	}
}

func TestSignalsEndARun(t *testing.T) {
	for stop, code := range map[os.Signal]int{syscall.SIGTERM: 143, os.Interrupt: 130} {
		t.Run(stop.String(), func(t *testing.T) {
			skipWithoutSignals(t, stop)
			cmd, stdin, stdout := converting(t)
			defer stdin.Close()
			for _, id := range []string{chat, "a", "b"} { // the third shows that the second is done
				if _, err := io.WriteString(stdin, id+"\n"); err != nil {
					t.Fatal(err)
				}
			}
			if line, err := stdout.ReadString('\n'); err != nil || line != chat+"\t"+openID+"\n" {
				t.Fatalf("it printed %q: %v", line, err)
			}
			if err := cmd.Process.Signal(stop); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, stdout)
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != code {
				t.Errorf("exit code %d, want %d", got, code)
			}
		})
	}
}

// converting starts a run that reads chat ids from a pipe.
func converting(t *testing.T, flags ...string) (cmd *exec.Cmd, stdin io.WriteCloser, stdout *bufio.Reader) {
	t.Helper()
	cmd = command(t, append([]string{"convert", "--emulator", "-"}, flags...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdin, bufio.NewReader(out)
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
	address := free.Addr().String()
	cmd := command(t, "emulator", "--listen", address) // it listens, and then blocks at its first line
	cmd.Stdout = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	reach := func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	for !reach() && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !reach() {
		t.Error("the first signal killed it")
	}
	for alive := true; alive; { // signals that come together count as one
		select {
		case <-ended:
			alive = false
		case <-time.After(time.Millisecond):
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != killedCode {
		t.Errorf("it ended by itself with exit code %d", code)
	}
}

// What a reader does not want any more, such as head, is not a crash.
func TestClosedPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGPIPE")
	}
	cmd := command(t, "spec")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = writer, &stderr
	err = cmd.Run()
	_ = writer.Close()
	if err == nil || stderr.String() != "" {
		t.Errorf("it ended with %v and printed %q", err, stderr.String())
	}
}

func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	defer func() { _ = full.Close() }()
	cmd := command(t, "convert", "--emulator", dingtalktest.ChatID)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != explain.Unavailable || !strings.Contains(stderr.String(), "no space left on device") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
