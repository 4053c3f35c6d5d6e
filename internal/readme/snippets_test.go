//go:build unix

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
)

// snippetPages are the pages whose snippets are run, in this order: the first installs the command.
var snippetPages = []string{english, "docs/command.md", "docs/messages.md", "docs/recipes.md", "docs/operations.md", "docs/deploying.md",
	"docs/skills/openconversation/SKILL.md", "docs/emulator.md", chinese, "docs/command.zh-CN.md"}

// TestSnippets does with every snippet of these pages what a new user does. Of the Chinese pages, whose commands TestTranslations
// compares, it runs those that show what is printed. It installs the command and may download what it needs, so it runs when asked to.
func TestSnippets(t *testing.T) {
	onlyWhenAsked(t)
	u := online(t)
	u.fill["DINGTALK_REDIS_URL"] = "redis://" + redistest.Start(t).Addr + "/0"
	for _, file := range snippetPages { // in their order, each in a terminal of its own
		translated, terminal := strings.Contains(file, ".zh-CN"), ""
		if translated {
			terminal = "export LC_ALL=zh_CN.UTF-8\n"
		}
		newcomer.Write(t, u.exported(), terminal)
		blocks := load(t, file).blocks
		for i, b := range blocks {
			if translated && b.language != "console" {
				continue
			}
			t.Run(fmt.Sprintf("%s:%d", file, b.line), func(t *testing.T) {
				switch b.language {
				case "console", "sh":
					u.console(t, b)
				case "go":
					u.compile(t, b, blocks[i+1:])
				case "yaml", "dockerfile": // the step deployment checks manifests
					newcomer.Write(t, filepath.Join(u.folder(t, b), b.marks["file"]), strings.Join(b.body, "\n")+"\n")
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
	folder := filepath.Join(u.Home, "work", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// hole is the line of a wrapper where a fragment goes.
const hole = "// SNIPPET\n"

// compile builds and tests a Go snippet: a whole file in its folder, or a fragment inside a wrapper of testdata. Without a
// folder it belongs to this repository's module. Tests reach the emulator under DingTalk's names. The files of a folder are
// compiled together: with the last of them.
func (u *user) compile(t *testing.T, b block, later []block) {
	code, name := strings.Join(b.body, "\n")+"\n", cmp.Or(b.marks["file"], "main.go")
	folder := u.folder(t, b)
	if inside := b.marks["inside"]; inside != "" {
		if b.marks["in"] == "" {
			folder = u.Sources
		}
		before, after, _ := strings.Cut(newcomer.Read(t, filepath.Join("testdata", inside)), hole)
		name, code = strings.TrimSuffix(inside, ".txt"), before+code+after
		folder = filepath.Join(folder, "snippet", strings.TrimSuffix(name, ".go"))
	}
	newcomer.Write(t, filepath.Join(folder, name), code)
	if b.marks["in"] != "" && slices.ContainsFunc(later, func(l block) bool { return l.language == "go" && l.marks["in"] == b.marks["in"] }) {
		return
	}
	u.must(t, folder, "go vet . && go test -c -o snippet.test .")
	u.must(t, folder, "[ ! -f snippet.test ] || "+strings.Join(u.online, " ")+" ./snippet.test")
}

// must runs a command that is the check's own.
func (u *user) must(t *testing.T, folder, command string) {
	t.Helper()
	if got := u.shell(t, folder, []string{command}, ""); got[0].code != 0 {
		t.Fatalf("%s: exit code %d\n%s", command, got[0].code, got[0].output)
	}
}
