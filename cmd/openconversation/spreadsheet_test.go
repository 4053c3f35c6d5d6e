package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
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
			if files := b.files(); files != name+" "+filepath.Base(b.out) {
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

// An output that a spreadsheet program has saved again is taken up, and what it holds is not called again.
func TestOutputsThatWereSavedAgain(t *testing.T) {
	for _, name := range []string{"output.csv", "resaved-semicolon.csv", "resaved-gbk-tab.csv", "resaved-utf16.csv"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "in.csv", fixture(t, "calc-utf8.csv"))
			b.out = filepath.Join(filepath.Dir(b.in), "out.csv")
			b.write(b.out, fixture(t, name))
			if got := finish(t, b.process("--retry-failed")); got.code != 0 || !strings.Contains(got.stderr, "holds no failed row") || b.server.Count(conversion) != 0 {
				t.Errorf("%d calls, %+v", b.server.Count(conversion), got)
			}
			if b.read(b.out) != fixture(t, name) {
				t.Error("the output has changed")
			}
			if strings.Contains(name, "utf16") {
				return
			}
			b.write(b.out, strings.ReplaceAll(fixture(t, name), "cid4555", "")) // as if it had failed
			if got := finish(t, b.process("--retry-failed")); got.code != 0 || !strings.Contains(got.stderr, "4 rows: 4 converted, 0 failed; 1 call,") || b.server.Count(conversion) != 1 {
				t.Errorf("%d calls, %+v", b.server.Count(conversion), got)
			}
			b.want(0, "holds no failed row", "--retry-failed")
		})
	}
}

// Chats that a spreadsheet shows in the wrong column cost at most the first twenty calls.
func TestWrongColumnOfAWorkbook(t *testing.T) {
	b := newBench(t, "in.xlsx", "")
	book(t, b.in, chats(400, 400))
	b.server = dingtalktest.NewServer(t)
	b.out = filepath.Join(filepath.Dir(b.in), "out.xlsx")
	b.want(1, "20 of 400 rows: 0 converted, 20 failed; 20 calls", "--column", "n")
	b.want(2, "another column or field", "--resume", "--column", "chat_id")
	b.want(1, "nothing was saved, and "+b.out+" is as it was", "--force")
}
