package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A file without a journal is nobody's to overwrite.
func TestExistingOutputIsRefused(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	b.write(b.out, "precious\n")
	for _, flag := range []string{"--progress=none", "--again=failed", "--again=all"} {
		b.want(2, b.out+" exists, and no journal of a run is beside it\nhint: name another --output", flag)
	}
	if b.read(b.out) != "precious\n" || b.server.Count(conversion) != 0 || b.files() != "in.txt out" {
		t.Errorf("%q, %d calls, files %s", b.read(b.out), b.server.Count(conversion), b.files())
	}
	b.write(b.out, "")
	b.want(0, "3 converted")
	b.want(0, "is complete; nothing was called")
	b.want(0, "is complete; nothing was called", "--again=failed")
	if n := b.server.Count(conversion); n != 3 || b.read(b.out) != convertedChats(3, 3) || b.files() != "in.txt out out.journal" {
		t.Errorf("%d calls, files %s", n, b.files())
	}

	b.in, b.out = b.in+".csv", b.in+".csv"
	b.write(b.in, "chat_id\n"+chats(3, 3))
	b.want(2, "in.txt.csv is the input")
	if b.read(b.in) != "chat_id\n"+chats(3, 3) {
		t.Error("the input is gone")
	}
	b.out = filepath.Join(filepath.Dir(b.in), "none", "out")
	b.want(2, b.out+": the folder "+filepath.Dir(b.out)+" does not exist")
}

// What someone has edited is kept when it is replaced, and stays in its place as long as there is nothing new.
func TestEditedOutputIsKept(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	b.want(0, "3 converted")
	for n, edited := range []string{"edited\n", "edited again\n"} {
		b.write(b.out, edited)
		b.want(0, "out is complete; nothing was called")
		if b.read(b.out) != edited {
			t.Errorf("%q", b.read(b.out))
		}
		b.write(b.in, chats(4+n, 4+n))
		b.want(0, "out was edited since a run wrote it: it is kept as "+b.out+".")
		if b.read(b.out) != convertedChats(4+n, 4+n) {
			t.Errorf("%q", b.read(b.out))
		}
	}
	if b.files() != "in.txt out out.MARK.before out.MARK.before.2 out.journal" {
		t.Errorf("files %s", b.files())
	}
	// The output of an earlier run is no edit, wherever it comes from.
	b.write(b.out, convertedChats(4, 4))
	b.write(b.in, chats(6, 6))
	b.want(0, "6 converted, 0 failed; 1 call")
	if err := os.Remove(b.out); err != nil {
		t.Fatal(err)
	}
	b.want(0, "6 converted, 0 failed; 0 calls")
	if b.files() != "in.txt out out.MARK.before out.MARK.before.2 out.journal" || b.read(b.out) != convertedChats(6, 6) {
		t.Errorf("files %s", b.files())
	}
}

