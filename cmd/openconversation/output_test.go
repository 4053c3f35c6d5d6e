package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
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
	env := b.refusing(10, 3)
	b.wantWith(env, 4, "", "--concurrency", "4")
	if got := b.read(b.out); strings.Count(got, ",cid") != 13 || strings.Count(got, ",not-tried,") != 17 {
		t.Errorf("%s", got)
	}
	b.wantWith(env, 0, "30 rows: 30 converted, 0 failed; 17 calls")
	if n := b.server.Count(conversion); n != 30 || b.read(b.out) != convertedChats(30, 30) {
		t.Errorf("%d calls for 30 chats", n)
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
		for _, file := range []string{"in.txt", "in.csv", "in.xlsx"} {
			t.Run(name+" "+file, func(t *testing.T) {
				b := newBench(t, file, "chat_id\nunknown1\n"+chats(10, 10))
				switch file {
				case "in.txt":
					b.write(b.in, "unknown1\n"+chats(10, 10))
				case "in.xlsx":
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
