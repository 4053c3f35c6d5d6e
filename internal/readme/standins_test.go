//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	repository = "https://github.com/dingtalk-openapi/openconversation-go"
	newVersion = "v0.0.1" // of the module that a new user gets
)

// hosts are those of the service that stand-ins answer for.
var hosts = []string{"api.dingtalk.io", "api.dingtalk.com", "oapi.dingtalk.io", "oapi.dingtalk.com"}

// user is somebody who has nothing of this project yet: an empty home, and an environment in which the addresses that a
// page names lead to stand-ins on this machine. Commands run as they are written.
type user struct {
	home    string
	env     []string          // of every command
	online  []string          // in addition, of commands that call DingTalk
	fill    map[string]string // what NAME=… stands for, by NAME
	sources string            // this repository as a user clones it
}

func newUser(t *testing.T) *user {
	t.Helper()
	home := t.TempDir()
	u := &user{home: home, sources: filepath.Join(home, "origin")}
	u.publish(t)
	gitconfig := filepath.Join(home, ".gitconfig")
	write(t, gitconfig, fmt.Sprintf("[url %q]\n\tinsteadOf = %s\n[advice]\n\tdetachedHead = false\n", u.sources, repository))
	// A module cache of its own, filled from the real one's downloads. With -trimpath, what was compiled from another
	// folder need not be compiled again. The module itself comes as with GOPROXY=direct:
	// the go command asks git for it.
	cache := filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download")
	for _, name := range os.Environ() {
		if key, _, _ := strings.Cut(name, "="); !strings.HasPrefix(key, "DINGTALK_") && !strings.HasPrefix(key, "GIT_") && !strings.HasPrefix(key, "MAKE") && key != "MFLAGS" {
			u.env = append(u.env, name)
		}
	}
	u.env = append(u.env,
		"LC_ALL=C", // the transcripts are English
		"HOME="+home, "GIT_CONFIG_GLOBAL="+gitconfig, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GOPATH="+filepath.Join(home, "go"), "GOMODCACHE="+filepath.Join(home, "go", "pkg", "mod"), "GOCACHE="+goEnv(t, "GOCACHE"),
		"GOPROXY=file://"+filepath.ToSlash(cache)+","+goEnv(t, "GOPROXY"), "GONOPROXY=github.com/dingtalk-openapi",
		"GOSUMDB=off", "GOWORK=off", "GOENV=off", "GOBIN=", "GOFLAGS=-modcacherw -trimpath", "GOTOOLCHAIN=local",
		"PATH="+filepath.Join(home, "go", "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	u.serve(t)
	u.fill = map[string]string{
		"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret,
	}
	return u
}

// publish commits the files that are or will be in git, as they are now, to a repository of their own.
func (u *user) publish(t *testing.T) {
	t.Helper()
	const copied = `export GIT_INDEX_FILE=$0; git read-tree HEAD && git add -A && git checkout-index -a --prefix="$1/"`
	run(t, root, "bash", "-c", copied, filepath.Join(u.home, "index"), u.sources)
	run(t, u.sources, "git", "init", "-q")
	run(t, u.sources, "git", "add", "-A")
	run(t, u.sources, "git", "-c", "user.name=check", "-c", "user.email=check@example.com", "commit", "-q", "-m", "As it is")
	run(t, u.sources, "git", "tag", newVersion)
}

// serve starts the emulator for the service's hosts, behind a proxy that leads to it and to nothing else.
func (u *user) serve(t *testing.T) {
	t.Helper()
	binary, authority := filepath.Join(u.home, "emulator"), filepath.Join(u.home, "authority.pem")
	run(t, root, "go", "build", "-o", binary, "./cmd/openconversation")
	args := []string{"emulator", "--allow-remote", "--print-env", "--tls", "--tls-ca-file", authority} // it listens on loopback, and answers any Host
	for _, host := range hosts {
		args = append(args, "--tls-name", host)
	}
	emulator := exec.CommandContext(t.Context(), binary, args...) // It ends with the test.
	out, err := emulator.StdoutPipe()
	if err == nil {
		err = emulator.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = emulator.Wait() })
	said, err := io.ReadAll(out) // until the emulator closes it, once it serves
	address := regexp.MustCompile(`DINGTALK_BASE_URL='https://(.*)'`).FindSubmatch(said)
	if err != nil || address == nil {
		t.Fatalf("the emulator said %q, %v", said, err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		if r.Method != http.MethodConnect || !slices.Contains(hosts, host) {
			http.Error(w, "a snippet calls "+r.Host+", for which there is no stand-in", http.StatusBadGateway)
			return
		}
		tunnel(w, string(address[1]))
	}))
	t.Cleanup(proxy.Close)
	u.online = []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + authority}
}

// tunnel joins the client's connection to one to address.
func tunnel(w http.ResponseWriter, address string) {
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(server, buffered)
		server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(run(t, root, "go", "env", name))
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
