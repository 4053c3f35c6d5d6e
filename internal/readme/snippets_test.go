//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
)

// snippetPages are the pages whose snippets are run, in this order: the first installs the command.
var snippetPages = []string{english, "skills/openconversation/SKILL.md", "docs/emulator.md"}

// TestSnippets does with every snippet of these pages what a new user does. The Chinese page has the same ones as README.md,
// which TestTranslations sees to. It installs the command and may download what it needs, so it runs when asked to.
func TestSnippets(t *testing.T) {
	onlyWhenAsked(t)
	u := newUser(t)
	u.fill["DINGTALK_REDIS_URL"] = "redis://" + redistest.Start(t).Addr + "/0"
	for _, file := range snippetPages { // in their order, each in a terminal of its own
		if err := os.Remove(u.exported()); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, b := range load(t, file).blocks {
			t.Run(fmt.Sprintf("%s:%d", file, b.line), func(t *testing.T) {
				switch b.language {
				case "console", "sh":
					u.console(t, b)
				case "go":
					u.compile(t, b)
				case "yaml":
					write(t, filepath.Join(u.folder(t, b), b.marks["file"]), strings.Join(b.body, "\n")+"\n")
				case "mermaid": // a picture
				default:
					t.Errorf("no rule says how to check a block of %q", b.language)
				}
			})
		}
	}
}

func onlyWhenAsked(t *testing.T) {
	t.Helper()
	if os.Getenv("OPENCONVERSATION_README") == "" {
		t.Skip("set OPENCONVERSATION_README=1 or run make readme-check")
	}
}

// folder is where a snippet runs: an empty one, or the one that it shares with those before it that name it too.
func (u *user) folder(t *testing.T, b block) string {
	t.Helper()
	name := b.marks["in"]
	if name == "" {
		name = fmt.Sprintf("line%d", b.line)
	}
	folder := filepath.Join(u.home, "work", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// hole is the line of a wrapper where a fragment goes.
const hole = "// SNIPPET\n"

// compile builds a Go snippet: a whole program in its folder, where a console block may run it, or a fragment inside a
// wrapper of testdata, in the repository's own module or a clone of it. A fragment that is a test is run.
func (u *user) compile(t *testing.T, b block) {
	code := strings.Join(b.body, "\n") + "\n"
	name := b.marks["inside"]
	if strings.HasPrefix(code, "package ") {
		folder := u.folder(t, b)
		write(t, filepath.Join(folder, "main.go"), code)
		u.must(t, folder, "go vet . && go build -o /dev/null .")
		return
	}
	wrapped, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(string(wrapped), hole)
	source := strings.TrimSuffix(name, ".txt")
	module := u.sources
	if b.marks["in"] != "" {
		module = u.folder(t, b)
	}
	folder := filepath.Join(module, "snippet", strings.TrimSuffix(source, ".go"))
	write(t, filepath.Join(folder, source), before+code+after)
	u.must(t, folder, "go vet . && go test -count=1 .")
}

// must runs a command that is the check's own.
func (u *user) must(t *testing.T, folder, command string) {
	t.Helper()
	if got := u.shell(t, folder, []string{command}, ""); got[0].code != 0 {
		t.Fatalf("%s: exit code %d\n%s", command, got[0].code, got[0].output)
	}
}
