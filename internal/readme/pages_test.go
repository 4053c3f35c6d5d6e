package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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

// The tables are what their sources say.
func TestTablesAreFilled(t *testing.T) {
	for _, file := range []string{english, chinese} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		filled, err := fill(root, file, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if filled != string(text) {
			t.Errorf("%s: a table is not what its source says: run make readme", file)
		}
	}
}

func TestTranslationSaysTheSame(t *testing.T) {
	for _, difference := range differences(load(t, english), load(t, chinese)) {
		t.Error(difference)
	}
}

// A link leads to a file of the repository, or to a heading of the page.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range []string{english, chinese} {
		p := load(t, file)
		for _, s := range p.sections {
			for _, l := range s.links {
				target, anchor, _ := strings.Cut(l, "#")
				if strings.Contains(target, "://") {
					continue
				}
				if target == "" {
					target = file
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

var namedTarget = regexp.MustCompile("`make ([a-z][a-z-]*)")

// Every make target that a page names exists.
func TestNamedTargetsExist(t *testing.T) {
	for _, file := range []string{english, chinese, "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range namedTarget.FindAllStringSubmatch(string(text), -1) {
			if !hasTarget(t, m[1]) {
				t.Errorf("%s: there is no make %s", file, m[1])
			}
		}
	}
}

func hasTarget(t *testing.T, name string) bool {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:`).Match(makefile)
}

func TestDifferencesAreFound(t *testing.T) {
	const page = "# T\n\n[a](b.md)\n\n```go\nf() // says\n```\n\n| a |\n|---|\n| 1 |\n"
	en, err := parse(english, page)
	if err != nil {
		t.Fatal(err)
	}
	stampedPage := strings.Replace(page, "# T\n", "# T\n<!-- translates: "+en.sections[1].digest()+" -->\n", 1)
	for name, test := range map[string]struct {
		change [2]string
		differ bool
	}{
		"nothing":          {[2]string{"", ""}, false},
		"a comment":        {[2]string{"// says", "// 说"}, false},
		"code":             {[2]string{"f()", "g()"}, true},
		"a link":           {[2]string{"b.md", "c.md"}, true},
		"a row":            {[2]string{"| 1 |\n", ""}, true},
		"a heading":        {[2]string{"# T", "## T"}, true},
		"one heading more": {[2]string{"[a]", "# U\n[a]"}, true},
		"the stamp":        {[2]string{"translates: ", "translates: 000000000000 -->\n<!-- was: "}, true},
	} {
		zh, err := parse(chinese, strings.Replace(stampedPage, test.change[0], test.change[1], 1))
		if err != nil {
			t.Fatal(err)
		}
		if found := differences(en, zh); (len(found) > 0) != test.differ {
			t.Errorf("%s: %q", name, found)
		}
	}
}
