package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestUserAgentNamesTheCommand(t *testing.T) {
	agent := make(chan string, 10)
	b := newBench(t, "unused", "")
	call{args: []string{"convert", "x"}, env: b.behind(func(w http.ResponseWriter, r *http.Request) {
		agent <- r.UserAgent()
		http.Error(w, "", http.StatusNotFound)
	})}.run()
	if got := <-agent; !strings.HasPrefix(got, "openconversation/") {
		t.Errorf("User-Agent %q", got)
	}
}

// A signal ends a run that calls, and one that reads: a read from a terminal or a pipe cannot be interrupted.
func TestSignalWhileWaiting(t *testing.T) {
	b := newBench(t, "unused", "")
	ctx, cancel := context.WithCancelCause(t.Context())
	env := b.behind(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client has left
		cancel(term.SignalError{Signal: syscall.SIGINT})
		<-r.Context().Done()
	})
	call{ctx: ctx, args: []string{"convert", "--json", "a"}, env: env}.run().check(t, result{130, "", "openconversation: stopped by SIGINT\n"})
	for _, lines := range []string{"", "a\n", "a\nb\n"} {
		reader, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		ctx, cancel := context.WithCancelCause(t.Context())
		input := io.MultiReader(strings.NewReader(lines), readerFunc(func(p []byte) (int, error) {
			cancel(term.SignalError{Signal: syscall.SIGTERM}) // everything before has been read
			return reader.Read(p)
		}))
		got := call{ctx: ctx, args: []string{"convert", "-"}, stdin: input, env: serverEnv(b.server)}.run()
		if got.code != explain.Terminated || !strings.HasSuffix(got.stderr, "openconversation: stopped by SIGTERM\n") {
			t.Errorf("%q: %+v", lines, got)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// An input that breaks off ends the run, which has converted what came before; what fails before a call is needed costs none.
func TestInputThatFails(t *testing.T) {
	env := serverEnv(dingtalktest.NewServer(t, dingtalktest.WithAnyChat()))
	for lines, want := range map[string]result{
		"a\nb\n": {5, "a\t" + dingtalktest.OpenConversationIDOf("a") + "\nb\t" + dingtalktest.OpenConversationIDOf("b") + "\n", "openconversation: stopped: 2 converted, 0 failed, the rest not converted\nopenconversation: standard input: line 3: input/output error\n"},
		"a\n":    {5, "", "openconversation: standard input: line 2: input/output error\n"},
	} {
		input := io.MultiReader(strings.NewReader(lines), iotest.ErrReader(errors.New("input/output error")))
		call{args: []string{"convert", "-"}, stdin: input, env: env}.run().check(t, want)
	}
}

// Line ends behind credentials are taken off; what else a hurried copy adds is named, and nothing is sent.
func TestOddCredentials(t *testing.T) {
	const key, secret = dingtalktest.AppKey, dingtalktest.AppSecret
	for name, tt := range map[string]struct{ before, behind, text string }{
		"line end":        {"", "\n", ""},
		"several":         {"", "\n\r\n\n", ""},
		"mark and quotes": {"\uFEFF\"", "\"", "begins with a byte-order mark"},
		"quotes":          {`"`, `"`, "a quotation mark: leave the quotes out"},
		"apostrophes":     {"'", "'\n", "a quotation mark: leave the quotes out"},
		"curly quotes":    {"“", "”", "a quotation mark: leave the quotes out"},
		"blank before":    {" ", "", "begins with white space (U+0020)"},
		"no-break space":  {"", "\u00a0", "ends with white space (U+00A0)"},
		"blank within":    {"x ", "", "white space or an invisible character (U+0020)"},
		"zero width":      {"", "\u200b", "white space or an invisible character (U+200B)"},
	} {
		server := dingtalktest.NewServer(t)
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(tt.before+secret+tt.behind), 0o600); err != nil {
			t.Fatal(err)
		}
		odd := func(value string) string { return tt.before + value + tt.behind }
		for where, env := range map[string]map[string]string{
			connect.EnvAppKey:    {connect.EnvAppKey: odd(key), connect.EnvAppSecret: secret},
			connect.EnvAppSecret: {connect.EnvAppKey: key, connect.EnvAppSecret: odd(secret)},
			"--app-secret-file":  {connect.EnvAppKey: key},
		} {
			for _, args := range [][]string{{"convert", chat}, {"doctor"}} {
				if where == "--app-secret-file" {
					args = append(args, where, file)
				}
				env[connect.EnvBaseURL] = server.URL
				got := call{args: args, env: env}.run()
				said := got.stdout + got.stderr
				if tt.text == "" && got.code != explain.OK || tt.text != "" && (got.code != explain.Credentials || !strings.Contains(said, where+": ") || !strings.Contains(said, tt.text)) {
					t.Errorf("%s of %s: %+v", name, where, got)
				}
				if strings.Contains(said, secret) || tt.text != "" && strings.Contains(said, key) {
					t.Errorf("%s of %s: the value is printed: %+v", name, where, got)
				}
			}
		}
		if n := len(server.Requests()); tt.text != "" && n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// With --ip no connection is made over the other version.
func TestNetworks(t *testing.T) {
	emulator := dingtalktest.New()
	defer emulator.Close()
	for family, address := range map[int]string{4: "127.0.0.1:0", 6: "[::1]:0"} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Logf("not here: %v", err)
			continue
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: emulator}} //nolint:gosec // it serves this test
		server.Start()
		defer server.Close()
		env := map[string]string{connect.EnvAppKey: dingtalktest.AppKey, connect.EnvAppSecret: dingtalktest.AppSecret, connect.EnvBaseURL: server.URL}
		for _, args := range [][]string{{"convert", chat}, {"doctor"}} {
			for ip, code := range map[int]int{family: explain.OK, 10 - family: explain.Unavailable} {
				if got := (call{args: append(args, fmt.Sprintf("--ip=%d", ip)), env: env}).run(); got.code != code {
					t.Errorf("%q: %+v", args, got)
				}
			}
		}
	}
}

// What was converted and cannot be written goes to standard error: it was paid for.
func TestOutputThatCannotBeWritten(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	out := &fullAfter{writes: 2}
	got := call{args: []string{"convert", "a", "b", "c", "d", "e", "f", "--concurrency", "1"}, env: serverEnv(server), stdout: out}.run()
	if got.code != 5 || !strings.Contains(got.stderr, "openconversation: stopped: 2 converted, 0 failed, the rest not converted\n") || !strings.HasSuffix(got.stderr, "openconversation: standard output: no space left on device\n") {
		t.Errorf("%+v", got)
	}
	if lost := strings.Count(got.stderr, "\tcid"); server.Count(conversion) != 2+lost || lost < 1 || lost > 2 {
		t.Errorf("%d calls, %+v", server.Count(conversion), got)
	}
}

// fullAfter takes so many writes and fails the next ones.
type fullAfter struct{ writes int }

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.writes--; f.writes < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}
