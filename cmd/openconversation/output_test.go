package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestEachDistinctChatIsCalledOnce(t *testing.T) {
	b := newBench(t, "in.txt", chats(10_000, 4_000))
	b.want(0, "10000 rows: 10000 converted, 0 failed; 4000 calls, 0 throttled")
	if n, tokens := b.server.Count(conversion), b.server.Count(generated.OperationGetAccessToken); n != 4_000 || tokens != 1 {
		t.Errorf("%d calls, %d token calls", n, tokens)
	}
	if b.read(b.out) != convertedChats(10_000, 4_000) || b.files() != "in.txt out out.journal" {
		t.Errorf("the output is another; files %s", b.files())
	}
}

// stopped is a run that the quota ended after 40 of 60 rows.
func stopped(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "in.txt", chats(60, 60), dingtalktest.WithMonthlyQuota(40))
	b.want(4, "monthly quota exhausted", "--concurrency", "1")
	if got := b.read(b.out); got != partlyConverted(40, 60) || b.files() != "in.txt out out.journal" {
		t.Fatalf("%q, files %s", got, b.files())
	}
	b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
	b.server.ResetRequests()
	return b
}

// Whatever became of the list meanwhile, the same command goes on: what is known is not called again, what is new is.
func TestListsMayLive(t *testing.T) {
	shuffled := strings.SplitAfter(chats(60, 60), "\n")
	for i := range 60 {
		shuffled[i], shuffled[i*7%60] = shuffled[i*7%60], shuffled[i]
	}
	for name, tt := range map[string]struct {
		in    string
		calls int
	}{
		"grown":          {chats(80, 80), 40},
		"shorter":        {chats(50, 50), 10},
		"sorted":         {strings.Join(shuffled, ""), 20},
		"twice":          {chats(120, 60), 20},
		"other line end": {"\uFEFF" + strings.ReplaceAll(chats(60, 60), "\n", "\r\n"), 20},
		"a table":        {"name,chat_id,note\n" + strings.ReplaceAll(strings.ReplaceAll(chats(60, 60), "chat", "x,chat"), "\n", ",\"y\"\"\"\n"), 20},
		"another column": {"chat_id;no\n" + strings.ReplaceAll(chats(60, 60), "\n", ";chat1\n"), 20},
	} {
		t.Run(name, func(t *testing.T) {
			b := stopped(t)
			b.write(b.in, tt.in)
			b.want(0, fmt.Sprintf("0 failed; %d calls", tt.calls))
			continued := b.read(b.out)
			if n := b.server.Count(conversion); n != tt.calls {
				t.Errorf("%d calls", n)
			}
			b.out = filepath.Join(filepath.Dir(b.out), "fresh")
			b.want(0, " converted, 0 failed")
			if fresh := b.read(b.out); fresh != continued {
				t.Errorf("continued it is\n%s\nand undisturbed\n%s", continued, fresh)
			}
		})
	}
}

// Conversions behind the failure that ended a run are in the output.
func TestResultsBehindAStopAreKept(t *testing.T) {
	b := newBench(t, "in.txt", chats(30, 30))
	b.server.FailNext(dingtalktest.Fault{Kind: "code", Code: generated.CodeOrgQuotaExhausted, ChatID: ids(11)[10], Delay: dingtalktest.Duration(300 * time.Millisecond)})
	b.want(4, "monthly quota exhausted", "--concurrency", "4")
	known := b.server.Count(conversion) - 1
	if got := b.read(b.out); strings.Count(got, ",cid") != known || strings.Count(got, ",not-tried,") != 30-known || known <= 10 {
		t.Errorf("%d calls\n%s", known+1, got)
	}
	b.want(0, fmt.Sprintf("30 rows: 30 converted, 0 failed; %d calls", 30-known))
	if b.read(b.out) != convertedChats(30, 30) {
		t.Error(b.read(b.out))
	}
}

