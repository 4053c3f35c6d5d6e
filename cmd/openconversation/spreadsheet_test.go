package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture is a file that a spreadsheet program wrote.
func fixture(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("internal", "rows", "testdata", "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Files as spreadsheet programs write them need no flag, and never cost a call for what is no id.
func TestFilesOfSpreadsheetPrograms(t *testing.T) {
	for _, name := range []string{"calc-utf8.csv", "calc-bar.csv", "calc-gb18030.csv", "calc-gbk-semicolon.csv", "calc-semicolon-quoted.csv", "calc-utf16-tab.txt", "calc.xlsx"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, name, fixture(t, name))
			b.out = filepath.Join(filepath.Dir(b.in), "out"+filepath.Ext(name))
			got := finish(t, b.process())
			if got.code != 0 || !strings.Contains(got.stderr, "4 rows: 4 converted, 0 failed; 4 calls") || !strings.Contains(got.stderr, "reading "+b.in+": ") {
				t.Fatalf("%+v", got)
			}
			if files := b.files(); files != name+" "+filepath.Base(b.out)+" "+filepath.Base(b.out)+".journal" {
				t.Errorf("files %s", files)
			}
		})
	}
	for _, name := range []string{"calc.xls", "calc.ods"} {
		b := newBench(t, name, fixture(t, name))
		b.want(2, "save it as .xlsx")
		if b.server.Count(conversion) != 0 || b.files() != name {
			t.Errorf("%s: files %s", name, b.files())
		}
	}
}

// An output that a spreadsheet program has saved again is an input, and what it holds is not called again.
func TestOutputsThatWereSavedAgain(t *testing.T) {
	for _, name := range []string{"output.csv", "resaved-semicolon.csv", "resaved-gbk-tab.csv", "resaved-utf16.csv", "resaved.xlsx"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, name, fixture(t, name))
			b.out = filepath.Join(filepath.Dir(b.in), "out"+filepath.Ext(name))
			if got := finish(t, b.process()); got.code != 0 || !strings.Contains(got.stderr, "4 rows of "+b.in+" have their results already") || b.server.Count(conversion) != 0 {
				t.Errorf("%d calls, %+v", b.server.Count(conversion), got)
			}
			if strings.Contains(name, "utf16") || strings.HasSuffix(name, ".xlsx") {
				return
			}
			b.write(b.in, strings.ReplaceAll(fixture(t, name), "cid4555", "")) // as if it had failed
			b.out = filepath.Join(filepath.Dir(b.in), "out2.csv")
			if got := finish(t, b.process()); got.code != 0 || !strings.Contains(got.stderr, "4 rows: 4 converted, 0 failed; 1 call,") || b.server.Count(conversion) != 1 {
				t.Errorf("%d calls, %+v", b.server.Count(conversion), got)
			}
		})
	}
}
