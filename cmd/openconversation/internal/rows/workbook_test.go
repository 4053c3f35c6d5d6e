package rows_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// workbook is one that another library makes. Each sheet is its name and its rows; nil is no cell.
func workbook(t *testing.T, sheets ...any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	var all error
	for i := 0; i < len(sheets); i += 2 {
		name := sheets[i].(string)
		_, err := f.NewSheet(name)
		all = errors.Join(all, err)
		for y, cells := range sheets[i+1].([][]any) {
			for x, cell := range cells {
				if at, _ := excelize.CoordinatesToCellName(x+1, y+1); cell != nil {
					all = errors.Join(all, f.SetCellValue(name, at, cell))
				}
			}
		}
	}
	var out bytes.Buffer
	if err := errors.Join(all, f.DeleteSheet("Sheet1"), f.Write(&out)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// opened is a workbook as another library reads it.
func opened(t *testing.T, raw []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// sheet is the cells of a sheet.
func sheet(t *testing.T, raw []byte, name string) string {
	t.Helper()
	list, err := opened(t, raw).GetRows(name, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, cells := range list {
		out = append(out, strings.Join(cells, "|"))
	}
	return strings.Join(out, "\n")
}

func TestWorkbooks(t *testing.T) {
	in := workbook(t,
		"first", [][]any{{"n", "Chat ID"}, {1, "x"}},
		"群", [][]any{nil, {"n", nil, " CHAT_ID\u200b", nil}, {1.5, nil, "a"}, nil, {true, "text", 4555}, {"", nil, 1.2e15}, {nil, nil, " \u00a0"}, {"x"}, {nil, nil, `="b"`}})
	o := rows.Options{Format: rows.XLSX, Sheet: "群"}
	const want = "\nn|| CHAT_ID\u200b|open_conversation_id|error_code|error\n1.5||a|cida\n\n1|text|4555|cid4555\n||1200000000000000||bad|its cell is a number, which a spreadsheet rounds\n|| \u00a0\nx|||cid\n||=\"b\"|cidb"
	out, err := convert(t, in, o, whole)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Replace(sheet(t, out, "群"), "TRUE", "1", 1); got != want {
		t.Errorf("%q, want\n%q", got, want)
	}
	if got := sheet(t, out, "first"); got != "n|Chat ID\n1|x" {
		t.Errorf("the other sheet is %q", got)
	}
	var numbers []int
	r := reader(t, bytes.NewReader(in), o)
	if err := each(r, func(row rows.Row) error { numbers = append(numbers, row.Line); return nil }); err != nil || fmt.Sprint(numbers) != "[3 5 6 8 9]" || r.Skipped != 1 {
		t.Errorf("rows %v, %d skipped, %v", numbers, r.Skipped, err)
	}
	if out, err := convert(t, workbook(t, "a", [][]any{}), rows.Options{Format: rows.XLSX}, whole); err != nil || out != nil {
		t.Errorf("an empty sheet: %v", err)
	}
}

func TestWorkbookRefusals(t *testing.T) {
	good := workbook(t, "a", [][]any{{"chat_id"}, {"x"}}, "b", [][]any{{"n"}, {"x"}})
	for _, tt := range []struct {
		in    []byte
		sheet string
		part  rows.Part
		want  string
	}{
		{good, "c", rows.PartSheet, `there is no sheet "c"; there are: a, b`},
		{good, "B", rows.PartColumn, "line 1: which column holds the chat ids? there are: n"},
		{good[:len(good)/2], "", rows.PartNone, "it is no xlsx workbook, or a damaged one: zip: not a valid zip file"},
		{workbook(t, "a", [][]any{{"chat_id"}, {"x", nil, "y"}}), "", rows.PartNone, "line 2: it has a cell in column 3, and the header ends with column 1"},
		{workbook(t, "a", [][]any{{"chat_id", "error"}}), "", rows.PartNone, "line 1: it has a column error already; rename or remove it"},
		{workbook(t, "a", [][]any{{"chat_id", "n", "chat_id"}}), "", rows.PartColumn, "line 1: there are two columns chat_id; name the one by its number, 1 or 3"},
	} {
		_, err := convert(t, tt.in, rows.Options{Format: rows.XLSX, Sheet: tt.sheet}, whole)
		var wrong *rows.Error
		if !errors.As(err, &wrong) || wrong.Part != tt.part || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

var update = flag.Bool("update", false, "write the outputs that make-fixtures.sh has a spreadsheet program save again")

// file is one that LibreOffice wrote; see testdata/make-fixtures.sh.
func file(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A workbook that was written back is the input in every cell and format, as another library reads it.
func TestWorkbookKeepsEverything(t *testing.T) {
	in := file(t, "calc.xlsx")
	out, err := convert(t, in, rows.Options{Format: rows.XLSX}, whole)
	if err != nil {
		t.Fatal(err)
	}
	before, after := opened(t, in), opened(t, out)
	of := func(f *excelize.File, cell string) string {
		text, err := f.GetCellValue("chats", cell)
		value, err2 := f.GetCellValue("chats", cell, excelize.Options{RawCellValue: true})
		kind, err3 := f.GetCellType("chats", cell)
		style, err4 := f.GetCellStyle("chats", cell)
		return fmt.Sprint(text, value, kind, style, errors.Join(err, err2, err3, err4))
	}
	for row := 1; row <= 5; row++ {
		for column := 1; column <= 6; column++ {
			if cell, _ := excelize.CoordinatesToCellName(column, row); of(before, cell) != of(after, cell) {
				t.Errorf("%s was %s and is %s", cell, of(before, cell), of(after, cell))
			}
		}
		want := []string{"open_conversation_id", "cidchatfaabe59a460527f5fb72fbbdfe3f061e", "cidchat00000000000000000000000000000001", "cidchat00000000000000000000000000000002", "cid4555"}[row-1]
		if got, err := after.GetCellValue("chats", fmt.Sprint("G", row)); err != nil || got != want {
			t.Errorf("G%d: %q, want %q", row, got, want)
		}
	}
	if size, err := after.GetSheetDimension("chats"); err != nil || size != "A1:I5" {
		t.Errorf("%s %v", size, err)
	}
}

// An output that was opened in a spreadsheet program and saved again has its results.
func TestResaved(t *testing.T) {
	for name, outputs := range map[string][]string{
		"calc-utf8.csv": {"output.csv", "resaved-semicolon.csv", "resaved-gbk-tab.csv", "resaved-utf16.csv"},
		"calc.xlsx":     {"output.xlsx", "resaved.xlsx"},
	} {
		in := file(t, name)
		o, err := detect(in, name, rows.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := convert(t, in, o, whole)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(filepath.Join("testdata", "files", outputs[0]), out, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for i, output := range outputs {
			old := file(t, output)
			before, err := detect(old, output, rows.Options{})
			if err != nil || bytes.Equal(old, out) != (i == 0) && output != "output.xlsx" { // which is packed anew
				t.Fatalf("%s: %v", output, err)
			}
			if results, err := known(t, old, before); err != nil || len(results) == 0 || results[0].OpenConversationID == "" {
				t.Errorf("%s: %+v %v", output, results, err)
			}
		}
	}
}

// Files of kinds that are not read are refused by what is in them, and by their names.
func TestUnsupported(t *testing.T) {
	var protected bytes.Buffer
	if err := excelize.NewFile().Write(&protected, excelize.Options{Password: "x"}); err != nil {
		t.Fatal(err)
	}
	const old = "it is an old Excel workbook (.xls), a WPS one (.et), or one with a password, which is not read; save it as .xlsx, or as CSV"
	text := file(t, "calc-utf8.csv")
	for _, tt := range []struct {
		in       []byte
		as, want string
	}{
		{file(t, "calc.xls"), "a.xls", old},
		{file(t, "calc.xls"), "a.csv", old},
		{file(t, "calc.ods"), "b", "it is an OpenDocument sheet, which is not read; save it as .xlsx, or as CSV"},
		{file(t, "calc.xlsx"), "c.csv", "it is an xlsx workbook, and not CSV"},
		{text, "c.xlsx", "it is no xlsx workbook; it looks like CSV"},
		{protected.Bytes(), "c.xlsx", "it is a workbook with a password; take the password off, and save it as .xlsx"},
		{text, "d.et", "it is of a kind that is not read; save it as .xlsx, or as CSV"},
		{text, "d.numbers", "it is of a kind that is not read; save it as .xlsx, or as CSV"},
		{text, "d.csv.gz", "it is compressed, which is not read; unpack it"},
	} {
		if _, err := detect(tt.in, tt.as, rows.Options{}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.as, err, tt.want)
		}
	}
}