// Whatever step of replacing an output a process is killed at, the next run ends it, without a call and without a loss.
func TestKilledWhileTheOutputIsReplaced(t *testing.T) {
	for name, leave := range map[string]func(b *bench, mark, old string){
		"while it is assembled":         func(b *bench, mark, old string) { b.write(b.out+"."+mark+".new", "half"); b.write(b.out, old) },
		"before it takes its name":      func(b *bench, _, old string) { b.write(b.out, old) },
		"when the edited one is beside": func(b *bench, mark, _ string) { b.write(b.out+"."+mark+".before", "mine"); _ = os.Remove(b.out) },
		"before the first output":       func(b *bench, _, _ string) { _ = os.Remove(b.out) },
		"after it took its name":        func(*bench, string, string) {},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "in.txt", chats(5, 5))
			b.want(0, "5 converted")
			old := b.read(b.out)
			b.write(b.in, chats(9, 9))
			b.want(0, "9 converted")
			mark := regexp.MustCompile(`"mark":"([0-9a-f]{16})"`).FindStringSubmatch(b.read(b.out + ".journal"))[1]
			leave(b, mark, old)
			b.want(0, "9 converted, 0 failed; 0 calls")
			files := "in.txt out out.journal"
			if strings.Contains(name, "edited") {
				files = "in.txt out out.MARK.before out.journal"
			}
			if b.read(b.out) != convertedChats(9, 9) || b.files() != files {
				t.Errorf("files %s\n%s", b.files(), b.read(b.out))
			}
		})
	}
}

// Nothing that has the name of a side file, or nearly, is touched: only those with the run's own mark are.
func TestNothingOfTheUsersIsTouched(t *testing.T) {
	mine := []string{".new", ".before", ".journal.new", ".journal.bak", ".0123456789abcdef.new", ".0123456789abcdef.before", ".state", ".bak"}
	for name, flags := range map[string][]string{
		"new and again all": {"", "--again=all"}, "resumed and again failed": {"--max-calls=5", "", "--again=failed"},
	} {
		for _, file := range []string{"in.txt", "in.xlsx"} {
			t.Run(name+" "+file, func(t *testing.T) {
				b := newBench(t, file, "unknown1\n"+chats(10, 10))
				if file == "in.xlsx" {
					book(t, b.in, append([]string{"unknown1"}, ids(10)...)...)
				}
				for _, end := range mine {
					b.write(b.out+end, "precious "+end)
				}
				for _, flag := range flags {
					b.wantWith(serverEnv(b.server), map[bool]int{false: 1, true: 4}[strings.HasPrefix(flag, "--max")], "converted", strings.Fields(flag)...)
				}
				for _, end := range mine {
					if got := b.read(b.out + end); got != "precious "+end {
						t.Errorf("out%s holds %q", end, got)
					}
				}
				if entries, _ := os.ReadDir(filepath.Dir(b.out)); len(entries) != len(mine)+3 {
					t.Errorf("files %s", b.files())
				}
			})
		}
	}
}

// Every file beside an output has its mode, and what replaces it as well.
func TestSideFilesTakeTheOutputsMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	b := newBench(t, "in.txt", chats(10, 10))
	if err := os.WriteFile(b.out, nil, 0o600); err != nil { // as mktemp does
		t.Fatal(err)
	}
	for i, mode := range []os.FileMode{0o600, 0o640} {
		if err := os.Chmod(b.out, mode); err != nil {
			t.Fatal(err)
		}
		b.write(b.in, chats(10+i, 10+i))
		b.want(0, " converted, 0 failed")
		for path, want := range map[string]os.FileMode{b.out: mode, b.out + ".journal": 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, want %v", path, info.Mode(), want)
			}
		}
	}
}

// fixture is a bench whose input a spreadsheet program wrote.
func fixture(t *testing.T, name string) *bench {
	t.Helper()
	b := newBench(t, name, newcomer.Read(t, filepath.Join("internal", "rows", "testdata", "files", name)))
	b.out = filepath.Join(filepath.Dir(b.in), "out"+filepath.Ext(name))
	return b
}

// Files as spreadsheet programs write them need no flag, and never cost a call for what is no id.
func TestFilesOfSpreadsheetPrograms(t *testing.T) {
	for _, name := range []string{"calc-utf8.csv", "calc-bar.csv", "calc-gb18030.csv", "calc-gbk-semicolon.csv", "calc-semicolon-quoted.csv", "calc-utf16-tab.txt", "calc.xlsx"} {
		b := fixture(t, name)
		finish(t, b.process()).holds(t, 0, "4 rows: 4 converted, 0 failed; 4 calls", "reading "+b.in+": ")
		if files := b.files(); files != name+" "+filepath.Base(b.out)+" "+filepath.Base(b.out)+".journal" {
			t.Errorf("files %s", files)
		}
	}
	for _, name := range []string{"calc.xls", "calc.ods"} {
		b := fixture(t, name)
		b.want(2, "save it as .xlsx")
		if b.server.Count(conversion) != 0 || b.files() != name {
			t.Errorf("%s: files %s", name, b.files())
		}
	}
}

