package rows_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

const noResult = `"openConversationId":"","errorCode":"bad","error":`

func TestNestedFields(t *testing.T) {
	in := `{"a":{"b":"x","b.c":"y"},"a.d":"z"}` + "\n" + `{"a":"no object"}` + "\n" + `{"a":{"b":{"c":"w"}}}` + "\n"
	tests := []struct{ id, want string }{
		{"a.b", "x, -, -"},   // the third's is no string
		{"a.b.c", "y, -, w"}, // a name with a point goes before a path
		{"a.d", "z, -, -"},
	}
	for _, tt := range tests {
		r := reader(t, strings.NewReader(in), rows.Options{Format: rows.JSONLines, ID: tt.id})
		var got []string
		if err := each(r, func(row rows.Row) error {
			if !row.Problem.Empty() {
				row.ChatID = "-"
			}
			got = append(got, row.ChatID)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: %q, want %s", tt.id, got, tt.want)
		}
	}
}

// A field that no row has ends the reading of the file with an error, as a missing column does.
func TestFieldThatNoRowHas(t *testing.T) {
	for format, in := range map[rows.Format]string{rows.JSONLines: "{\"a\":1,\"b\":2}\n{}\n", rows.JSONArray: "[{\"a\":1,\"b\":2},{}]"} {
		_, err := convert(t, []byte(in), rows.Options{Format: format, ID: "chat.id"}, whole)
		var wrong *rows.Error
		if !errors.As(err, &wrong) || wrong.Part != rows.PartField || err.Error() != "no row has a field chat.id; the first row has: a, b" {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestArrays(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"no rows", " [ ] \n", ""},
		{"one line", `[{"chatId":"a"},{"chatId":"b","n":[{"x":"]}"}]}]`, "[\n" +
			`{"chatId":"a","openConversationId":"cida","errorCode":"","error":""}` + ",\n" +
			`{"chatId":"b","n":[{"x":"]}"}],"openConversationId":"cidb","errorCode":"","error":""}` + "\n]\n"},
		{"pretty", "[\r\n  {\r\n    \"chatId\": \"a\",\r\n    \"n\": 1.50\r\n  },\r\n  {}\r\n]\r\n", "[\n" +
			"{\r\n    \"chatId\": \"a\",\r\n    \"n\": 1.50,\"openConversationId\":\"cida\",\"errorCode\":\"\",\"error\":\"\"},\n" +
			"{" + noResult + "\"there is no field chatId\"}\n]\n"},
		{"escapes", `[{"chatId":"\u0061","n":"\\\"]}"}]`, "[\n" + `{"chatId":"\u0061","n":"\\\"]}","openConversationId":"cida","errorCode":"","error":""}` + "\n]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := convert(t, []byte(tt.in), rows.Options{Format: rows.JSONArray}, whole)
			if err != nil || string(got) != tt.want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, tt.want)
			}
			if bytewise, err := convert(t, []byte(tt.in), rows.Options{Format: rows.JSONArray}, iotest.OneByteReader); err != nil || string(bytewise) != string(got) {
				t.Errorf("byte by byte: %v\n%q", err, bytewise)
			}
		})
	}
	refused := []struct{ name, in, want string }{
		{"cut", "[{\"chatId\":\"a\"},\n", "line 2: the file ends within its JSON array"},
		{"cut within an object", "[{\"chatId\":\"a\",\n", "line 1: the file ends within its JSON array"},
		{"an object", "{\"chatId\":\"a\"}\n", "line 1: it is no JSON array but an object; if it holds one object a line, it is JSON Lines"},
		{"no objects", "[\n1]", "line 2: element 1 of its JSON array is no object"},
		{"no comma", "[{\"chatId\":\"a\"}\n{}]", "line 2: this is no JSON array of objects: unexpected '{'"},
		{"two arrays", "[{\"chatId\":\"a\"}]\n[]", "line 2: this is no JSON array of objects: unexpected '['"},
		{"a comma too many", "[{\"chatId\":\"a\"},]", "line 1: element 2 of its JSON array is no object"},
		{"broken object", "[{\"chatId\":\"a\"},\n{\"x\" 1}]", "line 2: it is no JSON object: it goes wrong at byte 6"},
		{"a result already", "[{\"chatId\":\"a\",\"error\":\"\"}]", "line 1: it has a field error already; rename or remove it"},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := convert(t, []byte(tt.in), rows.Options{Format: rows.JSONArray}, whole); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// Objects keep the results that are their last fields, and those alone.
func TestObjectsWithResults(t *testing.T) {
	cida := rows.Result{OpenConversationID: "cida"}
	named := rows.Result{OpenConversationID: "cida", Name: "n", Owner: "o", Status: "normal"}
	tests := []struct {
		in   string
		want rows.Result
		err  string
	}{
		{`{"chatId":"a","openConversationId":"cida","errorCode":"","error":""}`, cida, ""},
		{`{"chatId":"a" , "openConversationId" : "cida" }`, cida, ""},
		{`{"chatId":"a","openConversationId":"cida","errorCode":"","error":"","chatName":"n","chatOwner":"o","chatStatus":"normal"}`, named, ""},
		{`{"chatName":"mine","chatId":"a","openConversationId":"cida"}`, cida, ""},
		{`{"openConversationId":"cida","chatId":"a"}`, rows.Result{}, "line 1: it has a field openConversationId already; rename or remove it"},
		{`{"chatId":"a","x":{"openConversationId":"cida"}}`, rows.Result{}, ""},
		{`{"chatId":"a","openConversationId":7}`, rows.Result{}, ""},
	}
	for _, tt := range tests {
		for _, o := range []rows.Options{{Format: rows.JSONLines}, {Format: rows.JSONArray}} {
			in := tt.in
			if o.Format == rows.JSONArray {
				in = "[" + in + "]"
			}
			got, err := known(t, []byte(in), o)
			if tt.err != "" && (err == nil || err.Error() != tt.err) || tt.err == "" && (err != nil || got[0] != tt.want) {
				t.Errorf("%s: %+v %v", in, got, err)
			}
		}
	}
}