// What is not saved is not called, and what cannot be called leaves nothing behind.
func TestNothingIsLeftOfARunThatDidNothing(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	env := serverEnv(b.server)
	env[connect.EnvAppSecret] = "wrong"
	if got := (call{args: b.args(), env: env}).run(); got.code != 3 || b.files() != "in.txt" || strings.Contains(got.stderr, "go on with") {
		t.Errorf("%+v, files %s", got, b.files())
	}
	b.want(0, "out has no journal with results; this is a new run\nopenconversation: 3 rows: 3 converted", "--again=failed")
	if got := (call{args: []string{"convert", "--input", "-", "--output", b.out + "2"}, env: serverEnv(b.server)}).run(); got.code != 0 || b.files() != "in.txt out out.journal" {
		t.Errorf("%+v, files %s", got, b.files())
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
	shuffled := func(n int) string {
		lines := strings.SplitAfter(chats(n, n), "\n")
		for i := range n {
			j := i * 7 % n
			lines[i], lines[j] = lines[j], lines[i]
		}
		return strings.Join(lines, "")
	}
	for name, tt := range map[string]struct {
		in    string
		calls int
	}{
		"as it was":      {chats(60, 60), 20},
		"grown":          {chats(80, 80), 40},
		"shorter":        {chats(50, 50), 10},
		"sorted":         {shuffled(60), 20},
		"twice":          {chats(60, 60) + chats(60, 60), 20},
		"other line end": {"\uFEFF" + strings.ReplaceAll(chats(60, 60), "\n", "\r\n"), 20},
		"a table":        {"name,chat_id,note\n" + strings.ReplaceAll(strings.ReplaceAll(chats(60, 60), "chat", "x,chat"), "\n", ",\"y\"\"\"\n"), 20},
		"another column": {"chat_id;no\n" + strings.ReplaceAll(chats(60, 60), "\n", ";chat1\n"), 20},
	} {
		t.Run(name, func(t *testing.T) {
			b := stopped(t)
			b.write(b.in, tt.in)
			b.want(0, fmt.Sprintf("0 failed; %d calls", tt.calls))
			if got := b.read(b.out); strings.Contains(got, "not-tried") || b.server.Count(conversion) != tt.calls {
				t.Errorf("%d calls\n%s", b.server.Count(conversion), got)
			}
			fresh := filepath.Join(filepath.Dir(b.out), "fresh")
			continued := b.read(b.out)
			b.out = fresh
			b.want(0, " converted, 0 failed")
			if b.read(fresh) != continued {
				t.Errorf("continued it is\n%s\nand undisturbed\n%s", continued, b.read(fresh))
			}
		})
	}
}

// A journal that cannot be used is refused before a call, and nothing is changed.
func TestJournalThatDoesNotMatchIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(b *bench)
		flags  []string
		err    string
	}{
		"host": {func(*bench) {}, []string{"--region", "mainland"}, "another app, region or host"},
		"version": {func(b *bench) {
			b.write(b.out+".journal", strings.Replace(b.read(b.out+".journal"), `"version":1`, `"version":2`, 1))
		}, nil, "is no journal of this command's, or its first line is damaged"},
		"gone": {func(b *bench) { _ = os.Remove(b.out + ".journal") }, nil, "exists, and no journal of a run is beside it"},
	} {
		t.Run(name, func(t *testing.T) {
			b := stopped(t)
			tt.change(b)
			before := b.read(b.out)
			b.want(2, tt.err, tt.flags...)
			b.want(2, tt.err, append(tt.flags, "--again=all")...)
			if b.read(b.out) != before || b.server.Count(conversion) != 0 {
				t.Errorf("the output has changed, or %d calls were spent", b.server.Count(conversion))
			}
		})
	}
}

func TestQuotaAndResume(t *testing.T) {
	b := stopped(t)
	journal := b.read(b.out + ".journal")
	if strings.Contains(journal, dingtalktest.AppKey) || strings.Contains(journal, dingtalktest.AppSecret) {
		t.Errorf("the journal holds what is secret: %s", journal)
	}
	b.server.Configure(dingtalktest.WithMonthlyQuota(0))
	b.want(4, "40 chats are known; 20 to call")
	if b.read(b.out) != partlyConverted(40, 60) {
		t.Errorf("%s", b.read(b.out))
	}
	b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
	b.server.ResetRequests()
	// Lines that are torn are called again.
	lines := strings.SplitAfter(b.read(b.out+".journal"), "\n")
	lines[10] = lines[10][:30] + "\n"
	b.write(b.out+".journal", strings.Join(lines, ""))
	b.want(0, "1 line of "+b.out+".journal cannot be read; its chat is called again")
	if b.read(b.out) != convertedChats(60, 60) || b.server.Count(conversion) != 21 || b.files() != "in.txt out out.journal" {
		t.Errorf("%d calls, files %s", b.server.Count(conversion), b.files())
	}
}

