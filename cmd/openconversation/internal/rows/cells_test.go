package rows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// The table of the package's doc: every shape of a cell is cleaned, refused here, refused by the SDK, or sent.
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
		"": {id, "4555", "a-b_c.d", "dept-group-chat-id"},
		"it is a formula: it begins with +, @ or =":          {`="a""b"`, "=A1", "+" + id, "@SUM(A1)"},
		"it holds a / or ?":                                  {"chat/create", "what?", "https://oa.dingtalk.com/x"},
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

// as encodes a text as another library does.
func as(t *testing.T, e rows.Encoding, text string) string {
	t.Helper()
	encoder := map[rows.Encoding]encoding.Encoding{
		rows.UTF8: encoding.Nop, rows.UTF8BOM: unicode.UTF8BOM, rows.GB18030: simplifiedchinese.GB18030, rows.GBK: simplifiedchinese.GBK,
		rows.UTF16LE: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), rows.UTF16BE: unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	}[e].NewEncoder()
	out, err := encoder.String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every format of text in every encoding comes back in the same encoding, found out by itself, or in another one asked for.
func TestEncodings(t *testing.T) {
	tests := []struct {
		format   rows.Format
		in, want string
	}{
		{rows.Lines, "群聊一\n# 注\nchat2\n", "chat_id,open_conversation_id,error_code,error\n群聊一,cid群聊一,,\nchat2,cidchat2,,\n"},
		{rows.CSV, "名称；,chat_id\n\"中,文Ċ\n二\",群聊\nĀਊ,b\n", "名称；,chat_id,open_conversation_id,error_code,error\n\"中,文Ċ\n二\",群聊,cid群聊,,\nĀਊ,b,cidb,,\n"},
		{rows.TSV, "名称\tchat_id\n中文\ta\n", "名称\tchat_id\topen_conversation_id\terror_code\terror\n中文\ta\tcida\t\t\n"},
		{rows.JSONLines, "{\"chatId\":\"群聊\",\"n\":\"中文\"}\n", "{\"chatId\":\"群聊\",\"n\":\"中文\",\"openConversationId\":\"cid群聊\",\"errorCode\":\"\",\"error\":\"\"}\n"},
		{rows.JSONArray, "[{\"chatId\":\"群聊\",\n \"n\":\"中文\" }\n]", "[\n{\"chatId\":\"群聊\",\n \"n\":\"中文\",\"openConversationId\":\"cid群聊\",\"errorCode\":\"\",\"error\":\"\"}\n]\n"},
	}
	encodings := slices.DeleteFunc(slices.Clone(rows.Encodings), func(e rows.Encoding) bool { return e == rows.Big5 }) // it lacks what is simplified
	for _, e := range encodings {
		for _, tt := range tests {
			if e == rows.GBK && tt.format == rows.CSV {
				tt.in, tt.want = strings.NewReplacer("Ċ", "", "Ā", "", "ਊ", "").Replace(tt.in), strings.NewReplacer("Ċ", "", "Ā", "", "ਊ", "").Replace(tt.want)
			}
			in := []byte(as(t, e, tt.in))
			o, err := detect(in, "", rows.Options{Format: tt.format})
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(string(e), "-bom"); string(o.Encoding) != want && (e != rows.GB18030 || o.Encoding != rows.GBK) {
				t.Errorf("%s of %s is taken for %s", tt.format, e, o.Encoding)
			}
			for _, to := range append([]rows.Encoding{""}, encodings...) {
				if to == rows.GBK && strings.Contains(tt.in, "Ā") {
					continue
				}
				want := as(t, e, tt.want)
				if o.OutputEncoding = to; to != "" {
					want = as(t, to, tt.want)
				}
				if out, err := convert(t, in, o, whole); err != nil || string(out) != want {
					t.Errorf("%s of %s as %s: %v\n%q, want\n%q", tt.format, e, to, err, out, want)
				}
			}
		}
	}
	// UTF-16 without a mark is read where it is named, and comes back without one.
	in := strings.TrimPrefix(as(t, rows.UTF16LE, "chat_id\n群聊\n"), "\xff\xfe")
	want := strings.TrimPrefix(as(t, rows.UTF16LE, "chat_id,open_conversation_id,error_code,error\n群聊,cid群聊,,\n"), "\xff\xfe")
	if out, err := convert(t, []byte(in), rows.Options{Format: rows.CSV, Encoding: rows.UTF16LE}, whole); err != nil || string(out) != want {
		t.Errorf("%q %v", out, err)
	}
}

func TestEncodingRefusals(t *testing.T) {
	const save = "; save it as UTF-8, or name its encoding"
	for in, tt := range map[string]struct {
		o    rows.Options
		part rows.Part
		want string
	}{
		"c\x00h\x00a\x00t\x00_\x00i\x00d\x00\n\x00": {rows.Options{Format: rows.CSV}, rows.PartEncoding, "line 1: it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding"},
		"\xff\xfea\x00\n\x00b":                      {rows.Options{Format: rows.Lines}, rows.PartEncoding, "line 2: the byte 0x62 at offset 6 of the file is not UTF-16 LE" + save},
		"\xfe\xff\x00a\x00\n\xd8\x00\x00\n":         {rows.Options{Format: rows.Lines}, rows.PartEncoding, "line 2: the byte 0xD8 at offset 6 of the file is not UTF-16 BE" + save},
		"chat_id,n\na,\xc1\xc4\nb,\"x\n\xc1,\"\n":   {rows.Options{Format: rows.CSV, Encoding: rows.GBK}, rows.PartEncoding, "line 4: the byte 0xC1 at offset 20 of the file is not GBK" + save},
		"chat_id,n\nb,\"x\n\xc1,\"\n":               {rows.Options{Format: rows.CSV, Encoding: rows.UTF8}, rows.PartEncoding, "line 3: the byte 0xC1 at offset 15 of the file is not UTF-8" + save},
		"chat_id,n\nb,\xe7\xbe":                     {rows.Options{Format: rows.CSV, Encoding: rows.UTF8}, rows.PartEncoding, "line 2: the byte 0xE7 at offset 12 of the file is not UTF-8" + save},
		"\ufeffchat_id\n":                           {rows.Options{Format: rows.CSV, Encoding: rows.GBK}, rows.PartEncoding, "it begins with the byte order mark of UTF-8, and GBK is named"},
		"chat_id,n\na,😀\n":                          {rows.Options{Format: rows.CSV, OutputEncoding: rows.GBK}, rows.PartOutput, "line 2: GBK has no character U+1F600; write GB18030 or UTF-8"},
	} {
		_, err := convert(t, []byte(in), tt.o, whole)
		var wrong *rows.Error
		if !errors.As(err, &wrong) || wrong.Part != tt.part || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", in, err, tt.want)
		}
	}
	if _, err := detect([]byte("chat_id\na\n\xe9\n"), "a.csv", rows.Options{}); err == nil || err.Error() != "line 3: the byte 0xE9 at offset 10 of the file is neither UTF-8 nor GB18030 nor Big5"+save {
		t.Error(err)
	}
}
