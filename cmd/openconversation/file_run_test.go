package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// summary and plan are what --json prints of a run and of --dry-run.
type summary struct {
	Complete                                  bool
	Rows, Total, Converted, Failed            int
	Kept, Skipped, Calls, Throttled, ExitCode int
	Seconds                                   float64
	Output, Error                             string
}

type plan struct {
	Rows, Done, Distinct, Invalid, Skipped, Calls int
	Seconds                                       float64
	Share                                         float64 `json:"monthlyShare"`
	ReadAs                                        string
}

var conversion = generated.OperationChatIDToOpenConversationID

// bench is an emulator, an input and a place for the output.
type bench struct {
	t       *testing.T
	server  *dingtalktest.Server
	in, out string
}

func newBench(t *testing.T, name, content string, opts ...dingtalktest.Option) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{
		t: t, server: dingtalktest.NewServer(t, append([]dingtalktest.Option{dingtalktest.WithAnyChat()}, opts...)...),
		in: filepath.Join(dir, name), out: filepath.Join(dir, "out"),
	}
	if err := os.WriteFile(b.in, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

// args are those of a conversion from input to output.
func (b *bench) args(flags ...string) []string {
	return append([]string{"convert", "--input", b.in, "--output", b.out, "--qps", "0"}, flags...)
}

func (b *bench) run(flags ...string) result {
	return call{args: b.args(flags...), env: serverEnv(b.server)}.run()
}

// want runs and compares exit code and what standard error holds.
func (b *bench) want(code int, stderr string, flags ...string) {
	b.t.Helper()
	got := b.run(flags...)
	if got.code != code || !strings.Contains(got.stderr, stderr) {
		b.t.Errorf("%q: exit code %d, want %d, and %q in\n%s", flags, got.code, code, stderr, got.stderr)
	}
}

// wantWith is the same in an environment of the test's own.
func (b *bench) wantWith(env map[string]string, code int, stderr string, flags ...string) {
	b.t.Helper()
	got := call{args: b.args(flags...), env: env}.run()
	if got.code != code || !strings.Contains(got.stderr, stderr) {
		b.t.Errorf("%q: exit code %d, want %d, and %q in\n%s", flags, got.code, code, stderr, got.stderr)
	}
}

func (b *bench) read(path string) string {
	b.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content)
}

func (b *bench) write(path, content string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// marks are those of runs, in the names of side files.
var marks = regexp.MustCompile(`\.[0-9a-f]{16}\b`)

// files are the names in the folder.
func (b *bench) files() string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(b.out))
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return marks.ReplaceAllString(strings.Join(names, " "), ".MARK")
}

