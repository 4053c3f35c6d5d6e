package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture is a bench whose input a spreadsheet program wrote, with a text in it replaced.
func fixture(t *testing.T, name, old, by string) *bench {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("internal", "rows", "testdata", "files", name))
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, name, strings.ReplaceAll(string(content), old, by))
	b.out = filepath.Join(filepath.Dir(b.in), "out"+filepath.Ext(name))
	return b
}

// Files as spreadsheet programs write them need no flag, and never cost a call for what is no id.
func TestFilesOfSpreadsheetPrograms(t *testing.T) {
	for _, name := range []string{"calc-utf8.csv", "calc-bar.csv", "calc-gb18030.csv", "calc-gbk-semicolon.csv", "calc-semicolon-quoted.csv", "calc-utf16-tab.txt", "calc.xlsx"} {
		b := fixture(t, name, "\x00none", "")
		finish(t, b.process()).holds(t, 0, "4 rows: 4 converted, 0 failed; 4 calls", "reading "+b.in+": ")
		if files := b.files(); files != name+" "+filepath.Base(b.out)+" "+filepath.Base(b.out)+".journal" {
			t.Errorf("files %s", files)
		}
	}
	for _, name := range []string{"calc.xls", "calc.ods"} {
		b := fixture(t, name, "\x00none", "")
		b.want(2, "save it as .xlsx")
		if b.server.Count(conversion) != 0 || b.files() != name {
			t.Errorf("%s: files %s", name, b.files())
		}
	}
}

// An output that a spreadsheet program has saved again is an input, and what it holds is not called again.
func TestOutputsThatWereSavedAgain(t *testing.T) {
	for _, name := range []string{"output.csv", "resaved-semicolon.csv", "resaved-gbk-tab.csv", "resaved-utf16.csv", "resaved.xlsx"} {
		b := fixture(t, name, "\x00none", "")
		finish(t, b.process()).holds(t, 0, "4 rows of "+b.in+" have their results already", "; 0 calls")
		if strings.Contains(name, "utf16") || strings.HasSuffix(name, ".xlsx") {
			continue
		}
		b = fixture(t, name, "cid4555", "") // as if it had failed
		finish(t, b.process()).holds(t, 0, "4 rows: 4 converted, 0 failed; 1 call,")
	}
}
