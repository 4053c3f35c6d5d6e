package rows_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// write reads all rows and writes them back with results made from their ids.
func write(t *testing.T, r io.Reader, format rows.Format, name string) (string, error) {
	t.Helper()
	in, err := rows.NewReader(r, format, name)
	if err != nil {
		return "", err
	}
	out := string(in.Header())
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		result := rows.Result{OpenConversationID: "cid" + row.ChatID}
		if row.Problem != "" {
			result = rows.Result{Code: "bad", Error: row.Problem}
		}
		start := string(row.Start)
		record := in.Finish(row.Start, result)
		back, ok := in.Parse([]byte(strings.TrimRight(string(record), "\r\n")), []byte(start))
		if !ok || back != result {
			t.Errorf("%q reads back %+v, %t", record, back, ok)
		}
		out += string(record)
	}
}

func TestFormats(t *testing.T) {
	const head = "chat_id,open_conversation_id,error_code,error\n"
	long := strings.Repeat("x", rows.MaxRecord+1)
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
		{"lines with a byte order mark", rows.Lines, "", "\uFEFFa\n", head + "a,cida,,\n"},
		{"blanks and comments", rows.Lines, "", " a \n\n \t\n# x\n  #y\nc#d\n", head + "a,cida,,\nc#d,cidc#d,,\n"},
		{"cells of their own", rows.Lines, "", "a,b\n\"q\"\n=1+1\n", head + "\"a,b\",\"cida,b\",,\n\"\"\"q\"\"\",\"cid\"\"q\"\"\",,\n'=1+1,cid=1+1,,\n"},
		{"long line", rows.Lines, "", "a\n" + long + "\nb\n", head + "a,cida,,\n,,bad,line 2 is longer than 1 MiB\nb,cidb,,\n"},
		{"empty", rows.Lines, "", "", head},

		{"CSV", rows.CSV, "", "n,chat_id,m\n1,a,2\n3,b,4\n", "n,chat_id,m,open_conversation_id,error_code,error\n1,a,2,cida,,\n3,b,4,cidb,,\n"},
		{"CSV with CRLF and a byte order mark", rows.CSV, "", "\uFEFFchatId,x\r\na,1\r\n", "\uFEFFchatId,x,open_conversation_id,error_code,error\r\na,1,cida,,\r\n"},
		{"CSV column", rows.CSV, "group", "chat_id,group\na,b\n", "chat_id,group,open_conversation_id,error_code,error\na,b,cidb,,\n"},
		{"CSV quotes stay", rows.CSV, "", "\"chat_id\",n\n\"a\",\"x \"\"y\"\",\r\nz\"\n b ,=cmd()\n", "\"chat_id\",n,open_conversation_id,error_code,error\n\"a\",\"x \"\"y\"\",\r\nz\",cida,,\n b ,=cmd(),cidb,,\n"},
		{"CSV blank lines", rows.CSV, "", "\nchat_id\n\na\n  \nb", "chat_id,open_conversation_id,error_code,error\na,cida,,\nb,cidb,,\n"},
		{"CSV long row", rows.CSV, "", "chat_id,n\na," + long + "\nb,1\n", "chat_id,n,open_conversation_id,error_code,error\n,,,bad,line 2 is longer than 1 MiB\nb,1,cidb,,\n"},
		{"TSV", rows.TSV, "", "n\tchatid\n1,5\ta\n", "n\tchatid\topen_conversation_id\terror_code\terror\n1,5\ta\tcida\t\t\n"},

		{"JSON Lines", rows.JSONLines, "", "{\"n\": 1.50, \"chatId\":\"a\" }\n\n{\"chatId\":\"b\"}", "{\"n\": 1.50, \"chatId\":\"a\",\"openConversationId\":\"cida\",\"errorCode\":\"\",\"error\":\"\"}\n{\"chatId\":\"b\",\"openConversationId\":\"cidb\",\"errorCode\":\"\",\"error\":\"\"}\n"},
		{"JSON field", rows.JSONLines, "g", "{\"g\":\"\\u0061\"}\r\n{}\n{\"g\":7}\n{\"g\":null}\n", "{\"g\":\"\\u0061\",\"openConversationId\":\"cida\",\"errorCode\":\"\",\"error\":\"\"}\n{\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"there is no field g\"}\n{\"g\":7,\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"the field g is no string\"}\n{\"g\":null,\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"the field g is no string\"}\n"},
		{"JSON long line", rows.JSONLines, "g", "{\"g\":\"" + long + "\"}\n", "{\"openConversationId\":\"\",\"errorCode\":\"bad\",\"error\":\"line 1 is longer than 1 MiB\"}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := write(t, strings.NewReader(tt.in), tt.format, tt.column)
			if err != nil || got != tt.want {
				t.Errorf("%v\n%.300q\nwant\n%.300q", err, got, tt.want)
			}
			if len(tt.in) < 1000 {
				if bytewise, err := write(t, iotest.OneByteReader(strings.NewReader(tt.in)), tt.format, tt.column); err != nil || bytewise != got {
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
		{"UTF-16", rows.Lines, "", "\xff\xfea\x00", "it is UTF-16; save it as UTF-8"},
		{"UTF-16, big end first", rows.CSV, "", "\xfe\xff\x00a", "it is UTF-16; save it as UTF-8"},
		{"NUL", rows.Lines, "", "a\nb\x00\n", "line 2: it holds a NUL byte, so this is no plain text; if it is UTF-16, save it as UTF-8"},
		{"Latin-1", rows.CSV, "", "chat_id,n\na,1\nb,\xe9\n", "line 3: it is not UTF-8; save it as UTF-8"},
		{"no column", rows.CSV, "", "a,b\nx,y\n", "line 1: which column holds the chat ids? name it with --column; there are: a, b"},
		{"two columns", rows.CSV, "", "chatId,chat_id\n", "line 1: both chatId and chat_id may hold the chat ids; name one with --column"},
		{"another column", rows.CSV, "z", "\n\na,b\n", "line 3: there is no column \"z\"; there are: a, b"},
		{"the same column twice", rows.CSV, "a", "a,a\n", "line 1: there are two columns \"a\""},
		{"an output as input", rows.CSV, "", "chat_id,error\n", "line 1: it has a column error already; rename or remove it"},
		{"long header", rows.CSV, "", strings.Repeat("x", rows.MaxRecord+1) + "\n", "line 1: the header is longer than 1 MiB"},
		{"CR alone", rows.CSV, "", "n,chat_id\ra,b\r", "line 1: its lines end in CR alone; save it with LF or CRLF"},
		{"short row", rows.CSV, "", "chat_id,n\na,1\n\"b\nc\"\n", "line 3: it has 1 columns, and the header has 2"},
		{"wide row", rows.TSV, "", "chat_id\tn\na\t1\t2\n", "line 2: it has 3 columns, and the header has 2"},
		{"bare quote", rows.CSV, "", "chat_id,n\na,x\"y\n", "line 2: column 4: bare \" in non-quoted-field"},
		{"open quote", rows.CSV, "", "chat_id,n\na,1\nb,\"x\nc,2\n", "line 3: a quote that is opened here is never closed"},
		{"open quote in a large file", rows.CSV, "", "chat_id,n\nb,\"x\n" + strings.Repeat("c,2\n", rows.MaxRecord), "line 2: a quote that is opened here is never closed"},
		{"no JSON", rows.JSONLines, "g", "{\"g\":\"a\"}\n{\n", "line 2: it is no JSON object: unexpected end of JSON input"},
		{"JSON array", rows.JSONLines, "", "[]\n", "line 1: it is no JSON object: json: cannot unmarshal array into Go value of type map[string]json.RawMessage"},
		{"JSON null", rows.JSONLines, "g", "null\n", "line 1: it is no JSON object: it is null"},
		{"no field", rows.JSONLines, "", "{\"b\":1,\"a\":2}\n", "line 1: which field holds the chat ids? name it with --field; there are: a, b"},
		{"a result already", rows.JSONLines, "", "{\"chatId\":\"a\",\"error\":\"\"}\n", "line 1: it has a field error already; rename or remove it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := write(t, strings.NewReader(tt.in), tt.format, tt.column)
			var wrong *rows.Error
			if !errors.As(err, &wrong) || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestReadErrorNamesTheLine(t *testing.T) {
	broken := errors.New("input/output error")
	_, err := write(t, io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken)), rows.Lines, "")
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
	in, err := rows.NewReader(endless, rows.Lines, "")
	if err != nil {
		t.Fatal(err)
	}
	if row, err := in.Read(); err != nil || row.Problem != "line 1 is longer than 1 MiB" {
		t.Error(row.Problem, err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16*rows.MaxRecord {
		t.Errorf("%d bytes were allocated", allocated)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]rows.Format{"a.txt": rows.Lines, "a.CSV": rows.CSV, "x/a.tsv": rows.TSV, "a.jsonl": rows.JSONLines, "a.ndjson": rows.JSONLines, "a": "", "a.xlsx": ""} {
		if got, known := rows.FormatOf(name); got != want || known != (want != "") {
			t.Errorf("%s: %q, %t", name, got, known)
		}
	}
}

// Cells that are appended are no formulas, and read back as they were written.
func TestFormulas(t *testing.T) {
	in, err := rows.NewReader(strings.NewReader("chat_id\nx\n"), rows.CSV, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{"=1", "+1", "-1", "@x", "\tx", "\rx"} {
		record := string(in.Finish([]byte("x,"), rows.Result{OpenConversationID: "cid", Error: cell}))
		if !strings.Contains(record, "'"+cell) {
			t.Errorf("%q", record)
		}
		again, ok := in.Parse([]byte(strings.TrimSuffix(record, "\n")), []byte("x,"))
		if !ok || string(in.Finish([]byte("x,"), again)) != record {
			t.Errorf("%q reads back %+v", record, again)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add("chat_id,n\n\"a\nb\",1\n")
	f.Add("{\"chatId\":\"a\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range rows.Formats {
			out, err := write(t, strings.NewReader(text), format, "")
			if err != nil {
				continue
			}
			records := rows.NewRecords(strings.NewReader(out), format.Output(), 4*rows.MaxRecord)
			for {
				rec, err := records.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil || !rec.Complete || rec.Open {
					t.Fatal(fmt.Sprintf("%s: %q gives %q, whose record %q is not whole", format, text, out, rec.Raw), err)
				}
			}
		}
	})
}
