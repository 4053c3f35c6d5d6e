package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// importerApps are the folders of testdata/importer, in the table's order, and what the app in each imports.
var importerApps = []struct{ folder, imports string }{
	{"wrapper", "`wrapper`"},
	{"redis", "`wrapper` and `wrapper/dingtalkredis`"},
}

// importersTable lists what go.mod and go.sum of apps that import the SDK get. `make importer`
// holds the files that it is read from.
func importersTable(root string, say language) ([]string, error) {
	folder := filepath.Join(root, "testdata", "importer")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	if len(entries) != len(importerApps) {
		return nil, fmt.Errorf("%d apps are in %s, and %d have a row", len(entries), folder, len(importerApps))
	}
	lines := []string{
		fmt.Sprintf("| %s | Go | %s | %s |", say.text("an app that imports"), say.text("version floors"), say.text("lines of `go.sum`")),
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
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %d |", say.orEnglish(app.imports), parsed.Go.Version, cmp.Or(strings.Join(floors, "<br>"), nothing), strings.Count(string(sum), "\n")))
	}
	return lines, nil
}