func TestAgainFailed(t *testing.T) {
	hidden := []string{"chat" + strings.Repeat("0", 31) + "3", "chat" + strings.Repeat("0", 31) + "7"}
	b := newBench(t, "in.txt", chats(20, 10)+"..\nunknown1\n")
	b.server.FailNext(dingtalktest.Pass().For(conversion).Times(3), dingtalktest.Code(generated.CodeOwnerNotVisible).For(conversion), dingtalktest.Pass().For(conversion).Times(3), dingtalktest.Code(generated.CodeOwnerNotVisible).For(conversion))
	b.want(1, "22 rows: 16 converted, 6 failed; 11 calls", "--concurrency", "1")
	if got := b.read(b.out); strings.Count(got, "owner") == 0 {
		t.Fatalf("%s", got)
	}
	b.want(1, "is complete; nothing was called\nopenconversation: 22 rows: 16 converted, 6 failed; 0 calls")
	b.server.Configure(dingtalktest.WithMonthlyQuota(b.server.QuotaUsed() + 1))
	b.want(4, "go on with: openconversation convert", "--again=failed", "--concurrency", "1")
	if got := b.read(b.out); strings.Count(got, "owner") != 2 || strings.Count(got, "not-tried") != 0 || !strings.Contains(got, hidden[0]+",cid") || !strings.Contains(got, hidden[1]+",,") {
		t.Fatalf("%s", got)
	}
	b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
	b.want(1, "22 rows: 20 converted, 2 failed; 2 calls") // the round goes on
	want := convertedChats(20, 10) + "..,,invalid-chat-id,not sent: it would change the request's path\nunknown1,,invalideChatId,chat id is unknown or malformed: Invalid chatId\n"
	if got := b.read(b.out); got != want || b.files() != "in.txt out out.journal" {
		t.Errorf("%s\nfiles %s", got, b.files())
	}
	got := b.run("--again=failed")
	if got.code != 1 || !strings.Contains(got.stderr, "2 failed; 1 call,") || strings.Contains(got.stderr, "again failed") {
		t.Errorf("%+v", got)
	}
}

// What an earlier run has paid for stays until --again all has called every chat.
func TestAgainAllWithoutAResultChangesNothing(t *testing.T) {
	away := dingtalktest.Raw(501, "text/html", nil).For(conversion).Always()
	unknownChat := dingtalktest.Code(generated.CodeInvalidChatID).For(conversion)
	for name, tt := range map[string]struct {
		secret string
		faults []dingtalktest.Fault
		code   int
	}{
		"wrong secret": {"wrong", nil, 3},
		"no network":   {"", []dingtalktest.Fault{away}, 5},
		"quota":        {"", []dingtalktest.Fault{unknownChat, dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion)}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "in.txt", "..\n"+chats(20, 20))
			b.want(1, "20 converted")
			whole, journal := b.read(b.out), b.journal()
			b.server.FailNext(tt.faults...)
			env := serverEnv(b.server)
			if tt.secret != "" {
				env[connect.EnvAppSecret] = tt.secret
			}
			got := call{args: b.args("--again=all", "--concurrency", "1"), env: env}.run()
			if got.code != tt.code || !strings.Contains(got.stderr, "; nothing was saved\n") || strings.Contains(got.stderr, "go on with: ") {
				t.Errorf("%+v", got)
			}
			if b.read(b.out) != whole || len(b.journal()) != len(journal) || b.files() != "in.txt out out.journal" {
				t.Errorf("files %s\n%s", b.files(), b.read(b.out))
			}
			b.server.ClearFaults()
			b.want(1, "is complete; nothing was called")
		})
	}
}

func TestAgainAllOverAStoppedRun(t *testing.T) {
	b := stopped(t)
	b.server.FailNext(dingtalktest.Pass().For(conversion).Times(3), dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion))
	b.want(4, "in "+b.out+".journal, and "+b.out+" stays as it is until all chats are called", "--again=all", "--concurrency", "1")
	if b.read(b.out) != partlyConverted(40, 60) {
		t.Errorf("%s", b.read(b.out))
	}
	b.want(0, "60 converted, 0 failed; 57 calls", "--again=all") // the round goes on
	if b.read(b.out) != convertedChats(60, 60) || b.files() != "in.txt out out.journal" {
		t.Errorf("files %s", b.files())
	}
	b.want(0, "60 converted, 0 failed; 60 calls", "--again=all")
}

