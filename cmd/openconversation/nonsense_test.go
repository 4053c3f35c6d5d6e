package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What looks like something else than a list of ids is not sent line by line.
func TestNonsenseOnStandardInput(t *testing.T) {
	csv := "chat_id,name\n" + chat + ",a\n"
	for name, stdin := range map[string]string{
		"comma":     csv,
		"semicolon": strings.ReplaceAll(csv, ",", ";"),
		"tab":       strings.ReplaceAll(csv, ",", "\t"),
		"bar":       strings.ReplaceAll(csv, ",", "|"),
		"one cell":  "chat_id\n" + chat + "\n",
		"quotes":    "\"chatId\";\"name\"\r\n\"" + chat + "\";\"a;b\"\r\n",
		"mark":      "\uFEFF" + csv,
		"sep=":      "sep=;\n" + strings.ReplaceAll(csv, ",", ";"),
		"objects":   `{"chatId":"` + chat + `"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "unused", "")
			cmd := start(t, serverEnv(b.server), "convert", "-")
			cmd.Stdin = strings.NewReader(stdin)
			if got := finish(t, cmd); got.code != 2 || !strings.Contains(got.stderr, "openconversation convert --input -") || b.server.Count(conversion) != 0 {
				t.Errorf("%d calls, %+v", b.server.Count(conversion), got)
			}
			cmd = start(t, serverEnv(b.server), "convert", "--input", "-")
			cmd.Stdin = strings.NewReader(stdin)
			if got := finish(t, cmd); got.code != 0 || b.server.Count(conversion) != 1 || strings.Count(got.stdout, openID) != 1 {
				t.Errorf("%d calls, %+v", b.server.Count(conversion), got)
			}
		})
	}
}

// What cannot be a chat id is not sent, in whatever form it comes.
func TestNonsenseIsNotSent(t *testing.T) {
	bad := []string{"https://example.com/x", "chat/create", "a,b", "a;b", `a"b`, "{x}", "=A1", "chat_id", "#N/A", "1.2E+15", "a b", "a|b"}
	b := newBench(t, "in.jsonl", "")
	for name, form := range whatGoesIn(bad[:1]) {
		for _, id := range bad {
			form = whatGoesIn([]string{id})[name]
			switch {
			case name == "CSV as rows" && strings.ContainsAny(id, ",;|\""), name == "lines" && id == "chat_id", name == "lines as rows" && id == "chat_id",
				strings.HasPrefix(name, "lines") && strings.ContainsAny(id, ",;|{#"), name == "JSON as rows" && strings.Contains(id, `"`):
				continue // which is another fault of the file as a whole
			}
			cmd := start(t, serverEnv(b.server), append([]string{"convert"}, form.args...)...)
			cmd.Stdin = strings.NewReader(form.stdin)
			if got := finish(t, cmd); got.code != 1 || !strings.Contains(got.stdout+got.stderr, "not sent: ") {
				t.Errorf("%s, %s: %+v", name, id, got)
			}
		}
	}
	if n := b.server.Count(conversion); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// Of ids that are all unknown no more than the first twenty different ones are sent.
func TestWrongColumnStops(t *testing.T) {
	for name, form := range whatGoesIn(someIDs(400)) {
		t.Run(name, func(t *testing.T) {
			server := dingtalktest.NewServer(t, dingtalktest.WithLatency(2*time.Millisecond)) // knows none of them
			cmd := start(t, serverEnv(server), append([]string{"convert", "--qps", "0"}, form.args...)...)
			cmd.Stdin = strings.NewReader(form.stdin)
			got := finish(t, cmd)
			if got.code != 1 || server.Count(conversion) != 20 || !strings.Contains(got.stderr, "the first 20 different ids are all unknown") || !strings.Contains(got.stderr, "--accept-unknown") {
				t.Errorf("%d calls, %+v", server.Count(conversion), got)
			}
			cmd = start(t, serverEnv(server), append([]string{"convert", "--qps", "0", "--accept-unknown"}, form.args...)...)
			cmd.Stdin = strings.NewReader(form.stdin)
			if got := finish(t, cmd); got.code != 1 || server.Count(conversion) != 420 {
				t.Errorf("exit code %d, %d calls", got.code, server.Count(conversion))
			}
		})
	}
}

// A run that goes on knows what the part before it has seen.
func TestWrongColumnAndResume(t *testing.T) {
	b := newBench(t, "in.txt", chats(400, 400))
	b.server = dingtalktest.NewServer(t)
	b.want(1, "20 of 400 rows: 0 converted, 20 failed; 20 calls")
	b.want(1, "20 of 400 rows: 0 converted, 20 failed; 0 calls")
	b.want(1, "400 rows: 0 converted, 400 failed; 380 calls", "--accept-unknown")
	b.want(1, "; 20 calls", "--again=failed")
	if b.files() != "in.txt out out.journal" {
		t.Errorf("files %s", b.files())
	}

	// One that is known is enough, wherever it is among them.
	b = newBench(t, "in.txt", strings.ReplaceAll(chats(60, 60), "chat", "unknown")+chat+"\n")
	b.server = dingtalktest.NewServer(t)
	b.write(b.in, chats(19, 19)+chat+"\n"+chats(60, 60))
	b.want(1, "80 rows: 1 converted, 79 failed; 61 calls")
	if n := b.server.Count(conversion); n != 61 {
		t.Errorf("%d calls", n)
	}
}

func TestLimits(t *testing.T) {
	b := newBench(t, "in.txt", chats(50, 50))
	b.want(0, "10 of 50 rows: 10 converted, 0 failed; 10 calls", "--limit", "10")
	if b.read(b.out) != partlyConverted(10, 50) || b.server.Count(conversion) != 10 {
		t.Errorf("%d calls\n%s", b.server.Count(conversion), b.read(b.out))
	}
	b.want(0, "15 of 50 rows: 15 converted, 0 failed; 5 calls", "--limit", "5")
	b.want(0, "50 rows: 50 converted, 0 failed; 35 calls", "--limit", "35")
	if b.read(b.out) != convertedChats(50, 50) || b.files() != "in.txt out out.journal" {
		t.Errorf("files %s", b.files())
	}
	for name, form := range whatGoesIn(someIDs(30)) {
		before := b.server.Count(conversion)
		cmd := start(t, serverEnv(b.server), append([]string{"convert", "--limit", "7"}, form.args...)...)
		cmd.Stdin = strings.NewReader(form.stdin)
		if got := finish(t, cmd); got.code != 0 || strings.Count(got.stdout, "cid") != 7 || b.server.Count(conversion)-before != 7 {
			t.Errorf("%s: %+v", name, got)
		}
	}

	// A stream that stays open is not waited for.
	cmd, stdin, stdout := converting(t, "--limit", "2")
	defer stdin.Close()
	if _, err := io.WriteString(stdin, chat+"\n"+chat+"\n"); err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(stdout); err != nil || strings.Count(string(out), openID) != 2 {
		t.Errorf("%q %v", out, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}

}

func TestHeaderOnly(t *testing.T) {
	for name, want := range map[string]string{"in.csv": "chat_id;n;open_conversation_id;error_code;error\n", "in.txt": ""} {
		content := "chat_id;n\n"
		if name == "in.txt" {
			content = "# nothing\n"
		}
		b := newBench(t, name, content)
		got := call{args: b.args()}.run() // needs no credentials
		files := name
		if want != "" {
			files += " out out.journal"
		}
		if got.code != 0 || !strings.Contains(got.stderr, "holds no chat id") || b.files() != files {
			t.Errorf("%+v, files %s", got, b.files())
		}
		if want != "" && b.read(b.out) != want {
			t.Errorf("%q", b.read(b.out))
		}
		if got := (call{args: []string{"convert", "--input", b.in, "--output", "-"}}).run(); got.code != 0 || got.stdout != want {
			t.Errorf("%+v", got)
		}
	}
}

func TestOutputFormats(t *testing.T) {
	b := newBench(t, "in.csv", "chat_id\n"+chat+"\n")
	dash := finish(t, start(t, serverEnv(b.server), "convert", "--input", b.in, "--output", "-"))
	if dash.code != 0 || strings.Count(dash.stdout, "\n") != 2 || b.files() != "in.csv" {
		t.Errorf("%+v, files %s", dash, b.files())
	}
	b.out = filepath.Join(filepath.Dir(b.in), "out.json")
	b.want(2, "out.json cannot be written: rows of CSV can become .csv, .tsv, .xlsx, .jsonl")
	if b.files() != "in.csv" || b.server.Count(conversion) != 1 {
		t.Errorf("files %s", b.files())
	}
	for _, name := range []string{"out.xlsx", "out.csv"} {
		b.out = filepath.Join(filepath.Dir(b.in), name)
		b.want(0, "1 converted")
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(b.in), "out.xlsx"))
	if err != nil || !strings.HasPrefix(string(content), "PK") {
		t.Errorf("%v %.20q", err, content)
	}
	got := call{args: []string{"convert", "--input", filepath.Join(filepath.Dir(b.in), "out.xlsx")}, env: serverEnv(b.server)}.run()
	if got.code != 2 || !strings.Contains(got.stderr, "add --output") && !strings.Contains(got.stderr, "already") {
		t.Errorf("%+v", got)
	}
}

// A plan of the rest says what the rest costs, and changes nothing.
func TestPlanOfTheRest(t *testing.T) {
	b := stopped(t) // 40 of 60 rows
	before, journal := b.read(b.out), b.read(b.out+".journal")
	got := b.run("--dry-run")
	if got.code != 0 || !strings.Contains(got.stdout, "done           40\n") || !strings.Contains(got.stdout, "calls          20\n") {
		t.Errorf("%+v", got)
	}
	if b.read(b.out) != before || b.read(b.out+".journal") != journal || b.files() != "in.txt out out.journal" || b.server.Count(conversion) != 0 {
		t.Errorf("files %s", b.files())
	}
	b.want(0, "60 converted, 0 failed; 20 calls")
	b.server.FailNext(dingtalktest.Code("permession.checkFailed").For(conversion).Times(7))
	b.want(1, "7 failed", "--again=all", "--concurrency", "1")
	before = b.read(b.out)
	calls := b.server.Count(conversion)
	failed := strings.Count(before, ",permession.checkFailed,")
	got = b.run("--dry-run", "--again=failed")
	if got.code != 0 || !strings.Contains(got.stdout, fmt.Sprintf("done           %d\n", 60-failed)) || !strings.Contains(got.stdout, "calls          7\n") {
		t.Errorf("%d failed: %+v", failed, got)
	}
	if b.read(b.out) != before || b.files() != "in.txt out out.journal" || b.server.Count(conversion) != calls {
		t.Errorf("files %s", b.files())
	}
}
