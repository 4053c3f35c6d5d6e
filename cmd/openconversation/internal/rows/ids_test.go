package rows_test

import (
	"errors"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Every shape of a cell is cleaned, refused here, refused by the SDK, or sent.
func TestShapesOfIDs(t *testing.T) {
	const id = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	for _, tt := range []struct{ cell, id, trimmed string }{
		{" " + id + "\t\r", id, ""},
		{"\u00a0" + id + "\u3000", id, "no-break blanks"},
		{"\ufeff" + id, id, "invisible characters"},
		{id[:9] + "\u200b" + id[9:] + "\u200e", id, "invisible characters"},
		{id + "\u200b \u2060", id, "invisible characters"},
		{`="` + id + `"`, id, `="…"`},
		{"\u200b =\"\u00a0" + id + "\" ", id, `invisible characters, ="…", no-break blanks`},
		{"ｃｈａｔ１２ａｂ", "chat12ab", "full-width characters"},
		{"\u200b", "", "invisible characters"},
	} {
		got, trimmed := rows.CleanID(tt.cell)
		if got != tt.id || trimmed.String() != tt.trimmed {
			t.Errorf("CleanID(%q) = %q, %q, want %q, %q", tt.cell, got, trimmed, tt.id, tt.trimmed)
		}
	}
	for why, cells := range map[string][]string{
		"":                                                   {id, "4555", "a-b_c.d", "dept-group-chat-id"},
		"it is a formula: it begins with =":                  {`="a""b"`, "=A1"},
		"it is a formula: it begins with +":                  {"+" + id},
		"it is a formula: it begins with @":                  {"@SUM(A1)"},
		"it is an address of the web":                        {"https://oa.dingtalk.com/x"},
		"it holds a / or ?":                                  {"chat/create", "what?"},
		`it holds a \`:                                       {`C:\chats`},
		"it holds a separator, like a row of a table":        {"1,chat2,x", "a;b", "a|b", "a\tb", "a，b"},
		"it holds a quote":                                   {`"` + id + `"`, "'" + id, "“" + id + "”", `{"a":1}`},
		"it holds brackets, like JSON or a placeholder":      {"<id>", "*chat id(必填)"},
		"it holds a blank":                                   {"two words", "a\u00a0b"},
		"it is an error of a spreadsheet's formula":          {"#N/A", "#REF!", "########"},
		"it is a number that a spreadsheet rounded":          {"1.2E+15"},
		"it is the name of a column":                         {"Chat_ID"},
		"it holds characters that no chat id has":            {"群聊", "合计", "Ünique1", "50%", "**" + id + "**", "mail@example.com"},
		"it begins with -, like a list, a line or a formula": {"-1", "---", "-" + id},
		"it holds a : or =, like a name with its value":      {"chat_id=" + id, "id:" + id},
		"it is a word, such as TRUE or total":                {"TRUE", "Total"},
		"it is a number with a fraction":                     {"0.5", "3,0"},
		"it is a small number, such as a count":              {"12"},
		"it is a date or a time":                             {"2026-11-30", "30.11.2026", "2026/1/2", "2026-11-30T08:00:00Z", "12:30"},
		"it is the name of a file":                           {"list.csv", "list.xlsx"},
		"-" /* refused by the SDK */ :                        {"", "..", "cid0123456789abcdefghij==", "a\x07b", "a\xffb"},
	} {
		for _, cell := range cells {
			got, trimmed := rows.CleanID(cell)
			if got != cell || len(trimmed) > 0 {
				t.Errorf("%q is cleaned to %q: %s", cell, got, trimmed)
			}
			refused := errors.Is(dingtalk.CheckChatID(cell), dingtalk.ErrInvalidChatID)
			if said := string(rows.NotAnID(cell)); why == "-" && (said != "" || !refused) || why != "-" && (said != why || why == "" && refused) {
				t.Errorf("NotAnID(%q) = %q, want %q; the SDK refuses it: %t", cell, said, why, refused)
			}
		}
	}
}
