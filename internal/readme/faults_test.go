//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// faultsPage says what each fault gets, a row for each number.
const (
	faultsPage = "docs/faults.md"
	lastFault  = 61
)

var namedTest = regexp.MustCompile("`(Test[A-Z]\\w*)`")

// Each row has its test: the subtest of TestFaults with its number, or those that it names.
func TestFaultsHaveTests(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, faultsPage))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // by number
	for line := range strings.Lines(string(content)) {
		if cells := strings.Split(line, "|"); len(cells) == 7 {
			rows[strings.TrimSpace(cells[1])] = line
		}
	}
	for n := range lastFault {
		number := fmt.Sprint(n + 1)
		row, ok := rows[number]
		if !ok {
			t.Errorf("%s has no row %s", faultsPage, number)
			continue
		}
		names := namedTest.FindAllStringSubmatch(row, -1)
		for _, name := range names {
			if !inTests(t, "func "+name[1]+"(") {
				t.Errorf("row %s: there is no %s", number, name[1])
			}
		}
		if subtest := fmt.Sprintf(`"row_%02d_`, n+1); !inTests(t, subtest) && len(names) == 0 {
			t.Errorf("row %s names no test, and TestFaults has no %s", number, subtest)
		}
	}
}

// inTests is whether a text is in one of the repository's test files, apart from this folder's.
func inTests(t *testing.T, text string) bool {
	t.Helper()
	for _, file := range strings.Fields(run(t, root, "git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*_test.go", ":!internal/readme")) {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if strings.Contains(string(content), text) {
			return true
		}
	}
	return false
}
