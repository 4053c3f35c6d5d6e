package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// notCompared are the rows of bench/RESULTS.md that compare nothing an app could use instead.
var notCompared = []string{"raw TCP, bytes written and read", "net/http's round trip alone", "this SDK, an error"}

// spread is between which values half of the rounds lie: told by bench/RESULTS.md alone.
var spread = regexp.MustCompile(` \([\d.]+–[\d.]+\)`)

// benchmarked is the table that has what users have.
const benchmarked = "## Over HTTPS, with HTTP/1.1"

// benchmarkTable is the table of users' calls in bench/RESULTS.md, cut to what fits a landing page.
func benchmarkTable(root string, say language) ([]string, error) {
	results, err := os.ReadFile(filepath.Join(root, "bench", "RESULTS.md"))
	if err != nil {
		return nil, err
	}
	_, section, _ := strings.Cut(string(results), "\n"+benchmarked+"\n")
	var lines []string
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") {
			if len(lines) > 0 {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(spread.ReplaceAllString(line, "")), "|"), "|")
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		if slices.Contains(notCompared, cells[0]) {
			continue
		}
		// What is new in the results shows in English until it is translated: figures need not wait for that.
		for i, cell := range cells {
			cells[i] = say.orEnglish(cell)
		}
		if strings.HasPrefix(cells[0], "---") {
			lines = append(lines, strings.TrimSpace(line))
			continue
		}
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
	}
	if len(lines) < 3 {
		return nil, fmt.Errorf("bench/RESULTS.md has no table under %q", benchmarked)
	}
	return lines, nil
}
