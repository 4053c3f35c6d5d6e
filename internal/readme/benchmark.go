package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// spread is the range of half of the rounds, which bench/RESULTS.md alone shows.
var spread = regexp.MustCompile(` \([\d.]+–[\d.]+\)`)

// benchmarked is the heading of the table that has what users have.
const benchmarked = "Over HTTPS, with HTTP/1.1"

// benchmarkTable is the table of bench/RESULTS.md without its spread.
func benchmarkTable(root string, say language) ([]string, error) {
	results, err := readPage(root, "bench/RESULTS.md")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(results.sections, func(s section) bool { return s.title == benchmarked && len(s.tables) > 0 })
	if i < 0 {
		return nil, fmt.Errorf("%s has no table under %q", results.file, benchmarked)
	}
	var lines []string
	for n, cells := range results.sections[i].tables[0] {
		// What is new in the results shows in English until it is translated: figures need not wait for that.
		for i, cell := range cells {
			cells[i] = say.orEnglish(spread.ReplaceAllString(cell, ""))
		}
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
		if n == 0 {
			lines = append(lines, "|---|"+strings.Repeat("--:|", len(cells)-1))
		}
	}
	return lines, nil
}