// refusing is the environment of a command for which the quota is used up at one of chats, the first time that it is
// called, when as many behind it have been answered.
func (b *bench) refusing(chat, behind int) map[string]string {
	refused, answered := fmt.Sprintf("chat%032x", chat), make(chan struct{}, behind)
	var again atomic.Bool
	return b.behind(func(w http.ResponseWriter, r *http.Request) {
		_, id, converts := strings.Cut(strings.TrimSuffix(r.URL.Path, "/convertToOpenConversationId"), "/im/chat/")
		if !converts || id != refused || again.Swap(true) {
			b.server.ServeHTTP(w, r)
			if converts && id > refused {
				select {
				case answered <- struct{}{}:
				default: // nobody waits for so many
				}
			}
			return
		}
		for range behind {
			<-answered
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"code":%q}`, generated.CodeOrgQuotaExhausted)
	})
}

// behind is the environment of a command that reaches the emulator through a handler.
func (b *bench) behind(handler http.HandlerFunc) map[string]string {
	front := httptest.NewServer(handler)
	b.t.Cleanup(front.Close)
	env := serverEnv(b.server)
	env[connect.EnvBaseURL] = front.URL
	return env
}

// chats are n lines, of which every id comes once in distinct lines.
func chats(n, distinct int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "chat%032x\n", i%distinct)
	}
	return b.String()
}

// convertedChats is the output for chats.
func convertedChats(n, distinct int) string {
	var b strings.Builder
	b.WriteString("chat_id,open_conversation_id,error_code,error\n")
	for i := range n {
		id := fmt.Sprintf("chat%032x", i%distinct)
		fmt.Fprintf(&b, "%s,%s,,\n", id, dingtalktest.OpenConversationIDOf(id))
	}
	return b.String()
}

// partlyConverted is the output for chats of which the first n distinct ones are called.
func partlyConverted(n, rows int) string {
	text := convertedChats(n, rows)
	for i := n; i < rows; i++ {
		text += fmt.Sprintf("chat%032x,,not-tried,not tried\n", i)
	}
	return text
}

func TestFileFormats(t *testing.T) {
	tests := []struct {
		name, file, content string
		flags               []string
		code                int
	}{
		{"lines", "in.txt", "\uFEFF# chats\r\n" + chat + "\r\n\r\nunknown1\r\n..\r\na/b\r\nwhat?\r\ncid0=0==\r\n" + strings.Repeat("x", 257) + "\r\na\x01b\r\n" + chat, nil, 1},
		{"csv", "in.csv", "\uFEFFname,chat_id,note\r\n\"A, B\"," + chat + ",=1+1\r\n\"line\r\nend\",unknown1,\r\n\r\n,,\r\n@x, " + chat + " ,é\r\n", nil, 1},
		{"tsv", "in.dat", "a\tid\n1\t" + chat + "\n", []string{"--format", "tsv", "--column", "id"}, 0},
		{"jsonl", "in.ndjson", `{"chatId":"` + chat + `","n":1.0}` + "\n\n" + `{ "n" : {"chatId":1}, "chatId":"unknown1" }` + "\n{\"n\":1}\n{\"chatId\":1}\n", nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.file, tt.content)
			b.want(tt.code, " converted, ", tt.flags...)
			golden(t, "file-"+tt.name, strings.ReplaceAll(b.read(b.out), "\r\n", "<CRLF>\n"))
			if n := b.server.Count(conversion); n > 2 {
				t.Errorf("%d calls", n)
			}
			// To standard output and from standard input it is the same.
			stdout := call{args: append([]string{"convert", "--input", b.in}, tt.flags...), env: serverEnv(b.server)}.run()
			stdin := call{args: append([]string{"convert", "--input", "-", "--format", tt.name}, tt.flags...), env: serverEnv(b.server), stdin: strings.NewReader(tt.content)}.run()
			for _, got := range []result{stdout, stdin} {
				if got.code != tt.code || got.stdout != b.read(b.out) {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

func TestFileUsage(t *testing.T) {
	b := newBench(t, "in.csv", "chat_id,b\nx\n")
	strange, empty, blank := filepath.Join(filepath.Dir(b.in), "in.xls"), filepath.Join(filepath.Dir(b.in), "in.txt"), filepath.Join(filepath.Dir(b.in), "blank.csv")
	b.write(strange, "x")
	b.write(empty, "\n# none\n")
	b.write(blank, "")
	tests := []struct {
		name string
		args []string
		code int
		err  string
	}{
		{"ids beside", []string{"--input", b.in, "x"}, 2, "chat ids cannot stand beside --input"},
		{"flag without input", []string{"--output", "y", "x"}, 2, "--output is for files: it needs --input"},
		{"no file", []string{"--input", "none.txt"}, 2, "open none.txt: "},
		{"folder", []string{"--input", filepath.Dir(b.in)}, 2, " is a folder"},
		{"output folder", []string{"--input", empty, "--output", filepath.Dir(b.in)}, 2, " is a folder"},
		{"unknown format", []string{"--input", strange}, 2, "in.xls: it is named like an Excel workbook, and is text; read it with --format "},
		{"format", []string{"--input", strange, "--format", "xls"}, 2, "--format: use lines, csv, tsv, jsonl, json or xlsx"},
		{"column of lines", []string{"--input", empty, "--column", "x"}, 2, "--column is for tables and JSON, and the input is plain lines"},
		{"ragged", []string{"--input", b.in}, 2, "in.csv: line 2: it has 1 column, and the header has 2"},
		{"empty file", []string{"--input", empty}, 0, "in.txt holds no chat id; nothing was done"},
		{"no header", []string{"--input", blank}, 0, "blank.csv holds no chat id; nothing was done"},
		{"empty input", []string{"--input", "-"}, 0, "standard input holds no chat id; nothing was done"},
		{"again without output", []string{"--input", b.in, "--again", "all"}, 2, "--again needs --output"},
		{"again what", []string{"--input", b.in, "--output", "x", "--again", "x"}, 2, "--again: use failed or all"},
		{"sheet of CSV", []string{"--input", b.in, "--sheet", "x"}, 2, "--sheet is for workbooks, and the input is CSV"},
		{"delimiter of lines", []string{"--input", empty, "--delimiter", "tab"}, 2, "--delimiter is for CSV and TSV, and the input is plain lines"},
		{"unknown delimiter", []string{"--input", b.in, "--delimiter", "x"}, 2, "--delimiter: use comma, semicolon, tab or bar"},
		{"unknown encoding", []string{"--input", b.in, "--encoding", "x"}, 2, "--encoding: use "},
		{"encoding of a workbook", []string{"--input", b.in, "--output", "x.xlsx", "--output-encoding", "gbk"}, 2, "--output-encoding is for text, and the output is an xlsx workbook"},
		{"JSON without output", []string{"--input", b.in, "--json"}, 2, "add --output"},
		{"qps", []string{"--qps", "-1", "x"}, 2, "--qps: -1 is not between"},
		{"qps not a number", []string{"--qps", "NaN", "x"}, 2, "--qps: NaN is not between"},
		{"concurrency", []string{"--concurrency", "0", "x"}, 2, "--concurrency: 0 is not between 1 and 1024"},
		{"max-calls", []string{"--max-calls", "-1", "x"}, 2, "--max-calls: -1 is negative"},
		{"progress", []string{"--input", b.in, "--progress", "x"}, 2, "--progress: use auto, bar, plain or none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call{args: append([]string{"convert"}, tt.args...), env: serverEnv(b.server)}.run()
			if got.code != tt.code || !strings.Contains(got.stderr, tt.err) || got.stdout != "" {
				t.Errorf("%+v", got)
			}
		})
	}
	if n := b.server.Count(conversion); n > 0 {
		t.Errorf("%d calls were spent", n)
	}
}

// Standard input into a file is read through before the first call, and the same list goes on.
func TestStreamIntoAFile(t *testing.T) {
	b := newBench(t, "unused", "")
	run := func(code int, stderr, stdin string, flags ...string) {
		t.Helper()
		got := call{args: append([]string{"convert", "--input", "-", "--format", "csv", "--output", b.out, "--qps", "0"}, flags...), env: serverEnv(b.server), stdin: strings.NewReader(stdin)}.run()
		if got.code != code || !strings.Contains(got.stderr, stderr) {
			t.Errorf("%+v", got)
		}
	}
	run(2, "standard input: line 3: it has 1 column,", "chat_id,n\n"+chat+",1\nx\n")
	if b.files() != "unused" || b.server.Count(conversion) != 0 {
		t.Errorf("files %s, %d calls", b.files(), b.server.Count(conversion))
	}
	run(4, "5 of 20 rows: 5 converted", "chat_id\n"+chats(20, 20), "--max-calls", "5")
	run(0, "20 rows: 20 converted, 0 failed; 15 calls", "chat_id\n"+chats(20, 20))
	if b.read(b.out) != convertedChats(20, 20) {
		t.Error(b.read(b.out))
	}
}

func TestDryRun(t *testing.T) {
	content := "chat_id\n" + chats(9_000, 4_000) + "..\n\n"
	path := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	text := "rows           9001\ndistinct ids   4000\ninvalid rows   1\nskipped lines  1\nread as        CSV, separated by commas, UTF-8\ncalls          4000\ntime           3m20s at 20 calls a second\nquota          80.0% of the 5000 calls of a month\n"
	runArgs(t, "", "convert", "--input", path, "--dry-run").check(t, result{0, text, ""})
	runArgs(t, content, "convert", "--input", "-", "--format", "csv", "--dry-run").check(t, result{0, text, ""})
	got := runArgs(t, "", "convert", "--input", path, "--dry-run", "--json", "--qps", "0")
	var p plan
	if err := json.Unmarshal([]byte(got.stdout), &p); err != nil || p != (plan{ReadAs: "CSV, separated by commas, UTF-8", Rows: 9001, Distinct: 4000, Invalid: 1, Skipped: 1, Calls: 4000, Share: 0.8}) {
		t.Errorf("%v %+v", err, got)
	}
}

func TestEachDistinctChatIsCalledOnce(t *testing.T) {
	b := newBench(t, "in.txt", chats(10_000, 4_000))
	b.want(0, "10000 rows: 10000 converted, 0 failed; 4000 calls, 0 throttled")
	if n, tokens := b.server.Count(conversion), b.server.Count(generated.OperationGetAccessToken); n != 4_000 || tokens != 1 {
		t.Errorf("%d calls, %d token calls", n, tokens)
	}
	if b.read(b.out) != convertedChats(10_000, 4_000) {
		t.Error("the output is another")
	}
	if files := b.files(); files != "in.txt out out.journal" {
		t.Errorf("the folder holds %s", files)
	}
}

func TestSummaryJSON(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3)+"..\nunknown\n")
	got := b.run("--json")
	var s summary
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil {
		t.Fatal(err)
	}
	s.Seconds = 0
	if want := (summary{Complete: true, Rows: 5, Total: 5, Converted: 3, Failed: 2, Calls: 4, Output: b.out, ExitCode: 1}); s != want || got.code != 1 {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(got.stderr, unknownHint[len("hint: "):]) || !strings.Contains(got.stderr, "--again failed") {
		t.Errorf("standard error\n%s", got.stderr)
	}
}

func TestTimeoutOfFile(t *testing.T) {
	b := newBench(t, "in.txt", chats(100, 100))
	b.server.FailNext(slices.Repeat([]dingtalktest.Fault{dingtalktest.Pass().For(conversion)}, 50)...)
	b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
	b.want(5, "stopped by --timeout", "--timeout", "2s", "--concurrency", "1")
	b.server.ClearFaults()
	b.want(0, "50 chats are known; 50 to call")
	if b.read(b.out) != convertedChats(100, 100) || b.server.Count(conversion) != 101 {
		t.Errorf("%d calls", b.server.Count(conversion))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(term.SignalError{Signal: 15})
	if got := (call{ctx: ctx, args: b.args("--again=all"), env: serverEnv(b.server)}).run(); got.code != explain.Terminated {
		t.Errorf("%+v", got)
	}
}
