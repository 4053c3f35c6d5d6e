package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// spread is the range of half of the rounds, which bench/RESULTS.md alone shows.
var spread = regexp.MustCompile(` \([\d.]+–[\d.]+\)`)

// benchmarked is the heading of the table that has what users have.
const benchmarked = "Over HTTPS, with HTTP/1.1"

// benchmarkTable is the table of bench/RESULTS.md without its spread.
func benchmarkTable(root string) ([]string, error) {
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
		for i, cell := range cells {
			cells[i] = spread.ReplaceAllString(cell, "")
		}
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |")
		if n == 0 {
			lines = append(lines, "|---|"+strings.Repeat("--:|", len(cells)-1))
		}
	}
	return lines, nil
}

// importerApps are the folders of checks/testdata/importer, in the table's order, and what the app in each imports.
var importerApps = []struct{ folder, imports string }{
	{"wrapper", "`wrapper`"},
	{"redis", "`wrapper` and `wrapper/dingtalkredis`"},
}

// importersTable lists what go.mod and go.sum of apps that import the SDK get, from the files that `make importer` compares.
func importersTable(root string) ([]string, error) {
	folder := filepath.Join(root, "checks", "testdata", "importer")
	lines := []string{
		"| an app that imports | Go | version floors | lines of `go.sum` |",
		"|---|---|---|--:|",
	}
	for _, app := range importerApps {
		mod, err := os.ReadFile(filepath.Join(folder, app.folder, "go.mod.golden"))
		if err != nil {
			return nil, err
		}
		sum, err := os.ReadFile(filepath.Join(folder, app.folder, "go.sum.golden"))
		if err != nil {
			return nil, err
		}
		parsed, err := modfile.Parse(app.folder, mod, nil)
		if err != nil {
			return nil, err
		}
		var floors []string
		for _, r := range parsed.Require {
			if r.Mod.Path != "github.com/dingtalk-openapi/openconversation-go" {
				floors = append(floors, "`"+r.Mod.Path+"` "+r.Mod.Version)
			}
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %d |", app.imports, parsed.Go.Version, cmp.Or(strings.Join(floors, "<br>"), "–"), strings.Count(string(sum), "\n")))
	}
	return lines, nil
}
