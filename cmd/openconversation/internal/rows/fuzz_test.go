package rows_test

import (
	"bytes"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

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
			o, err := rows.Detect(bytes.NewReader(in), "", rows.Options{Format: format})
			if err == nil {
				_, _ = convert(t, in, o, whole) // which reads back what it wrote
			}
			if _, err := rows.NewReader(bytes.NewReader(in), rows.Options{Format: format}); err == nil && format != rows.XLSX {
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
