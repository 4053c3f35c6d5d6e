package rows_test

import (
	"errors"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// The table of the package's doc: every shape of a cell is cleaned, refused here, refused by the SDK, or sent.
func TestShapesOfIDs(t *testing.T) {
	const id = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	tests := []struct{ cell, id, trimmed, why string }{
		{id, id, "", ""},
		{"4555", "4555", "", ""},
		{"a-b_c.d", "a-b_c.d", "", ""},

		{" " + id + "\t\r", id, "", ""},
		{"\u00a0" + id + "\u3000", id, "no-break blanks", ""},
		{"\ufeff" + id, id, "invisible characters", ""},
		{id[:9] + "\u200b" + id[9:] + "\u200e", id, "invisible characters", ""},
		{id + "\u200b \u2060", id, "invisible characters", ""},
		{`="` + id + `"`, id, `="…"`, ""},
		{"\u200b =\"\u00a0" + id + "\" ", id, `invisible characters, ="…", no-break blanks`, ""},
		{"\u200b", "", "invisible characters", "-"},

		{`="a""b"`, `="a""b"`, "", "it is a formula: it begins with ="},
		{"=A1", "=A1", "", "it is a formula: it begins with ="},
		{"+" + id, "+" + id, "", "it is a formula: it begins with +"},
		{"@SUM(A1)", "@SUM(A1)", "", "it is a formula: it begins with @"},
		{"https://oa.dingtalk.com/x", "https://oa.dingtalk.com/x", "", "it is an address of the web"},
		{"chat/create", "chat/create", "", "it holds a / or ?"},
		{"what?", "what?", "", "it holds a / or ?"},
		{`C:\chats`, `C:\chats`, "", `it holds a \`},
		{"1,chat2,x", "1,chat2,x", "", "it holds a separator, like a row of a table"},
		{"a;b", "a;b", "", "it holds a separator, like a row of a table"},
		{"a|b", "a|b", "", "it holds a separator, like a row of a table"},
		{"a\tb", "a\tb", "", "it holds a separator, like a row of a table"},
		{"a，b", "a，b", "", "it holds a separator, like a row of a table"},
		{`"` + id + `"`, `"` + id + `"`, "", "it holds a quote"},
		{"'" + id, "'" + id, "", "it holds a quote"},
		{"“" + id + "”", "“" + id + "”", "", "it holds a quote"},
		{`{"a":1}`, `{"a":1}`, "", "it holds a quote"},
		{"<id>", "<id>", "", "it holds brackets, like JSON or a placeholder"},
		{"two words", "two words", "", "it holds a blank"},
		{"a\u00a0b", "a\u00a0b", "", "it holds a blank"},
		{"#N/A", "#N/A", "", "it is an error of a spreadsheet's formula"},
		{"#REF!", "#REF!", "", "it is an error of a spreadsheet's formula"},
		{"########", "########", "", "it is an error of a spreadsheet's formula"},
		{"1.2E+15", "1.2E+15", "", "it is a number that a spreadsheet rounded"},
		{"Chat_ID", "Chat_ID", "", "it is the name of a column"},
		{"*chat id(必填)", "*chat id(必填)", "", "it holds brackets, like JSON or a placeholder"},
		{"dept-group-chat-id", "dept-group-chat-id", "", ""},
		{"群聊", "群聊", "", "it holds characters that no chat id has"},
		{"合计", "合计", "", "it holds characters that no chat id has"},
		{"Ünique1", "Ünique1", "", "it holds characters that no chat id has"},
		{"50%", "50%", "", "it holds characters that no chat id has"},
		{"**" + id + "**", "**" + id + "**", "", "it holds characters that no chat id has"},
		{"-1", "-1", "", "it begins with -, like a list, a line or a formula"},
		{"---", "---", "", "it begins with -, like a list, a line or a formula"},
		{"-" + id, "-" + id, "", "it begins with -, like a list, a line or a formula"},
		{"chat_id=" + id, "chat_id=" + id, "", "it holds a : or =, like a name with its value"},
		{"id:" + id, "id:" + id, "", "it holds a : or =, like a name with its value"},
		{"mail@example.com", "mail@example.com", "", "it holds characters that no chat id has"},
		{"ｃｈａｔ１２ａｂ", "chat12ab", "full-width characters", ""},
		{"TRUE", "TRUE", "", "it is a word, such as TRUE or total"},
		{"Total", "Total", "", "it is a word, such as TRUE or total"},
		{"0.5", "0.5", "", "it is a number with a fraction"},
		{"3,0", "3,0", "", "it is a number with a fraction"},
		{"12", "12", "", "it is a small number, such as a count"},
		{"2026-11-30", "2026-11-30", "", "it is a date or a time"},
		{"30.11.2026", "30.11.2026", "", "it is a date or a time"},
		{"2026/1/2", "2026/1/2", "", "it is a date or a time"},
		{"2026-11-30T08:00:00Z", "2026-11-30T08:00:00Z", "", "it is a date or a time"},
		{"12:30", "12:30", "", "it is a date or a time"},
		{"list.csv", "list.csv", "", "it is the name of a file"},
		{"list.xlsx", "list.xlsx", "", "it is the name of a file"},

		{"", "", "", "-"},
		{"..", "..", "", "-"},
		{"cid0123456789abcdefghij==", "cid0123456789abcdefghij==", "", "-"},
		{"a\x07b", "a\x07b", "", "-"},
		{"a\xffb", "a\xffb", "", "-"},
	}
	for _, tt := range tests {
		got, trimmed := rows.CleanID(tt.cell)
		if got != tt.id || trimmed.String() != tt.trimmed {
			t.Errorf("CleanID(%q) = %q, %q, want %q, %q", tt.cell, got, trimmed, tt.id, tt.trimmed)
		}
		refused := errors.Is(dingtalk.CheckChatID(got), dingtalk.ErrInvalidChatID)
		if why := rows.NotAnID(got); tt.why == "-" && (why != "" || !refused) {
			t.Errorf("%q: %q here, and the SDK refuses it: %t", got, why, refused)
		} else if tt.why != "-" && (string(why) != tt.why || why == "" && refused) {
			t.Errorf("NotAnID(%q) = %q, want %q", got, why, tt.why)
		}
		if again, took := rows.CleanID(got); again != got || len(took) > 0 {
			t.Errorf("%q is cleaned once more, to %q: %s", got, again, took)
		}
	}
}

func TestSniff(t *testing.T) {
	tests := []struct {
		in   string
		want rows.Format
		why  string
	}{
		{"", rows.Lines, ""},
		{"chat1\nchat2\n", rows.Lines, ""},
		{"# notes, with commas; and more\nchat1\n", rows.Lines, ""},
		{"chat1\n# a,b\nchat2\na,b\nchat3\n", rows.Lines, ""},
		{"two words\nof a line\n", rows.Lines, ""},
		{"chat_id\nA\nb\n", rows.CSV, "its first line names a column chat_id"},
		{"\ufeffname;\"Chat_ID \"\n", rows.CSV, "its first line names a column Chat_ID"},
		{"name\tchatid\n", rows.TSV, "its first line names a column chatid"},
		{"name,group\na,chat1\nb,chat2\n", rows.CSV, "most of its lines hold commas"},
		{"a|chat1", rows.CSV, "most of its lines hold bars"},
		{"a\tchat1\nb\tchat2\n", rows.TSV, "most of its lines hold tabs"},
		{"sep=;\na;b\n", rows.CSV, "its first line is sep=;, as spreadsheets write it"},
		{"\n {\"chatId\":\"a\"}\n", rows.JSONLines, "it begins with { as JSON Lines do"},
		{"[\n  {\"chatId\":\"a\"}]", rows.JSONArray, "it begins with [ as JSON does"},
		{"[]", rows.JSONArray, "it begins with [ as JSON does"},
		{"[a]\n", rows.Lines, ""},
		{"\xff\xfec\x00h\x00a\x00t\x00_\x00i\x00d\x00\t\x00n\x00\n\x00", rows.TSV, "its first line names a column chat_id"},
		{"\xc8\xba\xc3\xfb,chat_id\n", rows.CSV, "its first line names a column chat_id"},
		{"PK\x03\x04", rows.XLSX, "it is a zip file, as xlsx workbooks are"},
	}
	for _, tt := range tests {
		if got := rows.Sniff([]byte(tt.in)); got.Format != tt.want || got.Why.String() != tt.why {
			t.Errorf("%q looks like %s: %s", tt.in, got.Format, got.Why)
		}
	}
}
