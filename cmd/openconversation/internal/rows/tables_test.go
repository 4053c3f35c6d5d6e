package rows_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// Separators are found by the header, and kept.
func TestSeparators(t *testing.T) {
	const head = "open_conversation_id,error_code,error"
	tests := []struct {
		name, in, id string
		separator    string
		prefix       string // of the output, before the results' names
		row          string // how the first row of the output begins
	}{
		{"semicolons", "n,x;chat_id\n1,2;a\n", "", ";", "n,x;chat_id", "1,2;a"},
		{"bars", "n|chat_id\n1|a\n", "", "|", "n|chat_id", "1|a"},
		{"tabs in a .csv", "n\tchat_id\n1\ta\n", "", "\t", "n\tchat_id", "1\ta"},
		{"more commas than semicolons", "a,b,c,d;chat_id\n1;a\n", "", ";", "a,b,c,d;chat_id", "1;a"},
		{"quoted", "\"chat_id\";\"a,b,c\"\n\"a\";\n", "", ";", "\"chat_id\";\"a,b,c\"", "\"a\";"},
		{"a line end in the header", "\"n\nm\";chat_id\n1;a\n", "", ";", "\"n\nm\";chat_id", "1;a"},
		{"blank lines first", "\n \nn;chat_id\n1;a\n", "", ";", "n;chat_id", "1;a"},
		{"one column", "chat_id\na\n", "", ",", "chat_id", "a"},
		{"a named column", "n;group,x\n1;a\n", "group,x", ";", "n;group,x", "1;a"},
		{"a column's number", "n;m\n1;a\n", "2", ";", "n;m", "1;a"},
		{"a column with a number for a name", "2;1\na;b\n", "2", ";", "2;1", "a;b"},
		{"sep=", "sep=;\r\nn;chat_id\r\n1;a\r\n", "", ";", "sep=;\r\nn;chat_id", "1;a"},
		{"sep= of another byte", "sep=^\nn^chat_id\n1^a\n", "", "^", "sep=^\nn^chat_id", "1^a"},
		{"sep= in quotes", "\"sep=,\"\nn,chat_id\n1,a\n", "", ",", "\"sep=,\"\nn,chat_id", "1,a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := rows.Options{Format: rows.CSV, ID: tt.id}
			out, err := convert(t, []byte(tt.in), o, whole)
			if err != nil {
				t.Fatal(err)
			}
			end := "\n"
			if strings.Contains(tt.in, "\r") {
				end = "\r\n"
			}
			want := tt.prefix + tt.separator + strings.ReplaceAll(head, ",", tt.separator) + end + tt.row + tt.separator + "cida" + tt.separator + tt.separator + end
			if string(out) != want {
				t.Errorf("%q, want %q", out, want)
			}
		})
	}
}

// The separator that is named is taken, and a wrong one never leads to a row taken for an id.
func TestNamedSeparator(t *testing.T) {
	in := []byte("n,m;chat_id\n1,2;a\n")
	if out, err := convert(t, in, rows.Options{Format: rows.CSV, Delimiter: ';'}, whole); err != nil || !strings.HasSuffix(string(out), "1,2;a;cida;;\n") {
		t.Errorf("%q %v", out, err)
	}
	_, err := convert(t, in, rows.Options{Format: rows.CSV, Delimiter: ','}, whole)
	if err == nil || err.Error() != "line 1: which column holds the chat ids? there are, separated by commas: n, m;chat_id" {
		t.Error(err)
	}
	_, err = convert(t, []byte("chat_id n\na 1\n"), rows.Options{Format: rows.CSV}, whole)
	if err == nil || err.Error() != "line 1: which column holds the chat ids? there is one column, as no separator was found: chat_id n" {
		t.Error(err)
	}
	_, err = convert(t, []byte("n;chat_id\n1,a\n"), rows.Options{Format: rows.CSV}, whole)
	if err == nil || err.Error() != "line 2: it has 1 column, and the header has 2, separated by semicolons" {
		t.Error(err)
	}
}

