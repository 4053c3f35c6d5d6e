//go:build unix

package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
)

// TestNewcomer follows CONTRIBUTING.md in a clone: what its blocks say is typed where their marks say, and its commands are run.
func TestNewcomer(t *testing.T) {
	onlyWhenAsked(t)
	const page = "CONTRIBUTING.md"
	u := &user{User: newcomer.New(t, root)}
	clone := filepath.Join(u.Home, "work", "newcomer")
	u.Run(t, root, "git", "clone", "-q", u.Sources, clone)
	// The linter need not be installed once more. make says where it is, if not in .tools.
	tools, err := filepath.Abs(cmp.Or(os.Getenv("OPENCONVERSATION_TOOLS"), filepath.Join(root, ".tools")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tools, filepath.Join(clone, ".tools")); err != nil {
		t.Fatal(err)
	}
	for _, b := range load(t, page).blocks {
		switch file, types := b.marks["into"]; {
		case types:
			if b.language != "yaml" {
				t.Errorf("%s:%d: a new endpoint takes no %s", page, b.line, b.language)
			}
			insert(t, filepath.Join(clone, file), b)
		case b.language == "console" && b.marks["in"] == "newcomer":
			u.console(t, b)
		default:
			t.Errorf("%s:%d: nothing says what to do with the block", page, b.line)
		}
	}
}

// insert puts a block before the first line of a file that the mark "before" matches, or at the file's end.
func insert(t *testing.T, file string, b block) {
	t.Helper()
	content := newcomer.Read(t, file)
	at := len(content)
	if before, ok := b.marks["before"]; ok {
		found := regexp.MustCompile("(?m)" + before).FindStringIndex(content)
		if found == nil {
			t.Fatalf("%s has no line %s", file, before)
		}
		at = found[0]
	}
	newcomer.Write(t, file, content[:at]+strings.Join(b.body, "\n")+"\n"+content[at:])
}