// Of ids that are all unknown no more than the first twenty different ones are sent, whatever is under way.
func TestWrongColumnStops(t *testing.T) {
	for name, form := range whatGoesIn(ids(200)) {
		server := dingtalktest.NewServer(t) // knows none of them
		for flag, calls := range map[string]int{"--accept-unknown=false": 20, "--accept-unknown": 200} {
			server.ResetRequests()
			got := call{args: append([]string{"convert", "--qps", "0", flag}, form.args...), stdin: strings.NewReader(form.stdin), env: serverEnv(server)}.run()
			if got.code != 1 || server.Count(conversion) != calls || strings.Contains(got.stderr, "the first 20 different ids are all unknown") != (calls == 20) {
				t.Errorf("%s: %d calls, %+v", name, server.Count(conversion), got)
			}
		}
	}
}

// A limit holds in every form, and a stream that stays open is not waited for.
func TestLimits(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	forms := whatGoesIn(ids(30))
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		server.ResetRequests()
		got := call{args: append([]string{"convert", "--limit", "7"}, forms[name].args...), stdin: strings.NewReader(forms[name].stdin), env: serverEnv(server)}.run()
		if got.code != 0 || strings.Count(got.stdout, "cid") != 7 || server.Count(conversion) != 7 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	reader, writer := io.Pipe()
	go func() { _, _ = io.WriteString(writer, chat+"\n"+chat+"\n") }()
	call{args: []string{"convert", "--emulator", "-", "--limit", "2"}, stdin: reader}.run().check(t, result{0, strings.Repeat(chat+"\t"+openID+"\n", 2),
		"openconversation: stopped by --limit: 2 converted, 0 failed, the rest not converted\n"})
}

// printed is a command that a run prints. The words stand as a shell would take them here: no name needs quotes.
var printed = regexp.MustCompile(` with: openconversation (convert .*)`)

// requests is the number of conversions and descriptions so far.
func (b *bench) requests() int {
	return b.server.Count(conversion) + b.server.Count(generated.OperationGetChat)
}

// No hint leads in a circle: whoever does what is printed, as long as something is, comes to an end, and each step that does
// not is one that has called something new.
func TestHintsLeadToAnEnd(t *testing.T) {
	quota := dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion)
	unknownChat := dingtalktest.Code(generated.CodeInvalidChatID).For(conversion)
	away := dingtalktest.Raw(501, "text/html", nil).For(conversion)
	pass := dingtalktest.Pass().For(conversion)
	undescribed := dingtalktest.Raw(501, "text/html", nil).For(generated.OperationGetChat)
	for name, tt := range map[string]struct {
		in     string
		faults []dingtalktest.Fault
		before func(b *bench)
		flags  []string
		most   int // steps
	}{
		"nothing wrong":           {chats(30, 30), nil, nil, nil, 1},
		"unknown chats":           {chats(30, 30), []dingtalktest.Fault{pass, unknownChat.Times(3)}, nil, nil, 2},
		"unknown, and stay so":    {"unknown1\nunknown2\n" + chats(30, 30), nil, nil, nil, 2},
		"no ids":                  {"..\na b\n" + chats(30, 30), nil, nil, nil, 1},
		"quota":                   {chats(30, 30), []dingtalktest.Fault{pass.Times(5), quota}, nil, nil, 2},
		"quota at once":           {chats(30, 30), []dingtalktest.Fault{quota}, nil, nil, 1},
		"network":                 {chats(30, 30), []dingtalktest.Fault{pass.Times(5), away.Times(3)}, nil, nil, 2},
		"network is gone":         {chats(30, 30), []dingtalktest.Fault{pass.Times(5), away.Times(6)}, nil, nil, 3},
		"limit":                   {chats(30, 30), nil, nil, []string{"--limit", "7"}, 2},
		"limit above nonsense":    {strings.Repeat("a b\n", 20) + chats(30, 30), nil, nil, []string{"--limit", "7"}, 2},
		"max-calls":               {chats(30, 30), nil, nil, []string{"--max-calls", "7"}, 6},
		"a wrong column":          {chats(30, 30), []dingtalktest.Fault{unknownChat.Times(20)}, nil, nil, 1},
		"a wrong column, again":   {chats(30, 30), []dingtalktest.Fault{unknownChat.Times(20)}, func(b *bench) { b.run() }, nil, 1},
		"descriptions fail":       {chats(5, 5), []dingtalktest.Fault{undescribed.Times(2)}, nil, []string{"--check"}, 2},
		"again failed, stopped":   {chats(30, 30), []dingtalktest.Fault{unknownChat.Times(9), pass.Times(21), pass.Times(3), quota}, func(b *bench) { b.run() }, []string{"--again", "failed"}, 2},
		"again all, stopped":      {chats(30, 30), []dingtalktest.Fault{pass.Times(30), pass.Times(9), quota}, func(b *bench) { b.run() }, []string{"--again", "all"}, 2},
		"again all, without luck": {chats(30, 30), []dingtalktest.Fault{pass.Times(30), quota}, func(b *bench) { b.run() }, []string{"--again", "all"}, 1},
		"torn journal": {chats(30, 30), nil, func(b *bench) {
			b.run("--limit", "3")
			b.write(b.out+".journal", b.read(b.out + ".journal")[:300])
		}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "in.txt", tt.in)
			b.server.FailNext(tt.faults...)
			flags := append([]string{"--concurrency", "1"}, tt.flags...)
			if tt.before != nil {
				tt.before(b)
			}
			args := b.args(flags...)
			for step := 1; ; step++ {
				calls := b.requests()
				got := call{args: args, env: serverEnv(b.server)}.run()
				next := printed.FindStringSubmatch(got.stderr)
				if next == nil {
					if step > tt.most {
						t.Errorf("%d steps, want %d at most", step, tt.most)
					}
					break
				}
				if step > tt.most || b.requests() == calls {
					t.Fatalf("step %d: %q\n%s", step, args, got.stderr)
				}
				args = strings.Fields(next[1])
			}
			if left, _ := os.ReadFile(b.out); tt.most > 1 && (strings.Contains(string(left), ",not-tried,") || len(left) == 0) {
				t.Errorf("chats are left\n%s", left)
			}
		})
	}
}

