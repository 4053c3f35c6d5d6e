package main

import (
	"context"
	"errors"
	"io"
	"net/http"
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

// A read from a terminal or a pipe cannot be interrupted; a signal ends the run all the same.
func TestSignalWhileReading(t *testing.T) {
	env := serverEnv(dingtalktest.NewServer(t, dingtalktest.WithAnyChat()))
	for _, lines := range []string{"", "a\n", "a\nb\n"} {
		reader, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		ctx, cancel := context.WithCancelCause(t.Context())
		input := io.MultiReader(strings.NewReader(lines), readerFunc(func(p []byte) (int, error) {
			cancel(term.SignalError{Signal: syscall.SIGTERM}) // everything before has been read
			return reader.Read(p)
		}))
		got := call{ctx: ctx, args: []string{"convert", "-"}, stdin: input, env: env}.run()
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
