package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
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
		"JSON Lines, nested":       {"in.jsonl", objects("\n") + "\n", "out.jsonl", []string{"--column", "群.chatId"}},
		"JSON array, nested":       {"in.json", "[\n" + objects(",\n") + "\n]\n", "out.json", []string{"--column", "群.chatId"}},
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
			for _, name := range []string{b.out, b.out + ".journal"} {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
			b.server.ResetRequests()
			b.out = filepath.Join(filepath.Dir(b.in), form.out)
			flags := append(form.flags, "--concurrency=8")
			killed := b.kills(6, rand.New(rand.NewPCG(4711, 3)), 60, flags...) //nolint:gosec // chance, not secrecy
			b.want(0, "400 converted", form.flags...)
			if b.read(b.out) != whole || b.files() != form.file+" "+form.out+" "+form.out+".journal" {
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

// killsVariable asks for so many kills in each format, instead of a few.
const killsVariable = "OPENCONVERSATION_KILLS"

// saved writes a list as a program may save it, in a form that differs from time to time.
func saved(t *testing.T, path string, ids []string, random *rand.Rand) {
	t.Helper()
	var content string
	switch filepath.Ext(path) {
	case ".xlsx":
		book(t, path, strings.Join(ids, "\n")+"\n")
		return
	case ".json":
		var rows []string
		for i, id := range ids {
			rows = append(rows, fmt.Sprintf(`{"n":%d,"chatId":%q}`, i, id))
		}
		content = "[" + strings.Join(rows, []string{",", ",\n  ", "\n,\r\n"}[random.IntN(3)]) + "]"
	default:
		content = tableOf(ids, []string{",", ";", "\t", "|"}[random.IntN(4)], []string{"\n", "\r\n"}[random.IntN(2)])
		switch random.IntN(4) {
		case 0:
			content = "\uFEFF" + content
		case 1:
			content = gb18030(t, content)
		case 2:
			content = utf16LE(content)
		}
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Between the kills the list grows, loses rows, is sorted and saved again in other ways: no row is lost, and no more is
// called twice than was under way.
func TestKilledWhileTheListLives(t *testing.T) {
	most := 5
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil {
		most = n
	}
	for _, ext := range []string{".csv", ".xlsx", ".json"} {
		t.Run(ext, func(t *testing.T) {
			const concurrency = 8
			random := rand.New(rand.NewPCG(4711, uint64(len(ext)))) //nolint:gosec // chance, not secrecy
			b := newBench(t, "in"+ext, "", dingtalktest.WithLatency(2*time.Millisecond))
			b.out = filepath.Join(filepath.Dir(b.in), "out"+ext)
			ids := strings.Fields(chats(100, 100))
			seen := map[string]bool{}
			killed := 0
			for killed < most {
				for range 50 {
					ids = append(ids, fmt.Sprintf("chat%032x", 100+len(seen)+len(ids)))
				}
				for _, id := range ids { // all that the list ever had
					seen[id] = true
				}
				random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
				ids = ids[:len(ids)-random.IntN(5)]
				saved(t, b.in, ids, random)
				killed += b.kills(1, random, 40, "--concurrency=8")
			}
			saved(t, b.in, ids, random)
			b.want(0, fmt.Sprintf("%d converted, 0 failed", len(ids)))
			var order []string
			for line := range strings.Lines(rowsOf(t, b.out)) {
				for id := range seen {
					if strings.Contains(line, id) && strings.Contains(line, dingtalktest.OpenConversationIDOf(id)) {
						order = append(order, id)
					}
				}
			}
			calls := b.server.Count(conversion)
			t.Logf("%d kills, %d rows of %d chats that were ever in the list, %d calls", killed, len(ids), len(seen), calls)
			if !slices.Equal(order, ids) {
				t.Errorf("%d rows of %d have their results, or not in their order", len(order), len(ids))
			}
			if calls > len(seen)+killed*concurrency {
				t.Errorf("%d calls for %d chats and %d kills", calls, len(seen), killed)
			}
		})
	}
}

// rowsOf is an output as lines of UTF-8, whatever it is.
func rowsOf(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) == ".xlsx" {
		file, err := excelize.OpenReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := file.GetRows(file.GetSheetName(0))
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, row := range rows {
			lines = append(lines, strings.Join(row, ","))
		}
		return strings.Join(lines, "\n")
	}
	if rest, is := bytes.CutPrefix(raw, []byte{0xff, 0xfe}); is { // all of it is ASCII but for names
		raw = bytes.ReplaceAll(rest, []byte{0}, nil)
	}
	return string(raw)
}
