package main

import (
	"fmt"
	"strings"
	"testing"
)

// faultsPage says what each fault gets, a row for each number.
const (
	faultsPage = "docs/faults.md"
	lastFault  = 80
)

// Each row has its test: the subtest of TestFaults with its number, or those that it names, which TestNamedTestsExist
// looks up.
func TestFaultsHaveTests(t *testing.T) {
	rows := map[string]string{} // by number
	for line := range strings.Lines(content(t, faultsPage)) {
		if cells := strings.Split(line, "|"); len(cells) == 7 {
			rows[strings.TrimSpace(cells[1])] = line
		}
	}
	sources := testSources(t)
	for n := range lastFault {
		row, ok := rows[fmt.Sprint(n+1)]
		if !ok {
			t.Errorf("%s has no row %d", faultsPage, n+1)
			continue
		}
		if subtest := fmt.Sprintf(`"row_%02d_`, n+1); !strings.Contains(sources, subtest) && !namedTest.MatchString(row) {
			t.Errorf("row %d names no test, and TestFaults has no %s", n+1, subtest)
		}
	}
}
