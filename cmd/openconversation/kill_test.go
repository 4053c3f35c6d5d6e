package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// kills kills runs, each when it has made a number of calls below most, until one comes to its end. It returns how many were killed.
func (b *bench) kills(n int, random *rand.Rand, most int, flags ...string) int {
	b.t.Helper()
	for killed := range n {
		cmd := b.process(flags...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		calls := b.server.Count(conversion) + random.IntN(most)
		ended := started(b.t, cmd)
		until(b.t, "it has made its calls, or ended", func() bool { return isClosed(ended) || b.server.Count(conversion) >= calls })
		_ = cmd.Process.Kill()
		<-ended
		switch code := cmd.ProcessState.ExitCode(); code {
		case killedCode:
		case 0:
			return killed
		default:
			b.t.Fatalf("exit code %d\n%s", code, stderr.String())
		}
	}
	return n
}

func TestKilledRetryIsContinued(t *testing.T) {
	const rows, kills = 600, 8
	b := newBench(t, "in.txt", chats(rows, rows))
	b.server.FailNext(dingtalktest.Code(generated.CodeInvalidChatID).For(conversion).Times(rows))
	b.want(1, "600 failed", "--accept-unknown")
	b.server.ResetRequests()
	b.server.Configure(dingtalktest.WithLatency(5 * time.Millisecond))
	killed := b.kills(kills, rand.New(rand.NewPCG(4711, 2)), 50, "--accept-unknown", "--concurrency=4", "--again=failed") //nolint:gosec // chance, not secrecy
	b.want(0, "600 converted, 0 failed", "--accept-unknown")
	if calls := b.server.Count(conversion); b.read(b.out) != convertedChats(rows, rows) || calls > rows+killed*4 || b.files() != "in.txt out out.journal" {
		t.Errorf("%d calls, %d kills, files %s", calls, killed, b.files())
	}
}

// Nothing is lost of a round of all that is killed before its first result, or after it.
func TestKilledAgainAll(t *testing.T) {
	for answered, calls := range map[int]int{0: 20, 5: 55} { // those that are left of the first run, or of the round
		b := stopped(t)
		if answered > 0 {
			b.server.FailNext(dingtalktest.Pass().For(conversion).Times(answered))
		}
		b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
		first := b.process("--again=all", "--concurrency", "1")
		ended := started(t, first)
		until(t, "it is at work", func() bool { return b.server.Count(conversion) > answered })
		_ = first.Process.Kill()
		<-ended
		if b.read(b.out) != partlyConverted(40, 60) {
			t.Errorf("%s", b.read(b.out))
		}
		b.server.ClearFaults()
		b.want(0, fmt.Sprintf("60 converted, 0 failed; %d calls", calls))
		if b.read(b.out) != convertedChats(60, 60) || b.files() != "in.txt out out.journal" {
			t.Errorf("files %s", b.files())
		}
	}
}

func TestTwoProcessesOnOneOutput(t *testing.T) {
	if runtime.GOOS == "plan9" {
		t.Skip("there are no locks here")
	}
	b := newBench(t, "in.txt", chats(20, 20))
	b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
	first := b.process()
	ended := started(t, first)
	until(t, "the first is at work", func() bool { return b.server.Count(conversion) > 0 })
	before := b.read(b.out + ".journal")
	for _, flag := range []string{"--progress=none", "--again=all", "--again=failed"} {
		got := finish(t, b.process(flag))
		if got.code != 2 || !strings.Contains(got.stderr, fmt.Sprintf("is being written by process %d", first.Process.Pid)) || b.read(b.out+".journal") != before {
			t.Errorf("%s: %+v", flag, got)
		}
	}
	_ = first.Process.Kill()
	<-ended
	b.server.ClearFaults()
	if got := finish(t, b.process()); got.code != 0 || b.read(b.out) != convertedChats(20, 20) {
		t.Errorf("%+v", got)
	}
}

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

func gb18030(text string) string {
	out, _ := simplifiedchinese.GB18030.NewEncoder().String(text) // which has every character
	return out
}

// A run over any format and encoding that is killed again and again ends with the bytes that an undisturbed one gives.
func TestKilledRunsInEveryFormat(t *testing.T) {
	const rows, distinct, concurrency = 400, 350, 8
	list := strings.Fields(chats(rows, distinct))
	objects := func(sep string) string {
		var all []string
		for i, id := range list {
			all = append(all, fmt.Sprintf(`{"n":%d.0, "群":{"chatId":%q}}`, i, id))
		}
		return strings.Join(all, sep)
	}
	// A file as a program writes it, what its output is called, and flags. Workbooks have no content here.
	for name, form := range map[string]struct{ file, content, out, flags string }{
		"lines":                    {"in.txt", chats(rows, distinct), "out.csv", ""},
		"lines, CRLF and mark":     {"in.txt", "\uFEFF" + strings.ReplaceAll(chats(rows, distinct), "\n", "\r\n"), "out.csv", ""},
		"CSV":                      {"in.csv", tableOf(list, ",", "\n"), "out.csv", ""},
		"CSV, mark":                {"in.csv", "\uFEFF" + tableOf(list, ",", "\r\n"), "out.csv", ""},
		"CSV, semicolons, GBK":     {"in.csv", gb18030(tableOf(list, ";", "\r\n")), "out.csv", ""},
		"CSV, sep=":                {"in.csv", "sep=;\r\n" + tableOf(list, ";", "\r\n"), "out.csv", ""},
		"tabs, UTF-16":             {"in.txt", utf16LE(tableOf(list, "\t", "\r\n")), "out.txt", ""},
		"TSV":                      {"in.tsv", tableOf(list, "\t", "\n"), "out.tsv", ""},
		"CSV to GB18030":           {"in.csv", tableOf(list, ",", "\n"), "out.csv", "--output-encoding=gb18030"},
		"JSON Lines, nested":       {"in.jsonl", objects("\n") + "\n", "out.jsonl", "--column=群.chatId"},
		"JSON array, nested":       {"in.json", "[\n" + objects(",\n") + "\n]\n", "out.json", "--column=群.chatId"},
		"CSV to xlsx":              {"in.csv", tableOf(list, ",", "\n"), "out.xlsx", ""},
		"xlsx, by column's number": {"in.xlsx", "", "out.xlsx", "--column=2 --sheet=Sheet1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, form.file, form.content, dingtalktest.WithLatency(2*time.Millisecond))
			if form.content == "" {
				book(t, b.in, list...)
			}
			flags := strings.Fields(form.flags)
			b.out = filepath.Join(filepath.Dir(b.in), "whole-"+form.out)
			b.want(0, "400 converted", flags...)
			whole := b.read(b.out)
			_, _ = os.Remove(b.out), os.Remove(b.out+".journal")
			b.server.ResetRequests()
			b.out = filepath.Join(filepath.Dir(b.in), form.out)
			killed := b.kills(6, rand.New(rand.NewPCG(4711, 3)), 60, append(flags, "--concurrency=8")...) //nolint:gosec // chance, not secrecy
			b.want(0, "400 converted", flags...)
			if b.read(b.out) != whole || b.files() != form.file+" "+form.out+" "+form.out+".journal" {
				t.Errorf("the output is not what an undisturbed run gives; files %s", b.files())
			}
			if calls := b.server.Count(conversion); calls < distinct || calls > distinct+killed*concurrency || killed < 3 {
				t.Errorf("%d calls for %d chats and %d kills", calls, distinct, killed)
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
		book(t, path, ids...)
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
			content = gb18030(content)
		case 2:
			content = utf16LE(content)
		}
	}
	write(t, path, content)
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
			list := ids(100)
			seen := map[string]bool{}
			killed := 0
			for killed < most {
				for range 50 {
					list = append(list, fmt.Sprintf("chat%032x", 100+len(seen)+len(list)))
				}
				for _, id := range list { // all that the list ever had
					seen[id] = true
				}
				random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				list = list[:len(list)-random.IntN(5)]
				saved(t, b.in, list, random)
				killed += b.kills(1, random, 40, "--concurrency=8")
			}
			saved(t, b.in, list, random)
			b.want(0, fmt.Sprintf("%d converted, 0 failed", len(list)))
			var order []string
			for line := range strings.Lines(rowsOf(t, b.out)) {
				for id := range seen {
					if strings.Contains(line, id) && strings.Contains(line, dingtalktest.OpenConversationIDOf(id)) {
						order = append(order, id)
					}
				}
			}
			calls := b.server.Count(conversion)
			t.Logf("%d kills, %d rows of %d chats that were ever in the list, %d calls", killed, len(list), len(seen), calls)
			if !slices.Equal(order, list) {
				t.Errorf("%d rows of %d have their results, or not in their order", len(order), len(list))
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
	raw := []byte(newcomer.Read(t, path))
	if filepath.Ext(path) == ".xlsx" {
		file, err := excelize.OpenReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := file.GetRows(file.GetSheetName(0))
		if err != nil {
			t.Fatal(err)
		}
		raw = nil
		for _, row := range rows {
			raw = append(raw, strings.Join(row, ",")+"\n"...)
		}
	}
	if rest, is := bytes.CutPrefix(raw, []byte{0xff, 0xfe}); is { // all of it is ASCII but for names
		raw = bytes.ReplaceAll(rest, []byte{0}, nil)
	}
	return string(raw)
}
