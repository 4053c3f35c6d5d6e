package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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
		text := content(t, file)
		filled, err := fill(root, file, text)
		if err != nil {
			t.Fatal(err)
		}
		if filled != text {
			t.Errorf("%s: a table is not what its source says: run make readme", file)
		}
	}
}

func TestTranslationSaysTheSame(t *testing.T) {
	for _, difference := range differences(load(t, english), load(t, chinese)) {
		t.Error(difference)
	}
}

// pages are all that this repository shows to people.
func pages(t *testing.T) []string {
	t.Helper()
	files := []string{english, chinese, "CHANGELOG.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md", "interop/README.md"}
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(docs) == 0 {
		t.Fatalf("no pages in docs: %v", err)
	}
	for _, file := range docs {
		files = append(files, "docs/"+filepath.Base(file))
	}
	return files
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

var archived = regexp.MustCompile(`- \{ src: "?([^",]+)"?, info`)

// Whoever unpacks a release has the files that README.md links to.
func TestLinksLeadSomewhereInAnArchive(t *testing.T) {
	held := map[string]bool{}
	for _, m := range archived.FindAllStringSubmatch(content(t, ".goreleaser.yaml"), -1) {
		files, err := filepath.Glob(filepath.Join(root, m[1]))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no files, %v", m[1], err)
		}
		for _, file := range files {
			name, _ := filepath.Rel(root, file)
			held[filepath.ToSlash(name)], held[path.Dir(filepath.ToSlash(name))] = true, true
		}
	}
	for _, file := range []string{english, chinese} {
		for _, s := range load(t, file).sections {
			for _, l := range s.links {
				target, _, _ := strings.Cut(l, "#")
				if target != "" && !strings.Contains(target, "://") && !held[target] {
					t.Errorf("%s:%d: archives do not hold %s", file, s.line, target)
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

var namedTarget = regexp.MustCompile("(?m)(?:`|^\\$ )make ([a-z][a-z-]*(?: [a-z][a-z-]*)*)(?:`|$| +[A-Z#])")

// Every make target that a page names exists.
func TestNamedTargetsExist(t *testing.T) {
	for _, file := range pages(t) {
		for _, m := range namedTarget.FindAllStringSubmatch(content(t, file), -1) {
			for _, target := range strings.Fields(m[1]) {
				if !hasTarget(t, target) {
					t.Errorf("%s: there is no make %s", file, target)
				}
			}
		}
	}
}

func hasTarget(t *testing.T, name string) bool {
	t.Helper()
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:`).MatchString(content(t, "Makefile") + content(t, ".ci/release.mk"))
}

var namedTest = regexp.MustCompile("`((?:Test|Fuzz)\\w+)(?:/(row_\\d+))?`")

// testSources is what stands in the test files of all folders.
func testSources(t *testing.T) string {
	t.Helper()
	var sources strings.Builder
	err := filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "bin"):
			return filepath.SkipDir // tools, and what was built
		case strings.HasSuffix(name, "_test.go"):
			source, err := os.ReadFile(file)
			sources.Write(source)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources.String()
}

// Every test that a page names exists. Rows are those of docs/faults.md.
func TestNamedTestsExist(t *testing.T) {
	sources := testSources(t)
	found := 0
	for _, file := range pages(t) {
		for _, m := range namedTest.FindAllStringSubmatch(content(t, file), -1) {
			found++
			if !strings.Contains(sources, "\nfunc "+m[1]+"(") {
				t.Errorf("%s: there is no test %s", file, m[1])
			}
			if m[2] != "" && !strings.Contains(sources, `"`+m[2]+"_") {
				t.Errorf("%s: %s has no %s", file, m[1], m[2])
			}
		}
	}
	if found == 0 {
		t.Error("no page names a test")
	}
}

// The generators that the page about other languages names and installs are those of versions.env, which `make interop` runs.
func TestNamedGenerators(t *testing.T) {
	page, versions := content(t, "interop/README.md"), content(t, "interop/versions.env")
	for variable, spelt := range map[string][]string{
		"OPENAPI_GENERATOR": {"openapi-generator ", "openapi-generator-cli=="}, "OPENAPI_TYPESCRIPT": {"openapi-typescript ", " openapi-typescript@"},
		"OPENAPI_FETCH": {"openapi-fetch ", " openapi-fetch@"}, "NSWAG": {"NSwag ", " nswag@"}, "TYPESCRIPT": {" typescript@"},
	} {
		m := regexp.MustCompile(`(?m)^` + variable + `=(\S+)$`).FindStringSubmatch(versions)
		for _, before := range spelt {
			found := regexp.MustCompile(regexp.QuoteMeta(before)+`([0-9]+\.[0-9.]*[0-9])`).FindAllStringSubmatch(page, -1)
			if m == nil || len(found) == 0 || slices.ContainsFunc(found, func(one []string) bool { return one[1] != m[1] }) {
				t.Errorf("interop/README.md has %q of %q, and versions.env %q", found, before, m)
			}
		}
	}
}

var javaCall = regexp.MustCompile(`\w+\(`)

// What the page about other languages calls in Java, the program that `make interop` compiles calls too.
func TestNamedJavaCalls(t *testing.T) {
	program := content(t, "interop/java/Program.java")
	var calls []string
	for _, b := range load(t, "interop/README.md").blocks {
		if b.language == "java" {
			calls = append(calls, javaCall.FindAllString(strings.Join(b.body, "\n"), -1)...)
		}
	}
	if len(calls) == 0 {
		t.Error("no block of Java calls anything")
	}
	for _, call := range calls {
		if !strings.Contains(program, call) {
			t.Errorf("Program.java does not call %s)", call)
		}
	}
}

// The map names every folder in which a contributor may find something.
func TestMapNamesEveryFolder(t *testing.T) {
	contributing := content(t, "CONTRIBUTING.md")
	for _, folder := range []string{"", "internal/", "wrapper/"} {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := folder + entry.Name()
			if !entry.IsDir() || strings.HasPrefix(name, ".") || name == "bin" || name == "internal" {
				continue
			}
			if !strings.Contains(contributing, "`"+name+"/") {
				t.Errorf("CONTRIBUTING.md does not say what is in %s/", name)
			}
		}
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A page of docs and its translation say the same, too.
func TestTranslatedPages(t *testing.T) {
	translated, err := filepath.Glob(filepath.Join(root, "docs", "*.zh-CN.md"))
	if err != nil || len(translated) == 0 {
		t.Fatalf("no translated page: %v", err)
	}
	for _, file := range translated {
		name := "docs/" + filepath.Base(file)
		for _, difference := range differences(load(t, strings.Replace(name, ".zh-CN", "", 1)), load(t, name)) {
			t.Error(difference)
		}
	}
}
