package rows_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// result is what becomes of a row in these tests.
func result(row rows.Row) rows.Result {
	if !row.Problem.Empty() {
		return rows.Result{Code: "bad", Error: row.Problem.String()}
	}
	return rows.Result{OpenConversationID: "cid" + row.ChatID}
}

// reader opens an input whose options are settled.
func reader(t *testing.T, in io.Reader, o rows.Options) *rows.Reader {
	t.Helper()
	r, err := rows.NewReader(in, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// each reads all rows.
func each(r *rows.Reader, do func(row rows.Row) error) error {
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return err
		}
	}
}

// convert writes all rows back with results made from their ids, and reads what it wrote. through is how the input is
// read row by row.
func convert(t *testing.T, in []byte, o rows.Options, through func(io.Reader) io.Reader) ([]byte, error) {
	t.Helper()
	r, err := rows.NewReader(through(bytes.NewReader(in)), o)
	if errors.Is(err, io.EOF) {
		if row, err := r.Read(); !errors.Is(err, io.EOF) || len(r.Header()) > 3 {
			t.Errorf("an empty input has a row %+v or a header %q", row, r.Header())
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	var out bytes.Buffer
	if err := reader(t, bytes.NewReader(in), o).Assemble(&out, func(row rows.Row) (rows.Result, error) { return result(row), nil }); err != nil {
		return out.Bytes(), err
	}
	streamed := r.Header()
	err = each(r, func(row rows.Row) error {
		if r.Output() != rows.XLSX {
			streamed = append(streamed, r.Finish(row.Start, result(row))...)
		}
		return nil
	})
	if err != nil {
		return streamed, err
	}
	if !r.Output().Whole() && !bytes.Equal(streamed, out.Bytes()) {
		t.Errorf("row by row it is\n%q\nnot\n%q", streamed, out.Bytes())
	}
	again(t, r, in, o, out.Bytes())
	return out.Bytes(), nil
}

// again converts an output: all results are known, and it stays as it is.
func again(t *testing.T, r *rows.Reader, in []byte, o rows.Options, out []byte) {
	t.Helper()
	next := rows.Options{Format: r.Output(), Encoding: o.Encoding, Delimiter: o.Delimiter, Sheet: o.Sheet, ID: o.ID}
	if o.OutputEncoding != "" {
		next.Encoding = o.OutputEncoding
	}
	if r.Found().Column > 0 {
		next.ID = fmt.Sprint(r.Found().Column)
	}
	if r.Output() == rows.XLSX && o.Format != rows.XLSX {
		next.Sheet = ""
	}
	var ids []string
	_ = each(reader(t, bytes.NewReader(in), o), func(row rows.Row) error { ids = append(ids, row.ChatID); return nil })
	if len(ids) == 0 {
		return
	}
	got, err := known(t, out, next)
	var wrong *rows.Error
	if errors.As(err, &wrong) && wrong.Part == rows.PartField { // no row had the field
		return
	}
	if err != nil {
		t.Errorf("the output is no input: %v\n%.300q", err, out)
		return
	}
	if len(got) != len(ids) {
		t.Errorf("%d rows became %d", len(ids), len(got))
	}
	var same bytes.Buffer
	err = reader(t, bytes.NewReader(out), next).Assemble(&same, func(row rows.Row) (rows.Result, error) { return row.Known, nil })
	if err != nil || r.Output() != rows.XLSX && !bytes.Equal(same.Bytes(), out) {
		t.Errorf("again it becomes\n%.300q\nnot\n%.300q, %v", same.Bytes(), out, err)
	}
}

// known reads the results that an input has.
func known(t *testing.T, in []byte, o rows.Options) (results []rows.Result, err error) {
	t.Helper()
	r, err := rows.NewReader(bytes.NewReader(in), o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return results, each(r, func(row rows.Row) error { results = append(results, row.Known); return nil })
}

func whole(r io.Reader) io.Reader { return struct{ io.Reader }{r} }

func TestFormats(t *testing.T) {
	const head = "chat_id,open_conversation_id,error_code,error\n"
	tests := []struct {
		name   string
		format rows.Format
		column string
		in     string
		want   string
	}{
		{"lines", rows.Lines, "", "a\nb\n", head + "a,cida,,\nb,cidb,,\n"},
		{"lines without a last end", rows.Lines, "", "a\nb", head + "a,cida,,\nb,cidb,,\n"},
		{"lines with CRLF", rows.Lines, "", "a\r\nb\r\n", head + "a,cida,,\nb,cidb,,\n"},
		{"lines with a byte order mark", rows.Lines, "", "\uFEFFa\n", "\uFEFF" + head + "a,cida,,\n"},
		{"blanks and comments", rows.Lines, "", " a \n\n \t\n# x\n  #y\nc#d\n", head + "a,cida,,\nc#d,cidc#d,,\n"},
		{"cells of their own", rows.Lines, "", "a,b\n\"q\"\n=1+1\n", head + "\"a,b\",\"cida,b\",,\n\"\"\"q\"\"\",\"cid\"\"q\"\"\",,\n'=1+1,cid=1+1,,\n"},
		{"empty", rows.Lines, "", "", head},

		{"CSV", rows.CSV, "", "n,chat_id,m\n1,a,2\n3,b,4\n", "n,chat_id,m,open_conversation_id,error_code,error\n1,a,2,cida,,\n3,b,4,cidb,,\n"},
		{"CSV with CRLF and a byte order mark", rows.CSV, "", "\uFEFFchatId,x\r\na,1\r\n", "\uFEFFchatId,x,open_conversation_id,error_code,error\r\na,1,cida,,\r\n"},
		{"CSV column", rows.CSV, "group", "chat_id,group\na,b\n", "chat_id,group,open_conversation_id,error_code,error\na,b,cidb,,\n"},
		{"CSV quotes stay", rows.CSV, "", "\"chat_id\",n\n\"a\",\"x \"\"y\"\",\r\nz\"\n b ,=cmd()\n", "\"chat_id\",n,open_conversation_id,error_code,error\n\"a\",\"x \"\"y\"\",\r\nz\",cida,,\n b ,=cmd(),cidb,,\n"},
		{"CSV blank lines", rows.CSV, "", "\nchat_id\n\na\n  \nb", "chat_id,open_conversation_id,error_code,error\na,cida,,\nb,cidb,,\n"},
		{"TSV", rows.TSV, "", "n\tchatid\n1,5\ta\n", "n\tchatid\topen_conversation_id\terror_code\terror\n1,5\ta\tcida\t\t\n"},

		{"JSON Lines", rows.JSONLines, "", "{\"n\": 1.50, \"chatId\":\"a\" }\n\n{\"chatId\":\"b\"}", "{\"n\": 1.50, \"chatId\":\"a\",\"openConversationId\":\"cida\",\"errorCode\":\"\",\"error\":\"\"}\n{\"chatId\":\"b\",\"openConversationId\":\"cidb\",\"errorCode\":\"\",\"error\":\"\"}\n"},
		{"JSON field", rows.JSONLines, "g", "{\"g\":\"\\u0061\"}\r\n{}\n{\"g\":7}\n{\"g\":null}\n", "{\"g\":\"\\u0061\",\"openConversationId\":\"cida\",\"errorCode\":\"\",\"error\":\"\"}\n{\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"there is no field g\"}\n{\"g\":7,\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"the field g is no string\"}\n{\"g\":null,\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"the field g is no string\"}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := rows.Options{Format: tt.format, ID: tt.column}
			got, err := convert(t, []byte(tt.in), o, whole)
			if err != nil || string(got) != tt.want {
				t.Errorf("%v\n%.300q\nwant\n%.300q", err, got, tt.want)
			}
			if len(tt.in) < 1000 {
				if bytewise, err := convert(t, []byte(tt.in), o, iotest.OneByteReader); err != nil || string(bytewise) != string(got) {
					t.Errorf("byte by byte: %v\n%q", err, bytewise)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		format rows.Format
		column string
		in     string
		want   string
	}{
		{"NUL", rows.Lines, "", "a\nb\x00\n", "line 2: it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding"},
		{"Latin-1", rows.CSV, "", "chat_id,n\na,1\nb,\xe9\n", "line 3: the byte 0xE9 at offset 16 of the file is not UTF-8; save it as UTF-8, or name its encoding"},
		{"no column", rows.CSV, "", "a,b\nx,y\n", "line 1: which column holds the chat ids? there are, separated by commas: a, b"},
		{"two columns", rows.CSV, "", "chatId,chat_id\n", "line 1: both chatId and chat_id may hold the chat ids; name one"},
		{"another column", rows.CSV, "z", "\n\na,b\n", "line 3: there is no column \"z\"; there are, separated by commas: a, b"},
		{"the same column twice", rows.CSV, "a", "a,a\n", "line 1: there are 2 columns \"a\"; name the one by its number, such as 1"},
		{"an output as input", rows.CSV, "", "chat_id,error\n", "line 1: it has a column error already; rename or remove it"},
		{"long header", rows.CSV, "", strings.Repeat("x", rows.MaxRecord+1) + "\n", "line 1: it is longer than 1 MiB"},
		{"CR alone", rows.CSV, "", "n,chat_id\ra,b\r", "line 1: its lines end in CR alone; save it with LF or CRLF"},
		{"short row", rows.CSV, "", "chat_id,n\na,1\n\"b\nc\"\n", "line 3: it has 1 column, and the header has 2, separated by commas"},
		{"wide row", rows.TSV, "", "chat_id\tn\na\t1\t2\n", "line 2: it has 3 columns, and the header has 2, separated by tabs"},
		{"bare quote", rows.CSV, "", "chat_id,n\na,x\"y\n", "line 2: at byte 4: a quote stands within a cell that does not begin with one; write the cell in quotes, and its own quotes doubled"},
		{"open quote", rows.CSV, "", "chat_id,n\na,1\nb,\"x\nc,2\n", "line 3: a quote that is opened here is never closed"},
		{"open quote in a large file", rows.CSV, "", "chat_id,n\nb,\"x\n" + strings.Repeat("c,2\n", rows.MaxRecord), "line 2: a quote is opened here, and not closed within 1 MiB"},
		{"long line", rows.Lines, "", "a\n" + strings.Repeat("x", rows.MaxRecord+1) + "\nb\n", "line 2: it is longer than 1 MiB"},
		{"long row", rows.CSV, "", "chat_id,n\na," + strings.Repeat("x", rows.MaxRecord) + "\n", "line 2: it is longer than 1 MiB"},
		{"long object", rows.JSONLines, "g", "{\"g\":\"" + strings.Repeat("x", rows.MaxRecord) + "\"}\n", "line 1: it is longer than 1 MiB"},
		{"long element", rows.JSONArray, "g", "[{\"g\":\"" + strings.Repeat("x", rows.MaxRecord) + "\"}]\n", "line 1: it is longer than 1 MiB"},
		{"no JSON", rows.JSONLines, "g", "{\"g\":\"a\"}\n{\n", "line 2: it is no JSON object: it ends too early"},
		{"JSON array", rows.JSONLines, "", "[]\n", "line 1: it is no JSON object but an array"},
		{"JSON null", rows.JSONLines, "g", "null\n", "line 1: it is no JSON object but null"},
		{"no field", rows.JSONLines, "", "{\"b\":1,\"a\":2}\n", "line 1: which field holds the chat ids? there are: a, b"},
		{"a result already", rows.JSONLines, "", "{\"chatId\":\"a\",\"error\":\"\"}\n", "line 1: it has a field error already; rename or remove it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := convert(t, []byte(tt.in), rows.Options{Format: tt.format, ID: tt.column}, whole)
			var wrong *rows.Error
			if !errors.As(err, &wrong) || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestReadErrorNamesTheLine(t *testing.T) {
	broken := errors.New("input/output error")
	_, err := convert(t, nil, rows.Options{Format: rows.Lines}, func(io.Reader) io.Reader {
		return io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken))
	})
	if !errors.Is(err, broken) || err.Error() != "line 3: input/output error" {
		t.Error(err)
	}
}

// Whatever the input holds, memory is bounded by the longest record that is kept.
func TestEndlessLine(t *testing.T) {
	endless := io.LimitReader(readerFunc(func(p []byte) (int, error) {
		for i := range p {
			p[i] = 'x'
		}
		return len(p), nil
	}), 256<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in, err := rows.NewReader(endless, rows.Options{Format: rows.Lines})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Read(); err == nil || err.Error() != "line 1: it is longer than 1 MiB" {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16*rows.MaxRecord {
		t.Errorf("%d bytes were allocated", allocated)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]rows.Format{"a.txt": rows.Lines, "a.CSV": rows.CSV, "x/a.tsv": rows.TSV, "a.jsonl": rows.JSONLines, "a.ndjson": rows.JSONLines, "a": "", "a.xlsx": rows.XLSX, "a.json": rows.JSONArray, "a.xls": ""} {
		if got, known := rows.FormatOf(name); got != want || known != (want != "") {
			t.Errorf("%s: %q, %t", name, got, known)
		}
	}
}