// The command that a stopped run prints is one that goes on with it, typed into a shell as it stands.
func TestPrintedCommandGoesOn(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to type into")
	}
	csv := "id,it's $HOME `x` *\n" + chat + ",a\n" + chat + ",b\n" + chat + ",c\n"
	for name, tt := range map[string]struct {
		file, content string
		flags         []string
	}{
		"names with quotes and blanks": {"it's in.csv", csv, []string{"--column", "it's $HOME `x` *"}},
		"format and column":            {"in.dat", strings.ReplaceAll(csv, ",", "\t"), []string{"--format", "tsv", "--column", "it's $HOME `x` *"}},
		"field":                        {"in.jsonl", `{"a b":"a"}` + "\n" + `{"a b":"b"}` + "\n" + `{"a b":"c"}` + "\n", []string{"--column", "a b"}},
		"pace":                         {"in.txt", "a\nb\nc\n", []string{"--qps", "0.5e3", "--timeout", "1m", "--progress", "none", "--max-calls", "100"}},
		"Redis":                        {"in.txt", "a\nb\nc\n", []string{"--redis", "redis://127.0.0.1:1/0", "--monthly-budget", "0", "--organization", "my corp"}},
		"host and secret":              {"in.txt", "a\nb\nc\n", []string{"--base-url", "URL", "--app-secret-file", "my secret"}},
		"the emulator":                 {"in.txt", chat + "\n..\nb\n", []string{"--emulator"}}, // which has failures of its own
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.file, tt.content)
			b.out = filepath.Join(filepath.Dir(b.in), "it's out")
			env := serverEnv(b.server)
			if name == "host and secret" {
				tt.flags[1], tt.flags[3] = b.server.URL, filepath.Join(filepath.Dir(b.in), tt.flags[3])
				b.write(tt.flags[3], env[connect.EnvAppSecret])
				env = map[string]string{connect.EnvAppKey: env[connect.EnvAppKey]}
			}
			b.server.FailNext(dingtalktest.Pass().For(conversion), dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion))
			got := finish(t, command(t, env, append([]string{"convert", "-i", b.in, "-o", b.out, "--concurrency", "1"}, tt.flags...)...))
			next := regexp.MustCompile(` with: (.*)`).FindStringSubmatch(got.stderr)
			if next == nil {
				t.Fatalf("%+v", got)
			}
			typed := command(t, env)
			typed.Path, typed.Args, typed.Env = shell, []string{shell, "-c", next[1]}, append(typed.Env, "PATH="+os.Getenv("PATH"))
			got = finish(t, typed)
			if again := name == "the emulator"; again && got.code != 1 || !again && (got.code != 0 || !strings.Contains(got.stderr, "3 rows: 3 converted, 0 failed")) {
				t.Errorf("%s\n%+v", next[1], got)
			}
		})
	}
}
