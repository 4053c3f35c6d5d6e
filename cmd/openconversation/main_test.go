package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// binary is the command, built once for the tests that need a process.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	flag.Parse()
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
	ctx     context.Context
	args    []string
	stdin   io.Reader
	env     map[string]string
	convert converter // instead of the SDK's client
	stdout  io.Writer // instead of what is in the result
}

func (c call) run() result {
	var stdout, stderr bytes.Buffer
	a := &app{stdin: c.stdin, stdout: &stdout, stderr: &stderr, getenv: func(name string) string { return c.env[name] }}
	if a.stdin == nil {
		a.stdin = strings.NewReader("")
	}
	if c.stdout != nil {
		a.stdout = c.stdout
	}
	a.connect = a.dial
	if c.convert != nil {
		a.connect = func(context.Context, connection) (converter, func(), error) { return c.convert, func() {}, nil }
	}
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	code := a.execute(c.ctx, c.args)
	return result{code, stdout.String(), stderr.String()}
}

// runArgs is the command as the process has it, without a process.
func runArgs(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, func(string) string { return "" })
	return result{code, stdout.String(), stderr.String()}
}

// converterFunc is a function as a converter.
type converterFunc func(ctx context.Context, chatID string) (string, error)

func (f converterFunc) OpenConversationID(ctx context.Context, chatID string) (string, error) {
	return f(ctx, chatID)
}

// Token is for doctor, which no function takes part in.
func (f converterFunc) Token(context.Context) (string, error) { return "", errors.ErrUnsupported }

// OpenConversationIDs does one after the other, and ends at what ends a run of the SDK; but it counts no failures in a row.
func (f converterFunc) OpenConversationIDs(ctx context.Context, chatIDs iter.Seq[string], _ ...dingtalk.BulkOption) iter.Seq2[dingtalk.Conversion, error] {
	type outcome struct {
		id  string
		err error
	}
	return func(yield func(dingtalk.Conversion, error) bool) {
		known := map[string]outcome{}
		var cause error
		for chatID := range chatIDs {
			got, ok := known[chatID]
			switch {
			case cause != nil:
				got.err = &dingtalk.Error{Kind: dingtalk.ErrNotTried, Local: true, Err: cause}
			case !ok:
				got.id, got.err = f(ctx, chatID)
				known[chatID] = got
				if got.err != nil && endsRun(got.err) {
					cause = got.err
				}
			}
			if !yield(dingtalk.Conversion{ChatID: chatID, OpenConversationID: got.id}, got.err) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(dingtalk.Conversion{}, &dingtalk.Error{Kind: ctx.Err()})
		}
	}
}

// failing fails the chats that it has an error for, and converts others to their own id behind "cid-".
func failing(errs map[string]error) converter {
	return converterFunc(func(_ context.Context, chatID string) (string, error) {
		if err := errs[chatID]; err != nil {
			return "", err
		}
		return "cid-" + chatID, nil
	})
}

// failure of a chat, as the SDK returns it.
func apiError(kind error) *dingtalk.Error {
	return &dingtalk.Error{Op: "chatIdToOpenConversationId", Kind: kind, StatusCode: 400, Code: "some.code", Message: "some text", RequestID: "ID"}
}

// serverEnv is the environment of a command that calls an emulator.
func serverEnv(server *dingtalktest.Server) map[string]string {
	return map[string]string{envAppKey: dingtalktest.AppKey, envAppSecret: dingtalktest.AppSecret, envBaseURL: server.URL}
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

func collect(ids iter.Seq[string]) []string {
	var all []string
	for id := range ids {
		all = append(all, id)
	}
	return all
}