// Header cells are compared as people see them.
func TestHeaders(t *testing.T) {
	tests := []struct {
		name, header, id string
		column           int
		err              string
	}{
		{"case, blanks, invisible characters", "n,\u200b CHAT_id\u00a0,m", "", 2, ""},
		{"a name that is given so", "n,Group ID\u200e", " group id", 2, ""},
		{"the exact one of two", "chatid,chatId", "chatId", 2, ""},
		{"none of two exact", "chatid,chatId", "CHATID", 0, "line 1: there are 2 columns \"CHATID\"; name the one by its number, such as 1"},
		{"the same twice", "n,chat_id,chat_id", "", 0, "line 1: there are two columns chat_id; name the one by its number, 2 or 3"},
		{"by its number", "n,chat_id,chat_id", "3", 3, ""},
		{"no such number", "n,chat_id", "3", 0, "line 1: there is no column number 3; there are, separated by commas: n, chat_id"},
		{"empty cells", ",n,", "2", 2, ""},
		{"empty cells, listed", ",n,", "x", 0, "line 1: there is no column \"x\"; there are, separated by commas: \"\", n, \"\""},
		{"a result's name", "chat_id,\u200berror ", "", 0, "line 1: it has a column error already; rename or remove it"},
		{"a name like a result's", "chat_id,Error", "", 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := rows.NewReader(strings.NewReader(tt.header+"\n"), rows.Options{Format: rows.CSV, ID: tt.id})
			if tt.err != "" {
				var wrong *rows.Error
				if !errors.As(err, &wrong) || err.Error() != tt.err {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || r.Found().Column != tt.column {
				t.Fatalf("%v, want column %d", err, tt.column)
			}
			if out, err := convert(t, []byte(tt.header+"\n"), rows.Options{Format: rows.CSV, ID: tt.id}, whole); err != nil || string(out) != tt.header+",open_conversation_id,error_code,error\n" {
				t.Errorf("a header alone gives %q, %v", out, err)
			}
		})
	}
}

// A cell like ="chat…" is read whether or not its quotes are quoted.
func TestTextFormulas(t *testing.T) {
	in := "n,chat_id\n1,=\"a\"\n2,\"=\"\"b\"\"\"\n=\"007\",c\n"
	want := "n,chat_id,open_conversation_id,error_code,error\n1,=\"a\",cida,,\n2,\"=\"\"b\"\"\",cidb,,\n=\"007\",c,cidc,,\n"
	if out, err := convert(t, []byte(in), rows.Options{Format: rows.CSV}, whole); err != nil || string(out) != want {
		t.Errorf("%q %v", out, err)
	}
	for _, in := range []string{"n,chat_id\n1,=\"a\"b\"\n", "n,chat_id\nx\"y,=\"a\"\n"} {
		if _, err := convert(t, []byte(in), rows.Options{Format: rows.CSV}, whole); err == nil {
			t.Errorf("%q is read", in)
		}
	}
}

// Cells that are appended are no formulas, and read back as they were written.
func TestFormulas(t *testing.T) {
	r := reader(t, strings.NewReader("chat_id\nx\n"), rows.Options{Format: rows.CSV})
	for _, cell := range []string{"=1", "+1", "-1", "@x", "\tx", "\rx"} {
		record := r.Finish([]byte("x,"), rows.Result{OpenConversationID: "cid", Error: cell})
		if !strings.Contains(string(record), "'"+cell) {
			t.Errorf("%q", record)
		}
		back, err := known(t, append(r.Header(), record...), rows.Options{Format: rows.CSV})
		if again := r.Finish([]byte("x,"), back[0]); err != nil || !bytes.Equal(again, record) {
			t.Errorf("%q reads back %+v, %v", record, back, err)
		}
	}
}

// A spreadsheet that saves an output again may change all of this, and no cell. Synthetic: the shapes that Excel writes.
func TestSavedByExcel(t *testing.T) {
	const head = "chat_id,note,open_conversation_id,error_code,error"
	tests := []struct{ name, in string }{
		{"as it was", head + "\na,\"x \"\"y\"\",\nz\",cida,,\nb,,cidb,,\n"},
		{"mark and CRLF", "\ufeff" + head + "\r\na,\"x \"\"y\"\",\nz\",cida,,\r\nb,,cidb,,\r\n"},
		{"CRLF within cells", head + "\r\na,\"x \"\"y\"\",\r\nz\",cida,,\r\nb,,cidb,,\r\n"},
		{"all cells in quotes", "\"chat_id\",\"note\",\"open_conversation_id\",\"error_code\",\"error\"\n\"a\",\"x \"\"y\"\",\nz\",\"cida\",\"\",\"\"\n\"b\",\"\",\"cidb\",\"\",\"\"\n"},
		{"semicolons", strings.ReplaceAll(head, ",", ";") + "\na;\"x \"\"y\"\",\nz\";cida;;\nb;;cidb;;\n"},
		{"sep=", "sep=;\n" + strings.ReplaceAll(head, ",", ";") + "\na;\"x \"\"y\"\",\nz\";cida;;\nb;;cidb;;\n"},
		{"empty columns at the end", head + ",,\na,\"x \"\"y\"\",\nz\",cida,,,,\nb,,cidb,,,,\n"},
		{"ends left out", head + "\na,\"x \"\"y\"\",\nz\",cida\nb,,cidb\n"},
		{"empty rows at the end", head + "\na,\"x \"\"y\"\",\nz\",cida,,\nb,,cidb,,\n,,,,\n\n"},
		{"no last line end", head + "\na,\"x \"\"y\"\",\nz\",cida,,\nb,,cidb,,"},
		{"header in another case", strings.ToUpper(head) + "\na,\"x \"\"y\"\",\nz\",cida,,\nb,,cidb,,\n"},
		{"the id alone", head[:len(head)-len(",error_code,error")] + "\na,x,cida\nb,y,cidb\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := known(t, []byte(tt.in), rows.Options{Format: rows.CSV})
			if err != nil || len(got) < 2 || got[0].OpenConversationID != "cida" || got[1].OpenConversationID != "cidb" {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	for in, want := range map[string]string{
		"chat_id,open_conversation_id,note\na,cida,x\n":                    "line 1: it has a column open_conversation_id already; rename or remove it",
		"chat_name,chat_id,open_conversation_id,chat_status\nx,a,cida,x\n": "line 1: it has a column chat_name already; rename or remove it",
	} {
		if _, err := known(t, []byte(in), rows.Options{Format: rows.CSV}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", in, err)
		}
	}
	if got, err := known(t, []byte("chat_id,chat_name\na,x\n"), rows.Options{Format: rows.CSV}); err != nil || got[0] != (rows.Result{}) {
		t.Errorf("a column of one's own: %+v %v", got, err)
	}
}
