package main

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What cannot be a chat id is not sent, in whatever form it comes.
func TestNonsenseIsNotSent(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	for _, id := range []string{"https://example.com/x", "chat/create", "a,b", "a;b", `a"b`, "{x}", "=A1", "chat_id", "#N/A", "1.2E+15", "a b", "a|b"} {
		for name, form := range whatGoesIn([]string{id}) {
			switch {
			case name == "CSV as rows" && strings.ContainsAny(id, ",;|\""), strings.HasPrefix(name, "lines") && (id == "chat_id" || strings.ContainsAny(id, ",;|{#")),
				name == "JSON as rows" && strings.Contains(id, `"`):
				continue // which is another fault of the file as a whole
			}
			got := call{args: append([]string{"convert"}, form.args...), stdin: strings.NewReader(form.stdin), env: serverEnv(server)}.run()
			if got.code != 1 || !strings.Contains(got.stdout+got.stderr, "not sent: ") {
				t.Errorf("%s, %s: %+v", name, id, got)
			}
		}
	}
	if n := server.Count(conversion); n != 0 {
		t.Errorf("%d calls", n)
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
