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
	if row.None {
		return rows.Result{}
	}
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

// convert writes all rows back with results made from their ids, and reads what it wrote. through is how the input is read row by row.
func convert(t *testing.T, in []byte, o rows.Options, through func(io.Reader) io.Reader) ([]byte, error) {
	t.Helper()
	if o.Format == rows.XLSX {
		through = func(r io.Reader) io.Reader { return r } // which is no stream
	}
	r, err := rows.NewReader(through(bytes.NewReader(in)), o)
	if errors.Is(err, io.EOF) {
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
		if r.Found().Output != rows.XLSX {
			streamed = append(streamed, r.Finish(row.Start, result(row))...)
		}
		return nil
	})
	if err != nil {
		return streamed, err
	}
	if !r.Found().Output.Whole() && !bytes.Equal(streamed, out.Bytes()) {
		t.Errorf("row by row it is\n%q\nnot\n%q", streamed, out.Bytes())
	}
	again(t, r, in, o, out.Bytes())
	return out.Bytes(), nil
}

// again converts an output: all results are known, and it stays as it is.
func again(t *testing.T, r *rows.Reader, in []byte, o rows.Options, out []byte) {
	t.Helper()
	next := rows.Options{Format: r.Found().Output, Encoding: o.Encoding, Delimiter: o.Delimiter, Sheet: o.Sheet, ID: o.ID}
	if o.OutputEncoding != "" {
		next.Encoding = o.OutputEncoding
	}
	if r.Found().Column > 0 {
		next.ID = fmt.Sprint(r.Found().Column)
	}
	if r.Found().Output == rows.XLSX && o.Format != rows.XLSX {
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
	if err != nil || r.Found().Output != rows.XLSX && !bytes.Equal(same.Bytes(), out) {
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

// detect finds out what a file is.
func detect(in []byte, name string, o rows.Options) (rows.Options, error) {
	o, _, err := rows.Detect(in[:min(len(in), 64<<10)], name, o)
	if err == nil && o.Encoding == "" && o.Format != rows.XLSX {
		o.Encoding, err = rows.DetectEncoding(bytes.NewReader(in))
	}
	return o, err
}

func whole(r io.Reader) io.Reader { return struct{ io.Reader }{r} }

// A file becomes its output, read whole and byte by byte; or it is refused, with the line: those begin with !.
func TestFormats(t *testing.T) {
	const (
		head = "chat_id,open_conversation_id,error_code,error\n"
		cols = ",open_conversation_id,error_code,error\n"
		good = `,"openConversationId":"cida","errorCode":"","error":""}`
		bad  = `"openConversationId":"","errorCode":"bad","error":`
		nul  = "it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding"
		save = "; save it as UTF-8, or name its encoding"
		long = "it is longer than 1 MiB"
		over = rows.MaxRecord + 1
	)
	semicolons := strings.ReplaceAll(cols, ",", ";")
	for _, tt := range []struct {
		format   rows.Format
		id       string
		in, want string
	}{
		// Lines
		{rows.Lines, "", "a\nb", head + "a,cida,,\nb,cidb,,\n"},
		{rows.Lines, "", "a\r\nb\r\n", head + "a,cida,,\nb,cidb,,\n"},
		{rows.Lines, "", "\uFEFFa\n", "\uFEFF" + head + "a,cida,,\n"},
		{rows.Lines, "", " a \n\n \t\n# x\n  #y\nc#d\n", head + "a,cida,,\nc#d,cidc#d,,\n"},
		{rows.Lines, "", "a,b\n\"q\"\n=1+1\n", head + "\"a,b\",\"cida,b\",,\n\"\"\"q\"\"\",\"cid\"\"q\"\"\",,\n'=1+1,cid=1+1,,\n"},
		{rows.Lines, "", "", head},

		// CSV and TSV
		{rows.CSV, "", "n,chat_id,m\n1,a,2\n3,b,4\n", "n,chat_id,m" + cols + "1,a,2,cida,,\n3,b,4,cidb,,\n"},
		{rows.CSV, "", "\uFEFFchatId,x\r\na,1\r\n", "\uFEFFchatId,x,open_conversation_id,error_code,error\r\na,1,cida,,\r\n"},
		{rows.CSV, "", "\"chat_id\",n\n\"a\",\"x \"\"y\"\",\r\nz\"\n b ,=cmd()\n", "\"chat_id\",n" + cols + "\"a\",\"x \"\"y\"\",\r\nz\",cida,,\n b ,=cmd(),cidb,,\n"},
		{rows.CSV, "", "\nchat_id\n\na\n  \nb", head + "a,cida,,\nb,cidb,,\n"},
		{rows.TSV, "", "n\tchatid\n1,5\ta\n", "n\tchatid\topen_conversation_id\terror_code\terror\n1,5\ta\tcida\t\t\n"},
		{rows.CSV, "", "n,chat_id\n1,=\"a\"\n2,\"=\"\"b\"\"\"\n=\"007\",c\n", "n,chat_id" + cols + "1,=\"a\",cida,,\n2,\"=\"\"b\"\"\",cidb,,\n=\"007\",c,cidc,,\n"},
		{rows.CSV, "", "\n\"n,\nm\";chat_id\n1,2;a\n", "\"n,\nm\";chat_id" + semicolons + "1,2;a;cida;;\n"},
		{rows.CSV, "", "sep=;\n\"n\nm\";chat_id\n1,2;a\n", "sep=;\n\"n\nm\";chat_id" + semicolons + "1,2;a;cida;;\n"},
		{rows.CSV, "", "n,chat_id\n1,=\"a\"b\"\n", "!line 2: at byte "},
		{rows.CSV, "", "chat_id,n\na,1\nb,\xe9\n", "!line 3: the byte 0xE9 at offset 16 of the file is not UTF-8" + save},
		{rows.CSV, "", "chat_id\na\nb\x00c\n", "!line 3: " + nul},
		{rows.CSV, "", "chat_id,n\na," + strings.Repeat("x", over) + "\n", "!line 2: " + long},
		{rows.CSV, "", "n,chat_id\ra,b\r", "!line 1: its lines end in CR alone; save it with LF or CRLF"},
		{rows.CSV, "", "chat_id,n\na,1\n\"b\nc\"\n", "!line 3: it has 1 column, and the header has 2, separated by commas"},
		{rows.TSV, "", "chat_id\tn\na\t1\t2\n", "!line 2: it has 3 columns, and the header has 2, separated by tabs"},
		{rows.CSV, "", "n;chat_id\n1,a\n", "!line 2: it has 1 column, and the header has 2, separated by semicolons"},
		{rows.CSV, "", "chat_id,n\na,x\"y\n", "!line 2: at byte 4: a quote stands within a cell that does not begin with one; write the cell in quotes, and its own quotes doubled"},
		{rows.CSV, "", "chat_id,n\na,1\nb,\"x\nc,2\n", "!line 3: a quote that is opened here is never closed"},
		{rows.CSV, "", "chat_id,n\nb,\"x\n" + strings.Repeat("c,2\n", over), "!line 2: a quote is opened here, and not closed within 1 MiB"},

		// Separators are found by the header, and kept.
		{rows.CSV, "", "n,x;chat_id\n1,2;a\n", "n,x;chat_id" + semicolons + "1,2;a;cida;;\n"},
		{rows.CSV, "", "n\tchat_id\n1\ta\n", "n\tchat_id\topen_conversation_id\terror_code\terror\n1\ta\tcida\t\t\n"},
		{rows.CSV, "", "\n \nn;chat_id\n1;a\n", "n;chat_id" + semicolons + "1;a;cida;;\n"},
		{rows.CSV, "group,x", "n;group,x\n1;a\n", "n;group,x" + semicolons + "1;a;cida;;\n"},
		{rows.CSV, "2", "2;1\na;b\n", "2;1" + semicolons + "a;b;cida;;\n"},
		{rows.CSV, "", "sep=;\r\nn;chat_id\r\n1;a\r\n", "sep=;\r\nn;chat_id;open_conversation_id;error_code;error\r\n1;a;cida;;\r\n"},
		{rows.CSV, "", "sep=^\nn^chat_id\n1^a\n", "sep=^\nn^chat_id^open_conversation_id^error_code^error\n1^a^cida^^\n"},
		{rows.CSV, "", "\"sep=,\"\nn,chat_id\n1,a\n", "\"sep=,\"\nn,chat_id" + cols + "1,a,cida,,\n"},
		{rows.CSV, "", "chat_id n\na 1\n", "!line 1: which column holds the chat ids? there is one column, as no separator was found: chat_id n"},

		// Header cells are compared as people see them.
		{rows.CSV, "", "n,\u200b CHAT_id\u00a0,m\n1,a,\n", "n,\u200b CHAT_id\u00a0,m" + cols + "1,a,,cida,,\n"},
		{rows.CSV, " group id", "n,Group ID\u200e\n1,a\n", "n,Group ID\u200e" + cols + "1,a,cida,,\n"},
		{rows.CSV, "chatId", "chatid,chatId\n1,a\n", "chatid,chatId" + cols + "1,a,cida,,\n"},
		{rows.CSV, "3", "n,chat_id,chat_id\n1,b,a\n", "n,chat_id,chat_id" + cols + "1,b,a,cida,,\n"},
		{rows.CSV, "2", ",n,\n,a,\n", ",n," + cols + ",a,,cida,,\n"},
		{rows.CSV, "", "chat_id,Error\na,\n", "chat_id,Error" + cols + "a,,cida,,\n"},
		{rows.CSV, "CHATID", "chatid,chatId\n", "!line 1: there are 2 columns \"CHATID\"; name the one by its number, such as 1"},
		{rows.CSV, "", "n,chat_id,chat_id\n", "!line 1: there are two columns chat_id; name the one by its number, 2 or 3"},
		{rows.CSV, "", "chatId,chat_id\n", "!line 1: both chatId and chat_id may hold the chat ids; name one"},
		{rows.CSV, "3", "n,chat_id\n", "!line 1: there is no column number 3; there are, separated by commas: n, chat_id"},
		{rows.CSV, "x", ",n,\n", "!line 1: there is no column \"x\"; there are, separated by commas: \"\", n, \"\""},
		{rows.CSV, "z", "\n\na,b\n", "!line 3: there is no column \"z\"; there are, separated by commas: a, b"},
		{rows.CSV, "", "a,b\nx,y\n", "!line 1: which column holds the chat ids? there are, separated by commas: a, b"},
		{rows.CSV, "", "chat_id,\u200berror \n", "!line 1: it has a column error already; rename or remove it"},

		// Objects
		{rows.JSONLines, "", "{\"n\": 1.50, \"chatId\":\"a\" }\n\n{\"chatId\":\"a\"}", `{"n": 1.50, "chatId":"a"` + good + "\n" + `{"chatId":"a"` + good + "\n"},
		{rows.JSONLines, "g", "{\"g\":\"\\u0061\"}\r\n{}\n{\"g\":7}\n", `{"g":"\u0061"` + good + "\n{" + bad + "\"there is no field g\"}\n" + `{"g":7,` + bad + "\"the field g is no string\"}\n"},
		{rows.JSONLines, "a.b", `{"a":{"b":"a","b.c":"y"},"a.d":"z"}` + "\n", `{"a":{"b":"a","b.c":"y"},"a.d":"z"` + good + "\n"},
		{rows.JSONLines, "a.b.c", `{"a":{"b":"x","b.c":"a"}}` + "\n" + `{"a":{"b":{"c":"a"}}}` + "\n", `{"a":{"b":"x","b.c":"a"}` + good + "\n" + `{"a":{"b":{"c":"a"}}` + good + "\n"},
		{rows.JSONLines, "g", "{\"g\":\"a\"}\n{\n", "!line 2: it is no JSON object: it goes wrong at byte 1"},
		{rows.JSONLines, "", "[]\n", "!line 1: it is no JSON object but another value"},
		{rows.JSONLines, "", "{\"b\":1,\"a\":2}\n", "!line 1: which field holds the chat ids? there are: a, b"},
		{rows.JSONLines, "", "{\"chatId\":\"a\",\"error\":\"\"}\n", "!line 1: it has a field error already; rename or remove it"},
		{rows.JSONLines, "c.d", "{\"a\":1,\"b\":2}\n{}\n", "!no row has a field c.d; the first row has: a, b"},
		{rows.JSONArray, "c.d", "[{\"a\":1,\"b\":2},{}]", "!no row has a field c.d; the first row has: a, b"},
		{rows.JSONArray, "", " [ ] \n", ""},
		{rows.JSONArray, "", `[{"chatId":"a"},{"chatId":"a","n":[{"x":"]}"}]}]`, "[\n" + `{"chatId":"a"` + good + ",\n" + `{"chatId":"a","n":[{"x":"]}"}]` + good + "\n]\n"},
		{rows.JSONArray, "", "[\r\n  {\r\n    \"chatId\": \"a\",\r\n    \"n\": 1.50\r\n  },\r\n  {}\r\n]\r\n", "[\n{\r\n    \"chatId\": \"a\",\r\n    \"n\": 1.50" + good + ",\n{" + bad + "\"there is no field chatId\"}\n]\n"},
		{rows.JSONArray, "", `[{"chatId":"\u0061","n":"\\\"]}"}]`, "[\n" + `{"chatId":"\u0061","n":"\\\"]}"` + good + "\n]\n"},
		{rows.JSONArray, "g", "[{\"g\":\"" + strings.Repeat("x", over) + "\"}]\n", "!line 1: " + long},
		{rows.JSONArray, "", "[{\"chatId\":\"a\"},\n", "!line 2: the file ends within its JSON array"},
		{rows.JSONArray, "", "{\"chatId\":\"a\"}\n", "!line 1: it is no JSON array but an object; if it holds one object a line, it is JSON Lines"},
		{rows.JSONArray, "", "[\n1]", "!line 2: element 1 of its JSON array is no object"},
		{rows.JSONArray, "", "[{\"chatId\":\"a\"}\n{}]", "!line 2: this is no JSON array of objects: unexpected '{'"},
		{rows.JSONArray, "", "[{\"chatId\":\"a\"},\n{\"x\" 1}]", "!line 2: it is no JSON object: it goes wrong at byte 6"},
	} {
		o := rows.Options{Format: tt.format, ID: tt.id}
		got, err := convert(t, []byte(tt.in), o, whole)
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			var wrong *rows.Error
			if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s %.60q: %v, want %s", tt.format, tt.in, err, want)
			}
			continue
		}
		if err != nil || string(got) != tt.want {
			t.Errorf("%s %q: %v\n%.300q\nwant\n%.300q", tt.format, tt.in, err, got, tt.want)
		}
		if bytewise, err := convert(t, []byte(tt.in), o, iotest.OneByteReader); err != nil || string(bytewise) != string(got) {
			t.Errorf("%s %q, byte by byte: %v\n%q", tt.format, tt.in, err, bytewise)
		}
	}
	if out, err := convert(t, []byte("n,m;chat_id\n1,2;a\n"), rows.Options{Format: rows.CSV, Delimiter: ';'}, whole); err != nil || !strings.HasSuffix(string(out), "1,2;a;cida;;\n") {
		t.Errorf("%q %v", out, err)
	}
}

// Cells that are appended are no formulas, and read back as they were written; what an encoding lacks is its code point.
func TestFormulas(t *testing.T) {
	r := reader(t, strings.NewReader("chat_id\nx\n"), rows.Options{Format: rows.CSV, Encoding: rows.GBK})
	for cell, want := range map[string]string{"=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "x😀": `x\u{1F600}`} {
		record := r.Finish([]byte("x,"), rows.Result{OpenConversationID: "cid", Error: cell})
		if !strings.Contains(string(record), want) {
			t.Errorf("%q", record)
		}
		back, err := known(t, append(r.Header(), record...), rows.Options{Format: rows.CSV, Encoding: rows.GBK})
		if err != nil || !bytes.Equal(r.Finish([]byte("x,"), back[0]), record) {
			t.Errorf("%q reads back %+v, %v", record, back, err)
		}
	}
}

// A spreadsheet that saves an output again may change all of this, and no cell. Synthetic: the shapes that Excel writes. Objects
// keep the results that are their last fields, and those alone.
func TestResultsAreReadBack(t *testing.T) {
	const head = "chat_id,note,open_conversation_id,error_code,error"
	cida := rows.Result{OpenConversationID: "cida"}
	for in, want := range map[string]rows.Result{
		head + "\na,\"x \"\"y\"\",\nz\",cida,,\nb,,cidb,,\n":                                cida,
		"\ufeff" + head + "\r\na,\"x \"\"y\"\",\r\nz\",cida,,\r\n":                          cida,
		"\"" + strings.ReplaceAll(head, ",", `","`) + "\"\n\"a\",\"\",\"cida\",\"\",\"\"\n": cida,
		strings.ReplaceAll(head, ",", ";") + "\na;\"x,\nz\";cida;;\n":                       cida,
		"sep=;\n" + strings.ReplaceAll(head, ",", ";") + "\na;;cida;;\n":                    cida,
		head + ",,\na,,cida,,,,\n":                                                          cida,
		head + "\na,,cida\nb,,cidb":                                                         cida,
		head + "\na,,cida,,\n,,,,\n\n":                                                      cida,
		strings.ToUpper(head) + "\na,,cida,,\n":                                             cida,
		"chat_id,note,open_conversation_id\na,x,cida\n":                                     cida,
		"chat_id,chat_name\na,x\n":                                                          {},
		`{"chatId":"a","openConversationId":"cida","errorCode":"","error":""}`:              cida,
		`{"chatId":"a" , "openConversationId" : "cida" }`:                                   cida,
		`[{"chatName":"mine","chatId":"a","openConversationId":"cida"}]`:                    cida,
		`{"chatId":"a","x":{"openConversationId":"cida"}}`:                                  {},
		`[{"chatId":"a","openConversationId":7}]`:                                           {},
		`{"chatId":"a","openConversationId":"cida","errorCode":"","error":"","chatName":"n","chatOwner":"o","chatStatus":"normal"}`: {OpenConversationID: "cida", Name: "n", Owner: "o", Status: "normal"},
	} {
		format := map[byte]rows.Format{'{': rows.JSONLines, '[': rows.JSONArray}[in[0]]
		if format == "" {
			format = rows.CSV
		}
		if got, err := known(t, []byte(in), rows.Options{Format: format}); err != nil || got[0] != want {
			t.Errorf("%s: %+v %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"chat_id,open_conversation_id,note\na,cida,x\n":                    "line 1: it has a column open_conversation_id already; rename or remove it",
		"chat_name,chat_id,open_conversation_id,chat_status\nx,a,cida,x\n": "line 1: it has a column chat_name already; rename or remove it",
	} {
		if _, err := known(t, []byte(in), rows.Options{Format: rows.CSV}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", in, err)
		}
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
	endless := strings.NewReader(strings.Repeat("x", 64<<20))
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

// Whatever a file holds, it is read or refused, in every format and encoding, whole or in pieces; and what was written of
// it is read back.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"chat_id,n\n\"a\nb\",1\n", "n;chat_id\n1;=\"a\"\n", "sep=|\r\nn|chat_id\r\n\"x\"\"\"|a\r\n", "\ufeffchat_id\na",
		"{\"chatId\":\"a\"}\n", "[{\"chatId\":\"a\"},\n{\"n\":[1]}]", "a\n#b\n'c\n\"d\"\n=e\n",
		"\xff\xfec\x00h\x00a\x00t\x00_\x00i\x00d\x00\n\x00a\x00", "\xfe\xff\x00a\x00\n", "chat_id,\xc8\xba\na,\xc1\xc4\n", "chat_id\n\x94\x39\xfc\x36\n",
		"\uffffA", "chat_id,\xc1\xaa\xcd\xa8\na,\xc1\xaa\xcd\xa8\n", "{\"chatId\":\"a\",\"n\":\"\xc1\xaa\xcd\xa8\"}\n", // GBK that is UTF-8 by chance
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, format := range append([]rows.Format{""}, rows.Formats...) {
			o, err := detect(in, "", rows.Options{Format: format})
			if err != nil {
				continue
			}
			_, _ = convert(t, in, o, whole) // which reads back what it wrote
			if format = o.Format; format != rows.XLSX {
				_, _ = convert(t, in, rows.Options{Format: format, Encoding: rows.GB18030}, whole)
				_, _ = convert(t, in, rows.Options{Format: format, OutputEncoding: rows.UTF16BE}, whole)
			}
		}
	})
}

// What is cleaned once is clean.
func FuzzCleanID(f *testing.F) {
	for _, seed := range []string{"chat1", " \u200bchat1\u00a0", `="chat1"`, "=\"\u200b a\"", "#N/A", "1.2E+15"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		id, _ := rows.CleanID(cell)
		rows.NotAnID(id)
		if again, trimmed := rows.CleanID(id); again != id || len(trimmed) > 0 {
			t.Errorf("%q becomes %q, and then %q", cell, id, again)
		}
	})
}
