package rows_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	for i := 0; i < len(sheets); i += 2 {
		name := sheets[i].(string)
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for y, cells := range sheets[i+1].([][]any) {
			for x, cell := range cells {
				at, _ := excelize.CoordinatesToCellName(x+1, y+1)
				if cell == nil {
					continue
				}
				if err := f.SetCellValue(name, at, cell); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := f.DeleteSheet("Sheet1"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sheet is the cells of a sheet, as another library reads them.
func sheet(t *testing.T, raw []byte, name string) string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	list, err := f.GetRows(name, excelize.Options{RawCellValue: true})
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
	const want = "\nn|| CHAT_ID\u200b|open_conversation_id|error_code|error\n1.5||a|cida\n\nTRUE|text|4555|cid4555\n||1200000000000000||bad|its cell is a number, which a spreadsheet rounds\n|| \u00a0\nx|||cid\n||=\"b\"|cidb"
	for name, through := range map[string]func(io.Reader) io.Reader{"file": func(r io.Reader) io.Reader { return r }, "stream": whole} {
		out, err := convert(t, in, o, through)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.NewReplacer("|1\n", "|1\n").Replace(sheet(t, out, "群")); got != strings.Replace(want, "TRUE", "1", 1) && got != want {
			t.Errorf("%s:\n%q, want\n%q", name, got, want)
		}
		if got := sheet(t, out, "first"); got != "n|Chat ID\n1|x" {
			t.Errorf("the other sheet is %q", got)
		}
	}
	var numbers []int
	r := reader(t, bytes.NewReader(in), o)
	if err := each(r, func(row rows.Row) error { numbers = append(numbers, row.Line); return nil }); err != nil || fmt.Sprint(numbers) != "[3 5 6 8 9]" || r.Skipped != 1 {
		t.Errorf("rows %v, %d skipped, %v", numbers, r.Skipped, err)
	}
}

func TestWorkbookRefusals(t *testing.T) {
	good := workbook(t, "a", [][]any{{"chat_id"}, {"x"}}, "b", [][]any{{"n"}, {"x"}})
	tests := []struct {
		name string
		in   []byte
		o    rows.Options
		part rows.Part
		want string
	}{
		{"no such sheet", good, rows.Options{Sheet: "c"}, rows.PartSheet, `there is no sheet "c"; there are: a, b`},
		{"no column", good, rows.Options{Sheet: "B"}, rows.PartColumn, "line 1: which column holds the chat ids? there are: n"},
		{"cut", good[:len(good)/2], rows.Options{}, rows.PartNone, "it is no xlsx workbook, or a damaged one: zip: not a valid zip file"},
		{"a cell right of the header", workbook(t, "a", [][]any{{"chat_id"}, {"x", nil, "y"}}), rows.Options{}, rows.PartNone, "line 2: it has a cell in column 3, and the header ends with column 1"},
		{"an output as input", workbook(t, "a", [][]any{{"chat_id", "error"}}), rows.Options{}, rows.PartNone, "line 1: it has a column error already; rename or remove it"},
		{"twice the same", workbook(t, "a", [][]any{{"chat_id", "n", "chat_id"}}), rows.Options{}, rows.PartColumn, "line 1: there are two columns chat_id; name the one by its number, 1 or 3"},
		{"text", []byte("chat_id\na\n"), rows.Options{}, rows.PartNone, "it is no xlsx workbook, or a damaged one: zip: not a valid zip file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Format = rows.XLSX
			_, err := convert(t, tt.in, tt.o, whole)
			var wrong *rows.Error
			if !errors.As(err, &wrong) || wrong.Part != tt.part || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	if out, err := convert(t, workbook(t, "a", [][]any{}), rows.Options{Format: rows.XLSX}, whole); err != nil || out != nil {
		t.Errorf("an empty sheet: %v", err)
	}
}

// Tables and lines of text become new workbooks where one is asked for.
func TestNewWorkbooks(t *testing.T) {
	tests := []struct {
		format   rows.Format
		in, want string
	}{
		{rows.Lines, "a\n# x\n 007 \n", "chat_id|open_conversation_id|error_code|error\na|cida\n007|cid007"},
		{rows.CSV, "sep=;\nn;\u200bchat_id\n1.50;a\n\n\"x\r\ny\";b\n", "n|chat_id|open_conversation_id|error_code|error\n1.50|a|cida\nx\r\ny|b|cidb"},
		{rows.TSV, "chat_id\t备注\na\t_x000D_\n", "chat_id|备注|open_conversation_id|error_code|error\na|_x000D_|cida"},
	}
	for _, tt := range tests {
		out, err := convert(t, []byte(tt.in), rows.Options{Format: tt.format, Output: rows.XLSX}, whole)
		if err != nil {
			t.Fatal(err)
		}
		if got := sheet(t, out, "Sheet1"); got != tt.want && got != strings.ReplaceAll(tt.want, "\r", "") {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	_, err := convert(t, []byte("chat_id,n\na,"+strings.Repeat("群", 32768)+"\n"), rows.Options{Format: rows.CSV, Output: rows.XLSX}, whole)
	if err == nil || err.Error() != "line 2: a cell of a workbook holds 32767 characters, and column 2 has more; write CSV" {
		t.Error(err)
	}
}

func TestOutputFor(t *testing.T) {
	tests := []struct {
		format rows.Format
		name   string
		want   rows.Format
		err    string
	}{
		{rows.Lines, "out", rows.CSV, ""},
		{rows.Lines, "out.TSV", rows.TSV, ""},
		{rows.Lines, "out.xlsx", rows.XLSX, ""},
		{rows.Lines, "out.txt", "", "out.txt cannot be written: rows of plain lines can become .csv, .tsv, .xlsx, .jsonl"},
		{rows.CSV, "a.b/out.csv.1", rows.CSV, ""},
		{rows.CSV, "out.txt", rows.CSV, ""},
		{rows.TSV, "out.csv", rows.CSV, ""},
		{rows.TSV, "out.json", "", "out.json cannot be written: rows of TSV can become .tsv, .csv, .xlsx, .jsonl"},
		{rows.XLSX, "out.csv", rows.CSV, ""},
		{rows.XLSX, "out.xlsm", "", "out.xlsm cannot be written: a workbook with macros is named .xlsm, and one without .xlsx"},
		{rows.CSV, "out.xlsm", "", "out.xlsm cannot be written: a workbook with macros is named .xlsm, and one without .xlsx"},
		{rows.CSV, "out.xls", "", "out.xls is an old Excel workbook, which is not read; save it as .xlsx, or as CSV"},
		{rows.JSONArray, "out.json", rows.JSONArray, ""},
		{rows.JSONLines, "out.json", "", "out.json cannot be written: rows of JSON Lines can become .jsonl"},
	}
	for _, tt := range tests {
		got, err := tt.format.OutputFor(tt.name, "")
		if got != tt.want || tt.err == "" && err != nil || tt.err != "" && (err == nil || err.Error() != tt.err) {
			t.Errorf("%s as %s: %q %v, want %q %s", tt.format, tt.name, got, err, tt.want, tt.err)
		}
	}
}
