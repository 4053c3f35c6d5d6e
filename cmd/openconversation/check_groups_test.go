package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestCheckOfIDs: --check adds what is known of a group, and costs a call for each chat that is converted.
func TestCheckOfIDs(t *testing.T) {
	server := dingtalktest.NewServer(t,
		dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chat1", Name: "Sales\tEast", Owner: "boss"}),
		dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chat2", Name: "Old", Owner: "=boss()", Disbanded: true}))
	id := dingtalktest.OpenConversationIDOf
	got := call{args: []string{"convert", "--check", "chat1", "unknown", "chat2"}, env: serverEnv(server)}.run()
	want := "chat1\t" + id("chat1") + "\tSales\\tEast\tboss\tnormal\nchat2\t" + id("chat2") + "\tOld\t=boss()\tdisbanded\n"
	if got.code != 1 || got.stdout != want || !strings.Contains(got.stderr, "unknown: ") {
		t.Errorf("%d %q\nwant %q\n%s", got.code, got.stdout, want, got.stderr)
	}
	if n := server.Count(generated.OperationGetChat); n != 2 {
		t.Errorf("%d descriptions, want 2", n)
	}
	got = call{args: []string{"convert", "--check", "--json", "chat2"}, env: serverEnv(server)}.run()
	if want := fmt.Sprintf(`{"chatId":"chat2","openConversationId":%q,"chatName":"Old","chatOwner":"=boss()","chatStatus":"disbanded"}`+"\n", id("chat2")); got.code != 0 || got.stdout != want {
		t.Errorf("%+v\nwant %s", got, want)
	}
	server.FailNext(dingtalktest.Code(generated.CodeGetChatWrongChatID).For(generated.OperationGetChat))
	got = call{args: []string{"convert", "--check", "chat1"}, env: serverEnv(server)}.run()
	if want := "chat1\t" + id("chat1") + "\t\t\tnot described: 40016\n"; got.code != 0 || got.stdout != want {
		t.Errorf("%+v\nwant %q", got, want)
	}
	before := server.Count(generated.OperationGetChat)
	if got := (call{args: []string{"convert", "chat1"}, env: serverEnv(server)}).run(); got.stdout != id("chat1")+"\n" || server.Count(generated.OperationGetChat) != before {
		t.Errorf("without --check: %+v", got)
	}
}

// TestCheckOfFiles: each format gets three more columns or fields, a chat that comes again one description, and a run that was
// ended by the quota goes on without a conversion that is paid twice.
func TestCheckOfFiles(t *testing.T) {
	list := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprintf("chat%03d", i%(n-2))) // two come again
		}
		return ids
	}(40)
	jsonl := ""
	for _, id := range list {
		jsonl += `{"chatId":"` + id + `"}` + "\n"
	}
	for name, content := range map[string]string{
		"in.csv": "chat_id\n" + strings.Join(list, "\n") + "\n", "in.txt": strings.Join(list, "\n") + "\n",
		"in.jsonl": jsonl, "in.json": "[" + strings.ReplaceAll(strings.TrimSpace(jsonl), "\n", ",") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ending := strings.Replace(strings.TrimPrefix(name, "in"), ".txt", ".csv", 1)
			clean := newBench(t, name, content)
			clean.out += ending
			clean.want(0, "40 converted, 0 failed; 76 calls", "--check", "--concurrency", "4")
			whole := clean.read(clean.out)
			if n := strings.Count(whole, "normal"); n != 40 {
				t.Fatalf("%d rows have a status:\n%s", n, whole)
			}
			b := newBench(t, name, content, dingtalktest.WithMonthlyQuota(17))
			b.out += ending
			for runs := 0; ; runs++ {
				got := b.run("--check", "--concurrency", "4")
				if got.code == 0 {
					break
				}
				if got.code != 4 || runs == 20 {
					t.Fatalf("run %d: %+v", runs, got)
				}
				b.server.ResetQuota()
			}
			if got := b.read(b.out); got != whole {
				t.Errorf("got\n%s\nwant\n%s", got, whole)
			}
			if n := b.server.Counts()[generated.OperationChatIDToOpenConversationID.ID].Status[200]; n != 38 {
				t.Errorf("%d conversions were granted, want 38", n)
			}
		})
	}
}

// TestCheckLater: descriptions are added to what is converted, without a second conversion, and they stay.
func TestCheckLater(t *testing.T) {
	b := newBench(t, "in.csv", "chat_id\nchat1\nchat2\n", dingtalktest.WithMonthlyQuota(2))
	b.want(0, "2 converted")
	if got := b.run("--check", "--dry-run"); got.code != 0 || !strings.Contains(got.stdout, "calls          2 at most: 0 conversions and, for --check, a description of each group") {
		t.Errorf("%+v", got)
	}
	b.want(4, "2 converted, 0 failed", "--check", "--concurrency", "1")
	b.server.ResetQuota()
	b.want(0, "2 converted, 0 failed; 2 calls", "--check")
	checked := b.read(b.out)
	if n := b.server.Count(conversion); n != 2 || strings.Count(checked, ",normal\n") != 2 {
		t.Errorf("%d conversions\n%s", n, checked)
	}
	b.want(0, "out is complete; nothing was called")
	b.server.ResetQuota()
	b.write(b.in, "chat_id\nchat2\nchat1\nchat3\n")
	b.want(0, "3 converted, 0 failed; 1 call,")
	if got := b.read(b.out); strings.Count(got, ",normal\n") != 2 || !strings.HasSuffix(got, ",,,,,\n") {
		t.Errorf("%s", got)
	}
	b.in, b.out = b.out, b.out+"2"
	b.want(0, "3 converted, 0 failed; 1 call,", "--check", "--format", "csv")
	if got := b.read(b.out); strings.Count(got, ",normal\n") != 3 {
		t.Errorf("%s", got)
	}
	taken := newBench(t, "in.csv", "chat_id,chat_name\nchat1,x\n")
	taken.want(2, "it has a column chat_name already", "--check")
	taken.want(0, "1 converted")
}

// TestFailedDescriptions: they count, and the next run tries them again.
func TestFailedDescriptions(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3)+chats(3, 3))
	b.server.FailNext(dingtalktest.Raw(501, "text/html", nil).For(generated.OperationGetChat))
	b.want(1, "the groups of 2 rows could not be described; the same command tries them again", "--check", "--concurrency", "1")
	if n := strings.Count(b.read(b.out), ",not described: unavailable\n"); n != 2 {
		t.Errorf("%d are not described\n%s", n, b.read(b.out))
	}
	b.server.ClearFaults()
	b.want(0, "6 converted, 0 failed; 1 call,", "--check")
	if n := b.server.Count(conversion); n != 3 || strings.Count(b.read(b.out), ",normal\n") != 6 {
		t.Errorf("%d conversions\n%s", n, b.read(b.out))
	}
}

// TestCheckEndsWithTheService: descriptions that all fail end a run, and a few do not.
func TestCheckEndsWithTheService(t *testing.T) {
	b := newBench(t, "in.txt", chats(20, 20))
	b.server.FailNext(dingtalktest.Raw(502, "text/html", nil).For(generated.OperationGetChat).Always())
	got := b.run("--check", "--concurrency", "2")
	if got.code != 5 || !strings.Contains(b.read(b.out), "not described: unavailable") || strings.Count(b.read(b.out), "not described") != 4 {
		t.Errorf("%+v\n%s", got, b.read(b.out))
	}
	b.server.ClearFaults()
	b.want(0, "20 converted, 0 failed", "--check")
}
