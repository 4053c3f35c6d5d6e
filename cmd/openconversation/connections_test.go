package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

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
	ctx, cancel := context.WithCancelCause(t.Context())
	args := []string{"call", "getBotListInGroup", "--body", "@-"}
	got := call{ctx: ctx, args: args, env: env, stdin: readerFunc(func([]byte) (int, error) {
		cancel(term.SignalError{Signal: syscall.SIGINT})
		<-t.Context().Done()
		return 0, io.EOF
	})}.run()
	if got.code != 130 || !strings.Contains(got.stderr, "SIGINT") {
		t.Errorf("a body: %+v", got)
	}
	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	if got := (call{args: args, env: env, stdin: endless}).run(); got.code != 2 || !strings.Contains(got.stderr, "longer than 16777216 bytes") {
		t.Errorf("an endless body: %+v", got)
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
		write(t, file, tt.before+secret+tt.behind)
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
				if tt.text == "" && got.code != explain.OK || tt.text != "" && (got.code != explain.Credentials || !got.said(where+": ") || !got.said(tt.text)) {
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

// canary is an app secret that no output of any command may hold.
const canary = "canary-of-the-app-secret-4711"

// TestNoOutputHoldsTheSecret greps every byte that every command prints and writes, in good and in bad times.
func TestNoOutputHoldsTheSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, "chats.csv", "chat_id\n"+chat+"\nx\n..\n", dingtalktest.WithCredentials("k", canary))
	b.out = filepath.Join(t.TempDir(), "out.csv")
	echo := b.behind(func(w http.ResponseWriter, r *http.Request) { // as badly made gateways send back what they were sent
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"code":"echo","message":%q}`, string(body)+r.Header.Get(generated.TokenHeader))
	})[connect.EnvBaseURL]
	shared := "redis://k:" + canary + "@127.0.0.1:1"
	hosts := []string{b.server.URL, dingtalktest.NewServer(t).URL, echo, "http://127.0.0.1:1", "http://example.com"}
	file := filepath.Join(t.TempDir(), "secret")
	b.write(file, canary+"\n")
	commands := [][]string{
		{"convert", "--app-secret-file", file, chat}, {"convert", "--app-secret-file", canary, chat},
		{"convert", "--input", b.in}, {"convert", "--input", b.in, "--dry-run"},
		b.args("--again=all", "--progress", "plain"), b.args(), b.args("--again=failed", "--json"), {"budget", "--redis", shared},
	}
	for _, line := range strings.Split("|--help|help convert|emulator --help|codes|codes --json|spec|version|completion bash|convert|convert --app-secret "+canary+
		" x|convert --app-secret="+canary+" x|convert "+chat+"|convert x|convert --json "+chat+" x ..|convert --timeout 1ns x|convert --check "+chat+
		"|call getChat --chatid "+chat+"|call orgGroupSend --body {}|doctor --chat "+chat+" --robot r|doctor|doctor --json|budget", "|") {
		commands = append(commands, strings.Fields(line))
	}
	for _, secret := range []string{canary, ""} {
		for i, host := range hosts {
			redis := map[int]string{len(hosts) - 1: shared}[i]
			for _, args := range commands {
				got := call{args: args, env: map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: secret, connect.EnvBaseURL: host, connect.EnvRedisURL: redis}}.run()
				if strings.Contains(got.stdout+got.stderr, canary) {
					t.Errorf("%s, %q: exit code %d\n%s\n%s", host, args, got.code, got.stdout, got.stderr)
				}
			}
		}
	}
	for _, file := range []string{b.out, b.out + ".journal"} {
		if content := b.read(file); strings.Contains(content, canary) {
			t.Errorf("%s: %s", file, content)
		}
	}
	if b.server.Count(conversion) == 0 {
		t.Error("no command got through, so this shows little")
	}
}

// TestNoOutputHoldsTheTokenOfAURL: an operation of the legacy API has the token in its URL, and its host, or a proxy, may repeat that.
func TestNoOutputHoldsTheTokenOfAURL(t *testing.T) {
	const token = "canary-of-the-token-0815"
	var sent atomic.Int64
	b := newBench(t, "chats.csv", "chat_id\n"+chat+"\n")
	env := b.behind(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case generated.OperationGetAccessToken.Path:
			if !strings.HasPrefix(r.UserAgent(), "openconversation/") {
				t.Errorf("User-Agent %q", r.UserAgent())
			}
			fmt.Fprintf(w, `{"accessToken":%q,"expireIn":7200}`, token)
		case generated.OperationGetChat.Path:
			if sent.Add(1)%2 == 0 {
				w.Header().Set("Location", r.URL.String())
				w.WriteHeader(http.StatusFound)
				return
			}
			fmt.Fprintf(w, `{"errcode":49000,"errmsg":"cannot serve %s"}`, r.URL)
		default:
			fmt.Fprint(w, `{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`)
		}
	})
	for _, args := range [][]string{
		{"call", "getChat", "--chatid", chat}, {"call", "getChat", "--chatid", chat, "--json"}, {"convert", "--check", chat},
		{"convert", "--check", "--json", chat}, b.args("--check", "--again=all"),
		{"doctor", "--chat", chat, "--robot", "r"}, {"doctor", "--chat", chat, "--robot", "r", "--json"},
	} {
		for range 2 {
			before := sent.Load()
			got := call{args: args, env: env}.run()
			content, _ := os.ReadFile(b.out)
			if strings.Contains(got.stdout+got.stderr+string(content), token) || sent.Load() == before {
				t.Errorf("%q: %d requests, exit code %d\n%s\n%s\n%s", args, sent.Load()-before, got.code, got.stdout, got.stderr, content)
			}
		}
	}
}

// What doctor says of a connection. A process has no proxy of the environment, and connections of no other test.
func TestDoctorExaminesTheConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(dingtalktest.New())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "authority.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	proxy := httptest.NewServer(newcomer.Tunnel(server.Listener.Addr().String(), "example.com"))
	defer proxy.Close()
	const unmade = "not checked  token\nnot checked  permission\nnot checked  address\nnot checked  conversion\n"
	for name, tt := range map[string]struct {
		url    string
		trusts bool
		code   int
		parts  []string // of what it says
	}{
		"no such host": {"https://" + "no-such-host.invalid", false, 5, []string{"FAIL         host         service unavailable", "no-such-host.invalid", "not checked  connection\n" + unmade, "hint: "}},
		"untrusted": {server.URL, false, 5, []string{"ok           host         127.0.0.1:",
			"FAIL         connection   TLS failed (while fetching an access token): the certificate was issued by O=Acme Co, which this machine does not trust\n" + unmade, "have its root certificate in a PEM file and set SSL_CERT_FILE"}},
		"another name": {strings.Replace(server.URL, "127.0.0.1", "localhost", 1), true, 5, []string{"FAIL         connection   TLS failed"}},
		"well":         {server.URL, true, 0, []string{"connection it answers over TLS"}},
		"a proxy":      {"https://example.com", true, 0, []string{"host example.com", "connection it answers over TLS"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret}
			if tt.trusts {
				if runtime.GOOS != "linux" {
					t.Skip("SSL_CERT_FILE is not read here")
				}
				env["SSL_CERT_FILE"] = file
			}
			if name == "a proxy" { // that leads to the server, whatever the name, which the certificate has
				env["HTTPS_PROXY"] = proxy.URL
			}
			got := finish(t, command(t, env, "doctor", "--base-url", tt.url))
			got.holds(t, tt.code, tt.parts...)
			if strings.Contains(got.stdout+got.stderr, dingtalktest.AppSecret) {
				t.Error("the secret was printed")
			}
		})
	}
}
