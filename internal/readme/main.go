// Command readme fills the tables between "begin" and "end" marks of the pages from their sources. Run it in the folder of
// README.md. Its tests run the snippets of the pages.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	var err error
	for _, t := range tables {
		text, wrong := t.fill(".")
		if wrong == nil {
			wrong = os.WriteFile(t.page, []byte(text), 0o644)
		}
		err = errors.Join(err, wrong)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

type filled struct {
	name, page string
	source     string // the files that it is made from
	make       func(root string) ([]string, error)
}

var tables = []filled{
	{"kinds", "docs/faults.md", "openapi.yaml", errorsTable},
	{"benchmark", "docs/performance.md", "bench/RESULTS.md", benchmarkTable},
	{"importers", "docs/performance.md", "checks/testdata/importer", importersTable},
	{"operations", "docs/skills/openconversation/SKILL.md", "openapi.yaml", operationsTable},
}

// fill returns the page with the table made anew. A page without the table is an error: it would no longer be checked.
func (t filled) fill(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, t.page))
	if err != nil {
		return "", err
	}
	begin := fmt.Sprintf("<!-- begin %s: made from %s by make readme -->\n", t.name, t.source)
	end := fmt.Sprintf("<!-- end %s -->\n", t.name)
	before, rest, found := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("%s has no lines %q and %q", t.page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	lines, err := t.make(root)
	return before + begin + strings.Join(lines, "\n") + "\n" + end + after, err
}
