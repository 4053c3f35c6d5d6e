package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestCredentials(t *testing.T) {
	server := dingtalktest.NewServer(t)
	dir := t.TempDir()
	file := func(content string, mode os.FileMode) string {
		t.Helper()
		f, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(content); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.Name(), mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		return f.Name()
	}
	const (
		key, secret = dingtalktest.AppKey, dingtalktest.AppSecret
		console     = "hint: the developer console shows them as Client ID and Client Secret; --emulator needs none\n"
		own         = "hint: write the app's secret, and nothing else, to a file that only you can read\n"
		warning     = "openconversation: warning: the file of --app-secret-file can be read by other users; chmod 600 would keep it to you\n"
	)
	converted := result{0, openID + "\n", ""}
	warned := result{0, openID + "\n", warning}
	if runtime.GOOS == "windows" {
		warned = converted
	}
	refused := func(text string) result {
		return result{3, "", "openconversation: --app-secret-file: " + text + "\n" + own}
	}
	missing := func(text string) result {
		return result{3, "", "openconversation: no credentials: set " + text + "\n" + console}
	}
	tests := []struct {
		name, key, secret, file string
		want                    result
	}{
		{name: "environment", key: key, secret: secret, want: converted},
		{name: "file", key: key, file: file(secret, 0o600), want: converted},
		{name: "file with a line end", key: key, file: file(secret+"\n", 0o400), want: converted},
		{name: "file with CRLF", key: key, file: file(secret+"\r\n", 0o600), want: converted},
		{name: "file before environment", key: key, secret: "wrong", file: file(secret, 0o600), want: converted},
		{name: "file that the group can read", key: key, file: file(secret, 0o640), want: warned},
		{name: "file that all can read", key: key, file: file(secret, 0o604), want: warned},
		{name: "nothing", want: missing(connect.EnvAppKey + " and " + connect.EnvAppSecret + " (or --app-secret-file)")},
		{name: "no key", secret: secret, want: missing(connect.EnvAppKey)},
		{name: "no secret", key: key, want: missing(connect.EnvAppSecret + " (or --app-secret-file)")},
		{name: "empty file", key: key, file: file("", 0o600), want: refused("the file is empty")},
		{name: "file with a line end alone", key: key, file: file("\n", 0o600), want: refused("the file is empty")},
		{name: "two lines", key: key, file: file(secret+"\nx\n", 0o600), want: refused("the file holds more than one line, or a control character")},
		{name: "large file", key: key, file: file(strings.Repeat("x", 4<<10+1), 0o600), want: refused("the file is longer than 4096 bytes")},
		{name: "no such file", key: key, file: filepath.Join(dir, "none"), want: refused("the file cannot be read: " + syscall.ENOENT.Error())},
		{name: "folder", key: key, file: dir, want: refused("the file cannot be read: " + syscall.EISDIR.Error())},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"convert", chat}
			if tt.file != "" {
				args = append(args, "--app-secret-file", tt.file)
			}
			env := map[string]string{connect.EnvAppKey: tt.key, connect.EnvAppSecret: tt.secret, connect.EnvBaseURL: server.URL}
			call{args: args, env: env}.run().check(t, tt.want)
		})
	}
}

func TestEmulatorNeedsNoEnvironment(t *testing.T) {
	env := map[string]string{connect.EnvAppKey: "x", connect.EnvAppSecret: "y", connect.EnvBaseURL: "http://example.com"}
	call{args: []string{"convert", "--emulator", chat}, env: env}.run().check(t, result{0, openID + "\n", ""})
}

func TestUserAgentNamesTheCommand(t *testing.T) {
	agent := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent <- r.UserAgent()
		http.Error(w, "", http.StatusNotFound)
	}))
	defer server.Close()
	call{args: []string{"convert", "x"}, env: map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: "s", connect.EnvBaseURL: server.URL}}.run()
	if got := <-agent; !strings.HasPrefix(got, "openconversation/") {
		t.Errorf("User-Agent %q", got)
	}
}

func TestTimeout(t *testing.T) {
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Hang().Always())
	got := call{args: []string{"convert", "--timeout", "50ms", "a", "b"}, env: serverEnv(server)}.run()
	got.check(t, result{5, "", "openconversation: stopped: 0 converted, 0 failed, the rest not converted\n" +
		"openconversation: stopped by --timeout: 50ms have passed\nhint: give the run more time with --timeout\n"})
}

func TestSignalWhileCalling(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	arrived := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client has left
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	go func() {
		<-arrived
		cancel(term.SignalError{Signal: syscall.SIGINT})
	}()
	env := map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: "s", connect.EnvBaseURL: server.URL}
	got := call{ctx: ctx, args: []string{"convert", "--json", "a"}, env: env}.run()
	got.check(t, result{130, "", "openconversation: stopped by SIGINT\n"})
}
