package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
)

const root = "../.."

func load(t *testing.T, file string) *page {
	t.Helper()
	p, err := readPage(root, file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The tables match their sources.
func TestTablesAreFilled(t *testing.T) {
	for _, table := range tables {
		if filled, err := table.fill(root); err != nil || filled != newcomer.Read(t, filepath.Join(root, table.page)) {
			t.Errorf("%s: %s is not what its source says (%v): run make readme", table.page, table.name, err)
		}
	}
}

// A page and its translation say the same.
func TestTranslations(t *testing.T) {
	for _, file := range pages(t) {
		if original := strings.Replace(file, ".zh-CN", "", 1); original != file {
			for _, difference := range differences(load(t, original), load(t, file)) {
				t.Error(difference)
			}
		}
	}
}

// pages are all that this repository shows to people.
func pages(t *testing.T) []string {
	t.Helper()
	listed, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.md").Output()
	if err != nil || len(listed) == 0 {
		t.Fatalf("git lists no pages: %v", err)
	}
	return strings.Fields(string(listed))
}

// A link leads to a file of the repository, or to a heading of a page.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range pages(t) {
		p := load(t, file)
		for _, s := range p.sections {
			for _, l := range s.links {
				target, anchor, _ := strings.Cut(l, "#")
				if strings.Contains(target, "://") {
					continue
				}
				if target == "" {
					target = file
				} else {
					target = path.Join(path.Dir(file), target)
				}
				if _, err := os.Stat(filepath.Join(root, target)); err != nil {
					t.Errorf("%s:%d: the link to %s leads nowhere", file, s.line, l)
				} else if anchor != "" && !anchors(t, target)[anchor] {
					t.Errorf("%s:%d: %s has no heading #%s", file, s.line, target, anchor)
				}
			}
		}
	}
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)

// anchors are the names that a code host gives the headings of a page.
func anchors(t *testing.T, file string) map[string]bool {
	names := map[string]bool{}
	for _, s := range load(t, file).sections {
		names[strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(s.title), ""), " ", "-")] = true
	}
	return names
}
