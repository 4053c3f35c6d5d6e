package rows_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

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

// calcIDs are the ids of every file of calc.
var calcIDs = []string{"chatfaabe59a460527f5fb72fbbdfe3f061e", "chat00000000000000000000000000000001", "chat00000000000000000000000000000002", "4555"}

// What a spreadsheet program writes is read without a word said about it, and comes back byte by byte with the results.
func TestFilesOfCalc(t *testing.T) {
	tests := []struct{ file, found, separator string }{
		{"calc-utf8.csv", "CSV, separated by commas, UTF-8", ","},
		{"calc-semicolon-quoted.csv", "CSV, separated by semicolons, UTF-8", ";"},
		{"calc-gbk-semicolon.csv", "CSV, separated by semicolons, GBK", ";"},
		{"calc-gb18030.csv", "CSV, separated by commas, GB18030", ","},
		{"calc-bar.csv", "CSV, separated by bars, UTF-8", "|"},
		{"calc-utf16-tab.txt", "TSV, UTF-16 LE", "\t"},
		{"calc.xlsx", `an xlsx workbook, sheet "chats"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			in := file(t, tt.file)
			o, err := rows.Detect(bytes.NewReader(in), tt.file, rows.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := reader(t, bytes.NewReader(in), o)
			if got := r.Found().String(); got != tt.found || r.Found().Name != "Chat_ID" || r.Found().Column != 2 {
				t.Errorf("%s, %q, want %s", got, r.Found().Name, tt.found)
			}
			var ids []string
			if err := each(r, func(row rows.Row) error { ids = append(ids, row.ChatID); return nil }); err != nil {
				t.Fatal(err)
			}
			if strings.Join(ids, " ") != strings.Join(calcIDs, " ") {
				t.Errorf("%q", ids)
			}
			out, err := convert(t, in, o, whole)
			if err != nil {
				t.Fatal(err)
			}
			if tt.separator != "" {
				sameBytes(t, in, out, o, tt.separator)
			}
		})
	}
}

// sameBytes checks that an output is its input, with the results behind each record.
func sameBytes(t *testing.T, in, out []byte, o rows.Options, separator string) {
	t.Helper()
	encode := func(text string) []byte {
		if o.Encoding != rows.UTF16LE {
			return []byte(text)
		}
		return []byte(strings.Join(strings.Split(text, ""), "\x00") + "\x00")
	}
	appended := []string{"open_conversation_id" + separator + "error_code" + separator + "error"}
	for _, id := range calcIDs {
		appended = append(appended, "cid"+id+separator+separator)
	}
	for _, cells := range appended {
		cells := encode(separator + cells)
		if bytes.Count(out, cells) != 1 {
			t.Errorf("%q is not there once", cells)
		}
		out = bytes.Replace(out, cells, nil, 1)
	}
	if !bytes.Equal(in, out) {
		t.Errorf("without the results it is\n%q\nnot\n%q", out, in)
	}
}

// A workbook that was written back is the input in every cell and format, as another library reads it.
func TestWorkbookKeepsEverything(t *testing.T) {
	in := file(t, "calc.xlsx")
	out, err := convert(t, in, rows.Options{Format: rows.XLSX}, whole)
	if err != nil {
		t.Fatal(err)
	}
	open := func(raw []byte) *excelize.File {
		f, err := excelize.OpenReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	before, after := open(in), open(out)
	for row := 1; row <= 5; row++ {
		for column := 1; column <= 6; column++ {
			cell, _ := excelize.CoordinatesToCellName(column, row)
			for what, get := range map[string]func(f *excelize.File) (any, error){
				"text": func(f *excelize.File) (any, error) { return f.GetCellValue("chats", cell) },
				"value": func(f *excelize.File) (any, error) {
					return f.GetCellValue("chats", cell, excelize.Options{RawCellValue: true})
				},
				"type":  func(f *excelize.File) (any, error) { return f.GetCellType("chats", cell) },
				"style": func(f *excelize.File) (any, error) { return f.GetCellStyle("chats", cell) },
			} {
				was, err := get(before)
				is, err2 := get(after)
				if was != is || err != nil || err2 != nil {
					t.Errorf("%s: the %s was %v and is %v", cell, what, was, is)
				}
			}
		}
	}
	want := [][]string{{"open_conversation_id", "error_code", "error"}, {"cid" + calcIDs[0], "", ""}, {"cid" + calcIDs[1], "", ""}, {"cid" + calcIDs[2], "", ""}, {"cid4555", "", ""}}
	for i, cells := range want {
		for j, text := range cells {
			cell, _ := excelize.CoordinatesToCellName(7+j, 1+i)
			if got, err := after.GetCellValue("chats", cell); err != nil || got != text {
				t.Errorf("%s: %q, want %q", cell, got, text)
			}
		}
	}
	if size, err := after.GetSheetDimension("chats"); err != nil || size != "A1:I5" {
		t.Errorf("%s %v", size, err)
	}
}

// resaved are outputs and what a spreadsheet program made of them.
var resaved = map[string][]string{
	"calc-utf8.csv": {"output.csv", "resaved-semicolon.csv", "resaved-gbk-tab.csv", "resaved-utf16.csv"},
	"calc.xlsx":     {"output.xlsx", "resaved.xlsx"},
}

// An output that was opened in a spreadsheet program and saved again has its results.
func TestResaved(t *testing.T) {
	for name, outputs := range resaved {
		in := file(t, name)
		o, err := rows.Detect(bytes.NewReader(in), name, rows.Options{})
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
			if i > 0 && bytes.Equal(old, out) {
				t.Errorf("%s is as it was written", output)
			}
			before, err := rows.Detect(bytes.NewReader(old), output, rows.Options{})
			if err != nil {
				t.Fatal(err)
			}
			results, err := known(t, old, before)
			if err != nil || len(results) == 0 || results[0].OpenConversationID == "" {
				t.Errorf("%s: %+v %v", output, results, err)
			}
		}
	}
}

// Files of kinds that are not read are refused by what is in them, and by their names.
func TestUnsupported(t *testing.T) {
	tests := []struct{ file, as, want string }{
		{"calc.xls", "a.xls", "it is an old Excel workbook (.xls), a WPS one (.et), or one with a password, which is not read; save it as .xlsx, or as CSV"},
		{"calc.xls", "a.xlsx", "it is an old Excel workbook (.xls), a WPS one (.et), or one with a password, which is not read; save it as .xlsx, or as CSV"},
		{"calc.xls", "a.csv", "it is an old Excel workbook (.xls), a WPS one (.et), or one with a password, which is not read; save it as .xlsx, or as CSV"},
		{"calc.ods", "b.ods", "it is an OpenDocument sheet, which is not read; save it as .xlsx, or as CSV"},
		{"calc.ods", "b", "it is an OpenDocument sheet, which is not read; save it as .xlsx, or as CSV"},
		{"calc.xlsx", "c.csv", "it is an xlsx workbook, and not CSV"},
		{"calc-utf8.csv", "c.xlsx", "it is no xlsx workbook; it looks like CSV"},
		{"password.xlsx", "c.xlsx", "it is a workbook with a password; take the password off, and save it as .xlsx"},
		{"calc-utf8.csv", "d.et", "d.et is a WPS workbook, which is not read; save it as .xlsx, or as CSV"},
		{"calc-utf8.csv", "d.numbers", "d.numbers is a Numbers document, which is not read; save it as .xlsx, or as CSV"},
		{"calc-utf8.csv", "d.csv.gz", "d.csv.gz is compressed, which is not read; unpack it"},
	}
	protected := excelize.NewFile()
	defer func() { _ = protected.Close() }()
	var buf bytes.Buffer
	if err := protected.Write(&buf, excelize.Options{Password: "x"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		in := buf.Bytes()
		if tt.file != "password.xlsx" {
			in = file(t, tt.file)
		}
		_, err := rows.Detect(bytes.NewReader(in), tt.as, rows.Options{})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s as %s: %v, want %s", tt.file, tt.as, err, tt.want)
		}
	}
}
