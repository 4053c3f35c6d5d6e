package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestExistingOutputIsRefused(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	b.write(b.out, "precious\n")
	b.want(2, b.out+" exists\nhint: name another --output")
	b.want(2, "is not an output for this input", "--resume")
	b.want(2, "is not an output for this input", "--retry-failed")
	if b.read(b.out) != "precious\n" || b.server.Count(conversion) != 0 || b.files() != "in.txt out" {
		t.Errorf("%q, %d calls, files %s", b.read(b.out), b.server.Count(conversion), b.files())
	}
	b.want(0, "3 converted", "--force")
	if b.read(b.out) != convertedChats(3, 3) {
		t.Errorf("%q", b.read(b.out))
	}
	b.want(0, "is complete; nothing was called", "--resume")
	b.want(0, "holds no failed row", "--retry-failed")
	if n := b.server.Count(conversion); n != 3 || b.files() != "in.txt out" {
		t.Errorf("%d calls, files %s", n, b.files())
	}

	b.out = b.in
	b.want(2, "in.txt is the input", "--force")
	if b.read(b.in) != chats(3, 3) {
		t.Error("the input is gone")
	}
	b.out = filepath.Join(filepath.Dir(b.in), "none", "out")
	b.want(2, b.out+": the folder "+filepath.Dir(b.out)+" does not exist")
}

// What is not saved is not called, and what cannot be called leaves nothing behind.
func TestNothingIsLeftOfARunThatDidNothing(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	env := serverEnv(b.server)
	env[connect.EnvAppSecret] = "wrong"
	if got := (call{args: b.args(), env: env}).run(); got.code != 3 || b.files() != "in.txt" {
		t.Errorf("%+v, files %s", got, b.files())
	}
	b.want(0, "out does not exist; this is a new run\nopenconversation: 3 rows: 3 converted", "--resume")
	if got := (call{args: []string{"convert", "--input", "-", "--output", b.out + "2"}, env: serverEnv(b.server)}).run(); got.code != 0 || b.files() != "in.txt out" {
		t.Errorf("%+v, files %s", got, b.files())
	}
}

// stopped is a run that the quota ended after 40 of 60 rows.
func stopped(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, "in.txt", chats(60, 50), dingtalktest.WithMonthlyQuota(40))
	b.want(4, "monthly quota exhausted", "--concurrency", "1")
	if got := b.read(b.out); got != convertedChats(40, 50) || b.files() != "in.txt out out.state" {
		t.Fatalf("%q, files %s", got, b.files())
	}
	b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
	b.server.ResetRequests()
	return b
}

