package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// tableOf are chats as a table, whose other cells hold what separators and encodings may get wrong.
func tableOf(ids []string, comma, lineEnd string) string {
	var b strings.Builder
	b.WriteString("群名" + comma + "chat_id" + comma + "note" + lineEnd)
	for i, id := range ids {
		fmt.Fprintf(&b, "\"研发%d群\"%s%s%s\"a%sb\"\"c\"\"\"%s", i, comma, id, comma, comma, lineEnd)
	}
	return b.String()
}

func utf16LE(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

func gb18030(t *testing.T, text string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// form is a file as a program writes it, and what its output is called. Workbooks have no content here: see book.
type form struct {
	file, content, out string
	flags              []string
}

// forms are so many rows in every format, and in the encodings and with the separators that its files come in.
func forms(t *testing.T, rows, distinct int) map[string]form {
	t.Helper()
	ids := strings.Fields(chats(rows, distinct))
	objects := func(sep string) string {
		var list []string
		for i, id := range ids {
			list = append(list, fmt.Sprintf(`{"n":%d.0, "群":{"chatId":%q}}`, i, id))
		}
		return strings.Join(list, sep)
	}
	return map[string]form{
		"lines":                    {"in.txt", chats(rows, distinct), "out.csv", nil},
		"lines, CRLF and mark":     {"in.txt", "\uFEFF" + strings.ReplaceAll(chats(rows, distinct), "\n", "\r\n"), "out.csv", nil},
		"CSV":                      {"in.csv", tableOf(ids, ",", "\n"), "out.csv", nil},
		"CSV, mark":                {"in.csv", "\uFEFF" + tableOf(ids, ",", "\r\n"), "out.csv", nil},
		"CSV, semicolons, GBK":     {"in.csv", gb18030(t, tableOf(ids, ";", "\r\n")), "out.csv", nil},
		"CSV, sep=":                {"in.csv", "sep=;\r\n" + tableOf(ids, ";", "\r\n"), "out.csv", nil},
		"CSV, bars":                {"in.csv", tableOf(ids, "|", "\n"), "out.csv", nil},
		"tabs, UTF-16":             {"in.txt", utf16LE(tableOf(ids, "\t", "\r\n")), "out.txt", nil},
		"TSV":                      {"in.tsv", tableOf(ids, "\t", "\n"), "out.tsv", nil},
		"CSV to GB18030":           {"in.csv", tableOf(ids, ",", "\n"), "out.csv", []string{"--output-encoding", "gb18030"}},
		"JSON Lines, nested":       {"in.jsonl", objects("\n") + "\n", "out.jsonl", []string{"--field", "群.chatId"}},
		"JSON array, nested":       {"in.json", "[\n" + objects(",\n") + "\n]\n", "out.json", []string{"--field", "群.chatId"}},
		"CSV to xlsx":              {"in.csv", tableOf(ids, ",", "\n"), "out.xlsx", nil},
		"xlsx":                     {"in.xlsx", "", "out.xlsx", nil},
		"xlsx, by column's number": {"in.xlsx", "", "out.xlsx", []string{"--column", "2", "--sheet", "Sheet1"}},
	}
}

// newFormBench is a bench with such a file as its input.
func newFormBench(t *testing.T, f form, rows, distinct int, opts ...dingtalktest.Option) *bench {
	t.Helper()
	b := newBench(t, f.file, f.content, opts...)
	if f.content == "" {
		book(t, b.in, chats(rows, distinct))
	}
	b.out = filepath.Join(filepath.Dir(b.in), f.out)
	return b
}

// A run over any format and encoding that is killed again and again ends with the bytes that an undisturbed one gives.
func TestKilledRunsInEveryFormat(t *testing.T) {
	const rows, distinct, concurrency = 400, 350, 8
	for name, form := range forms(t, rows, distinct) {
		t.Run(name, func(t *testing.T) {
			b := newFormBench(t, form, rows, distinct, dingtalktest.WithLatency(2*time.Millisecond))
			b.out = filepath.Join(filepath.Dir(b.in), "whole-"+form.out)
			b.want(0, "400 converted", form.flags...)
			whole := b.read(b.out)
			if err := os.Remove(b.out); err != nil {
				t.Fatal(err)
			}
			b.server.ResetRequests()
			b.out = filepath.Join(filepath.Dir(b.in), form.out)
			flags := append(form.flags, "--concurrency=8")
			killed := b.kills(6, rand.New(rand.NewPCG(4711, 3)), 60, flags...) //nolint:gosec // chance, not secrecy
			b.want(0, "400 converted", append(form.flags, "--resume")...)
			if b.read(b.out) != whole || b.files() != form.file+" "+form.out {
				t.Errorf("the output is not what an undisturbed run gives; files %s", b.files())
			}
			if calls := b.server.Count(conversion); calls < distinct || calls > distinct+killed*concurrency {
				t.Errorf("%d calls for %d chats and %d kills", calls, distinct, killed)
			}
			if killed < 3 {
				t.Errorf("%d kills: the moments are badly chosen", killed)
			}
		})
	}
}
