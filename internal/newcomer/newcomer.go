// Package newcomer is somebody who has nothing of this project yet, for tests: an empty home, a module cache of its own, and this
// repository as a clone of it would be.
package newcomer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Module is this repository's, and Version the one that go get finds.
const (
	Module  = "github.com/dingtalk-openapi/openconversation-go"
	Version = "v0.0.1"
)

// User is one in an environment where this repository's address leads to Sources. Commands run as they are written.
type User struct {
	Home    string
	Sources string // the files that are or will be in git, as they are now, in a repository of their own
	Env     []string
}

// New makes a user who is gone when the test ends.
func New(t *testing.T, root string) *User {
	t.Helper()
	home := t.TempDir()
	u := &User{Home: home, Sources: filepath.Join(home, "origin"), Env: os.Environ()}
	const copied = `export GIT_INDEX_FILE=$0; git read-tree HEAD && git add -A && git checkout-index -a --prefix="$1/"`
	u.Run(t, root, "bash", "-c", copied, filepath.Join(home, "index"), u.Sources)
	u.Run(t, u.Sources, "git", "init", "-q")
	u.Run(t, u.Sources, "git", "add", "-A")
	u.Run(t, u.Sources, "git", "-c", "user.name=check", "-c", "user.email=check@example.com", "commit", "-q", "-m", "As it is")
	u.Run(t, u.Sources, "git", "tag", Version)
	gitconfig := filepath.Join(home, ".gitconfig")
	Write(t, gitconfig, fmt.Sprintf("[url %q]\n\tinsteadOf = https://%s\n[advice]\n\tdetachedHead = false\n", u.Sources, Module))

	// A module cache of its own is filled from the real one's downloads. The module itself comes as with GOPROXY=direct, through
	// git. With -trimpath, what was compiled from another folder need not be compiled again. The checksum database knows nothing
	// of what is not published.
	goEnv := func(name string) string { return strings.TrimSpace(u.Run(t, root, "go", "env", name)) }
	downloads := filepath.ToSlash(filepath.Join(goEnv("GOMODCACHE"), "cache", "download"))
	proxy, compiled := goEnv("GOPROXY"), goEnv("GOCACHE")
	u.Env = nil
	for _, name := range os.Environ() {
		if key, _, _ := strings.Cut(name, "="); !strings.HasPrefix(key, "DINGTALK_") && !strings.HasPrefix(key, "GIT_") && !strings.HasPrefix(key, "MAKE") && key != "MFLAGS" {
			u.Env = append(u.Env, name)
		}
	}
	u.Env = append(u.Env,
		"LC_ALL=C", // the transcripts are English
		"HOME="+home, "GIT_CONFIG_GLOBAL="+gitconfig, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GOPATH="+filepath.Join(home, "go"), "GOMODCACHE="+filepath.Join(home, "go", "pkg", "mod"), "GOCACHE="+compiled,
		"GOPROXY=file://"+downloads+","+proxy, "GONOPROXY="+Module, "GOPRIVATE=", "GOSUMDB=off", "GOWORK=off", "GOENV=off", "GOBIN=",
		"GOFLAGS=-modcacherw -trimpath", "GOTOOLCHAIN=local",
		"PATH="+filepath.Join(home, "go", "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	return u
}

// Run runs a program in a folder and returns its standard output. It must succeed.
func (u *User) Run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(Context(t), name, args...)
	cmd.Dir, cmd.Env = dir, u.Env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}

// Context ends before go test ends the whole process, which would leave the processes of the test behind.
func Context(t *testing.T) context.Context {
	deadline, ok := t.Deadline()
	if !ok {
		return t.Context()
	}
	ctx, cancel := context.WithDeadline(t.Context(), deadline.Add(-20*time.Second))
	t.Cleanup(cancel)
	return ctx
}

// Read returns a file's content.
func Read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Write writes a file and the folders that it lacks.
func Write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