func TestStateThatDoesNotMatchIsRefused(t *testing.T) {
	change := func(f func(map[string]any)) func(*bench) {
		return func(b *bench) {
			state := map[string]any{}
			if err := json.Unmarshal([]byte(b.read(b.out+".state")), &state); err != nil {
				b.t.Fatal(err)
			}
			f(state)
			raw, _ := json.Marshal(state)
			b.write(b.out+".state", string(raw))
		}
	}
	tests := []struct {
		name   string
		change func(*bench)
		flags  []string
		err    string
	}{
		{"no --resume", func(*bench) {}, nil, "go on with --resume"},
		{"--retry-failed", func(*bench) {}, []string{"--retry-failed"}, "finish it with --resume first"},
		{"input", func(b *bench) { b.write(b.in, chats(61, 50)) }, []string{"--resume"}, "another input, or the input has changed since"},
		{"host", func(*bench) {}, []string{"--resume", "--region", "mainland"}, "another app, region or host"},
		{"app", change(func(s map[string]any) { s["app"] = "x" }), []string{"--resume"}, "another app, region or host"},
		{"schema", change(func(s map[string]any) { s["schema"] = 3 }), []string{"--resume"}, "is of schema 3, and this command's is 2"},
		{"format", change(func(s map[string]any) { s["format"] = "csv" }), []string{"--resume"}, "another format"},
		{"column", change(func(s map[string]any) { s["column"] = "x" }), []string{"--resume"}, "another column or field"},
		{"stream", change(func(s map[string]any) { s["input"] = "" }), []string{"--resume"}, "its input was a stream"},
		{"--retry-failed under way", change(func(s map[string]any) { s["retry"] = true }), []string{"--resume"}, "run that again"},
		{"corrupt", func(b *bench) { b.write(b.out+".state", "{\"schema\":") }, []string{"--resume"}, "out.state is corrupt"},
		{"gone", func(b *bench) { _ = os.Remove(b.out + ".state") }, []string{"--resume"}, "is not complete, and there is no"},
		{"changed row", func(b *bench) { b.write(b.out, strings.Replace(b.read(b.out), "chat0", "chat1", 1)) }, []string{"--resume"}, "row 1 is not what the input's line 1 gives"},
		{"row within", func(b *bench) { b.write(b.out, strings.Replace(b.read(b.out), "==,,\n", "==,,\nx\n", 1)) }, []string{"--resume"}, "row 2 is not what the input's line 2 gives"},
		{"header", func(b *bench) { b.write(b.out, "x"+b.read(b.out)) }, []string{"--resume"}, "its header is not what the input gives"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := stopped(t)
			tt.change(b)
			before := b.read(b.out)
			b.want(2, tt.err, tt.flags...)
			if b.read(b.out) != before || b.server.Count(conversion) != 0 {
				t.Errorf("the output has changed, or %d calls were spent", b.server.Count(conversion))
			}
		})
	}
}

func TestQuotaAndResume(t *testing.T) {
	b := stopped(t)
	if state := b.read(b.out + ".state"); strings.Contains(state, dingtalktest.AppKey) || strings.Contains(state, dingtalktest.AppSecret) {
		t.Errorf("the state holds what is secret: %s", state)
	}
	// A torn last record, wherever it is torn, is written again.
	whole := b.read(b.out)
	for _, torn := range []string{"c", "chat00000000000000000000000000000028,cid", "chat00000000000000000000000000000028,\"", "\x00\x00"} {
		b.write(b.out, whole+torn)
		b.server.Configure(dingtalktest.WithMonthlyQuota(0))
		b.want(4, "40 of 60 rows are done", "--resume")
		if b.read(b.out) != whole {
			t.Fatalf("%q is still there", torn)
		}
	}
	b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
	b.server.ResetRequests()
	b.want(0, "60 rows: 60 converted, 0 failed; 10 calls", "--resume")
	if b.read(b.out) != convertedChats(60, 50) || b.server.Count(conversion) != 10 || b.files() != "in.txt out" {
		t.Errorf("%d calls, files %s", b.server.Count(conversion), b.files())
	}
	if b.read(b.out); os.Truncate(b.out, 7) != nil { // nothing but a torn header, and no state
		t.Fatal("cannot truncate")
	}
	b.want(2, "is not an output for this input", "--resume")
}