// Nothing is lost of a round of all that is killed before its first result, or after it.
func TestKilledAgainAll(t *testing.T) {
	for _, answered := range []int{0, 5} {
		t.Run(fmt.Sprint(answered), func(t *testing.T) {
			b := stopped(t)
			if answered > 0 {
				b.server.FailNext(dingtalktest.Pass().For(conversion).Times(answered))
			}
			b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
			first := b.process("--again=all", "--concurrency", "1")
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			until(t, "it is at work", func() bool { return b.server.Count(conversion) > answered })
			_ = first.Process.Kill()
			_ = first.Wait()
			if b.read(b.out) != partlyConverted(40, 60) {
				t.Errorf("%s", b.read(b.out))
			}
			b.server.ClearFaults()
			calls := 20 // those that are left of the first run
			if answered > 0 {
				calls = 60 - answered
			}
			b.want(0, fmt.Sprintf("60 converted, 0 failed; %d calls", calls))
			if b.read(b.out) != convertedChats(60, 60) || b.files() != "in.txt out out.journal" {
				t.Errorf("files %s", b.files())
			}
		})
	}
}

// Conversions behind the failure that ended a run are in the output.
func TestResultsBehindAStopAreKept(t *testing.T) {
	b := newBench(t, "in.txt", chats(30, 30))
	env := b.refusing(10, 3)
	got := call{args: b.args("--concurrency", "4"), env: env}.run()
	if got.code != 4 || strings.Count(b.read(b.out), ",cid") != 13 || strings.Count(b.read(b.out), ",not-tried,") != 17 {
		t.Errorf("%+v\n%s", got, b.read(b.out))
	}
	if got := (call{args: b.args(), env: env}).run(); got.code != 0 || !strings.Contains(got.stderr, "30 rows: 30 converted, 0 failed; 17 calls") {
		t.Errorf("%+v", got)
	}
	if n := b.server.Count(conversion); n != 30 || b.read(b.out) != convertedChats(30, 30) {
		t.Errorf("%d calls for 30 chats", n)
	}
}

// A journal that cannot begin must not take the output with it.
func TestRunThatCannotBegin(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3)+"..\n")
	b.out = filepath.Join(filepath.Dir(b.out), strings.Repeat("o", 240)) // with a mark behind it, too long for a file's name
	b.want(2, "name too long")
	if b.files() != "in.txt" {
		t.Errorf("files %s", b.files())
	}
}

// An output as an input, or any table with results, keeps them, and the rest is called.
func TestResultsOfTheInputAreKept(t *testing.T) {
	id := strings.Fields(chats(4, 4))
	filled := "chat_id,open_conversation_id\n" + id[0] + ",cidmine\n" + id[1] + ",\n" + id[0] + ",\n" + id[2] + ",\n"
	b := newBench(t, "in.csv", filled)
	b.want(0, "1 row of "+b.in+" has its result already")
	want := "chat_id,open_conversation_id,error_code,error\n" + id[0] + ",cidmine,,\n" + id[1] + "," + dingtalktest.OpenConversationIDOf(id[1]) + ",,\n" + id[0] + ",cidmine,,\n" + id[2] + "," + dingtalktest.OpenConversationIDOf(id[2]) + ",,\n"
	if got := b.read(b.out); got != want || b.server.Count(conversion) != 2 {
		t.Errorf("%d calls\n%s", b.server.Count(conversion), got)
	}
	b.in, b.out = b.out, b.out+"2"
	b.want(0, "4 rows of "+b.in+" have their results already", "--format", "csv")
	if b.read(b.out) != want || b.server.Count(conversion) != 2 {
		t.Errorf("%d calls\n%s", b.server.Count(conversion), b.read(b.out))
	}
	stdout := call{args: []string{"convert", "--input", b.in, "--format", "csv"}, env: serverEnv(b.server)}.run()
	if stdout.stdout != want || b.server.Count(conversion) != 2 {
		t.Errorf("%+v", stdout)
	}
	b.want(0, "4 converted, 0 failed; 3 calls", "--format", "csv", "--again=all")
	// Results that were made from another column are refused.
	other := newBench(t, "in.csv", "chat_id,name,open_conversation_id\n"+id[0]+",a b,cid1\n")
	other.want(2, "line 2 has a result, and a b is no chat id", "--column", "name")
	if other.files() != "in.csv" || other.server.Count(conversion) != 0 {
		t.Errorf("files %s", other.files())
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
