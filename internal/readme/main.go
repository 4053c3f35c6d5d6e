// Command readme fills the tables between "begin" and "end" marks in README.md and README.zh-CN.md from their sources. Run it
// in the folder of README.md. Its tests run the snippets of the pages.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := errors.Join(rewrite(english), rewrite(chinese)); err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

// rewrite fills the tables of a page.
func rewrite(file string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := fill(".", file, string(old))
	if err != nil || text == string(old) {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// tables are generated. Each makes its lines in the language of a page.
var tables = []struct {
	name   string
	source string // the files that it is made from
	make   func(root string, say language) ([]string, error)
}{
	{"errors", "openapi.yaml and wrapper/kinds.go", errorsTable},
	{"benchmark", "bench/RESULTS.md", benchmarkTable},
	{"importers", "testdata/importer", importersTable},
}

// fill makes the tables of a page anew. A page without one of them is an error: it would no longer be checked.
func fill(root, file, text string) (string, error) {
	say := language{chinese: file == chinese, unknown: new([]string)}
	for _, table := range tables {
		begin := fmt.Sprintf("<!-- begin %s: made from %s by make readme -->\n", table.name, table.source)
		end := fmt.Sprintf("<!-- end %s -->\n", table.name)
		before, rest, found := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			return "", fmt.Errorf("%s has no lines %q and %q", file, strings.TrimSpace(begin), strings.TrimSpace(end))
		}
		lines, err := table.make(root, say)
		if err = errors.Join(err, say.missing()); err != nil {
			return "", fmt.Errorf("%s: %s: %w", file, table.name, err)
		}
		text = before + begin + strings.Join(lines, "\n") + "\n" + end + after
	}
	return text, nil
}