func TestRetryFailed(t *testing.T) {
	b := newBench(t, "in.txt", chats(20, 10)+"..\nunknown1\n", dingtalktest.WithOwnerNotVisible("chat"+strings.Repeat("0", 31)+"3", "chat"+strings.Repeat("0", 31)+"7"))
	b.want(1, "22 rows: 16 converted, 6 failed; 11 calls")
	if got := b.read(b.out); strings.Count(got, "owner") == 0 {
		t.Fatalf("%s", got)
	}
	b.server.ResetRequests()
	b.server.Configure(dingtalktest.WithMonthlyQuota(b.server.QuotaUsed() + 1))
	b.want(4, "go on with: openconversation convert", "--retry-failed", "--concurrency", "1")
	if got := b.read(b.out); strings.Count(got, "\n") != 23 || b.files() != "in.txt out" {
		t.Fatalf("%s\nfiles %s", got, b.files())
	}
	// The owners have become visible.
	visible := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	b.server = visible
	b.want(1, "22 rows: 20 converted, 2 failed; 3 calls", "--retry-failed")
	want := convertedChats(20, 10) + "..,,invalid-chat-id,not sent: it would change the request's path\nunknown1,,invalideChatId,chat id is unknown or malformed: Invalid chatId\n"
	if got := b.read(b.out); got != want || b.files() != "in.txt out" {
		t.Errorf("%s\nfiles %s", got, b.files())
	}
	b.write(b.in, chats(20, 10))
	b.want(2, "holds more rows than the input", "--retry-failed")
	b.write(b.in, chats(30, 10))
	b.want(2, "is not an output for this input", "--retry-failed")
	if b.read(b.out) != want || b.files() != "in.txt out" {
		t.Errorf("files %s", b.files())
	}
	_ = os.Remove(b.out)
	b.want(2, "does not exist, so no row of it has failed", "--retry-failed")
}

// Exit code 0 means that every row was converted, also if there was nothing left to do.
func TestFailedRowsOfACompleteOutputCount(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3)+"..\n")
	b.want(1, "4 rows: 3 converted, 1 failed; 3 calls")
	b.want(1, "is complete; nothing was called\nopenconversation: 4 rows: 3 converted, 1 failed; 0 calls", "--resume")
	b.write(b.in, chats(3, 3))
	b.want(0, "3 converted", "--force")
	got := b.run("--retry-failed", "--json")
	var s summary
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil {
		t.Fatal(err)
	}
	if want := (summary{Complete: true, Rows: 3, Total: 3, Converted: 3, Output: b.out}); s != want || got.code != 0 || !strings.Contains(got.stderr, "3 rows: 3 converted, 0 failed; 0 calls") {
		t.Errorf("%+v", got)
	}
	if b.read(b.out) != convertedChats(3, 3) || b.files() != "in.txt out" {
		t.Errorf("files %s", b.files())
	}
}

// A --retry-failed that is stopped keeps them in their rows.
func TestRetryKeepsResultsBehindAStop(t *testing.T) {
	jsonl := strings.NewReplacer("chat", `{"chatId":"chat`, "\n", "\"}\n").Replace(chats(12, 12))
	for name, content := range map[string]string{"in.txt": chats(12, 12), "in.jsonl": jsonl} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, name, content)
			b.server.FailNext(dingtalktest.Code(generated.CodeInvalidChatID).For(conversion).Times(12))
			b.want(1, "12 failed")
			failed := b.read(b.out)
			got := call{args: b.args("--retry-failed", "--concurrency", "4"), env: b.refusing(2, 3)}.run()
			if n := strings.Count(b.read(b.out), "cid"); got.code != 4 || n != 5 || strings.Count(b.read(b.out), "\n") != strings.Count(failed, "\n") {
				t.Errorf("%d results, %+v\n%s", n, got, b.read(b.out))
			}
			b.want(0, "12 converted, 0 failed; 7 calls", "--retry-failed")
		})
	}
}

func TestResultsBehindAStopAreKept(t *testing.T) {
	b := newBench(t, "in.txt", chats(30, 30))
	env := b.refusing(10, 3)
	got := call{args: b.args("--concurrency", "4"), env: env}.run()
	if got.code != 4 || b.read(b.out) != convertedChats(10, 30) {
		t.Errorf("%+v\n%s", got, b.read(b.out))
	}
	if got := (call{args: b.args("--resume"), env: env}).run(); got.code != 0 || !strings.Contains(got.stderr, "30 rows: 30 converted, 0 failed; 17 calls") {
		t.Errorf("%+v", got)
	}
	if n := b.server.Count(conversion); n != 30 || b.read(b.out) != convertedChats(30, 30) {
		t.Errorf("%d calls for 30 chats", n)
	}
}
