package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// binary is the command, built once for the tests that need a process.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	flag.Parse()
	if err := os.Setenv("LC_ALL", "C"); err != nil { // processes that get this machine's environment speak English all the same
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "openconversation")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "openconversation.exe") // the suffix does no harm elsewhere
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// call is the command in this process. What it has of the outside world can be changed before it runs.
type call struct {
	ctx    context.Context
	args   []string
	stdin  io.Reader
	env    map[string]string
	stdout io.Writer // instead of what is in the result
}

func (c call) run() result {
	var stdout, stderr bytes.Buffer
	w := &term.World{In: c.stdin, Out: &stdout, Err: &stderr, Getenv: func(name string) string { return c.env[name] }}
	w.Environ = func() (all []string) {
		for name, value := range c.env {
			all = append(all, name+"="+value)
		}
		return all
	}
	if w.In == nil {
		w.In = strings.NewReader("")
	}
	if c.stdout != nil {
		w.Out = c.stdout
	}
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	code := execute(c.ctx, w, c.args)
	return result{code, stdout.String(), stderr.String()}
}

// runArgs is the command as the process has it, without a process.
func runArgs(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return call{ctx: t.Context(), args: args, stdin: strings.NewReader(stdin)}.run()
}

// answering is the environment of a command whose conversions are answered by a function: with an id, or if there is
// none with a body.
func answering(t *testing.T, answer func(chatID string) (id string, status int, body string)) map[string]string {
	t.Helper()
	emulator := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, chatID, converts := strings.Cut(strings.TrimSuffix(r.URL.Path, "/convertToOpenConversationId"), "/im/chat/")
		if !converts {
			emulator.ServeHTTP(w, r)
			return
		}
		id, status, body := answer(chatID)
		w.Header().Set("Content-Type", "application/json")
		if id != "" {
			_ = json.NewEncoder(w).Encode(map[string]string{"openConversationId": id})
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(front.Close)
	env := serverEnv(emulator)
	env[connect.EnvBaseURL] = front.URL
	return env
}

// serverEnv is the environment of a command that calls an emulator.
func serverEnv(server *dingtalktest.Server) map[string]string {
	return map[string]string{connect.EnvAppKey: dingtalktest.AppKey, connect.EnvAppSecret: dingtalktest.AppSecret, connect.EnvBaseURL: server.URL}
}

var requestID = regexp.MustCompile(`[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}`)

// check compares a result, in which request ids read ID.
func (r result) check(t *testing.T, want result) {
	t.Helper()
	r.stdout, r.stderr = requestID.ReplaceAllString(r.stdout, "ID"), requestID.ReplaceAllString(r.stderr, "ID")
	if r.code != want.code {
		t.Errorf("exit code %d, want %d", r.code, want.code)
	}
	if r.stdout != want.stdout {
		t.Errorf("standard output\n%s\nwant\n%s", r.stdout, want.stdout)
	}
	if r.stderr != want.stderr {
		t.Errorf("standard error\n%s\nwant\n%s", r.stderr, want.stderr)
	}
}

// golden compares text with a file in testdata; -update writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("differs from %s (go test -update writes it)\n%s", path, got)
	}
}

// errFull is what a write to a full disk gets.
var errFull = errors.New("no space left on device")

// fullAfter takes so many writes and fails the next ones.
type fullAfter struct {
	writes int
	taken  bytes.Buffer
}

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.writes--; f.writes < 0 {
		return 0, errFull
	}
	return f.taken.Write(p)
}
