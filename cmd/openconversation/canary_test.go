package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// canary is an app secret that no output of any command may hold.
const canary = "canary-of-the-app-secret-4711"

// TestNoOutputHoldsTheSecret greps every byte that every command prints and writes, in good and in bad times.
func TestNoOutputHoldsTheSecret(t *testing.T) {
	b := newBench(t, "chats.csv", "chat_id\n"+chat+"\nx\n..\n", dingtalktest.WithCredentials("k", canary))
	b.out = filepath.Join(t.TempDir(), "out.csv")
	echo := b.behind(func(w http.ResponseWriter, r *http.Request) { // as badly made gateways send back what they were sent
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"code":"echo","message":%q}`, string(body)+r.Header.Get(generated.TokenHeader))
	})[connect.EnvBaseURL]
	shared := "redis://k:" + canary + "@127.0.0.1:1"
	hosts := []string{b.server.URL, dingtalktest.NewServer(t).URL, echo, "http://127.0.0.1:1", "http://example.com"}
	file := filepath.Join(t.TempDir(), "secret")
	b.write(file, canary+"\n")
	commands := [][]string{
		{"convert", "--app-secret-file", file, chat}, {"convert", "--app-secret-file", canary, chat},
		{"convert", "--input", b.in}, {"convert", "--input", b.in, "--dry-run"},
		b.args("--again=all", "--progress", "plain"), b.args(), b.args("--again=failed", "--json"), {"budget", "--redis", shared},
	}
	for _, line := range strings.Split("|--help|help convert|emulator --help|codes|codes --json|spec|version --json|completion bash|convert|convert --app-secret "+canary+
		" x|convert --app-secret="+canary+" x|convert "+chat+"|convert x|convert --json "+chat+" x ..|convert --timeout 1ns x|convert --check "+chat+
		"|call getChat --chatid "+chat+"|call orgGroupSend --body {}|doctor --chat "+chat+" --robot r|doctor|doctor --json|budget", "|") {
		commands = append(commands, strings.Fields(line))
	}
	for _, secret := range []string{canary, ""} {
		for i, host := range hosts {
			redis := map[int]string{len(hosts) - 1: shared}[i]
			for _, args := range commands {
				got := call{args: args, env: map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: secret, connect.EnvBaseURL: host, connect.EnvRedisURL: redis}}.run()
				if strings.Contains(got.stdout+got.stderr, canary) {
					t.Errorf("%s, %q: exit code %d\n%s\n%s", host, args, got.code, got.stdout, got.stderr)
				}
			}
		}
	}
	for _, file := range []string{b.out, b.out + ".journal"} {
		if content := b.read(file); strings.Contains(content, canary) {
			t.Errorf("%s: %s", file, content)
		}
	}
	if b.server.Count(conversion) == 0 {
		t.Error("no command got through, so this shows little")
	}
}

// TestNoOutputHoldsTheTokenOfAURL: an operation of the legacy API has the token in its URL, and its host, or a proxy, may
// repeat that.
func TestNoOutputHoldsTheTokenOfAURL(t *testing.T) {
	const token = "canary-of-the-token-0815"
	var sent atomic.Int64
	b := newBench(t, "chats.csv", "chat_id\n"+chat+"\n")
	env := b.behind(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case generated.OperationGetAccessToken.Path:
			fmt.Fprintf(w, `{"accessToken":%q,"expireIn":7200}`, token)
		case generated.OperationGetChat.Path:
			if sent.Add(1)%2 == 0 {
				w.Header().Set("Location", r.URL.String())
				w.WriteHeader(http.StatusFound)
				return
			}
			fmt.Fprintf(w, `{"errcode":49000,"errmsg":"cannot serve %s"}`, r.URL)
		default:
			fmt.Fprint(w, `{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`)
		}
	})
	for _, args := range [][]string{
		{"call", "getChat", "--chatid", chat}, {"call", "getChat", "--chatid", chat, "--json"}, {"convert", "--check", chat},
		{"convert", "--check", "--json", chat}, b.args("--check", "--again=all"),
		{"doctor", "--chat", chat, "--robot", "r"}, {"doctor", "--chat", chat, "--robot", "r", "--json"},
	} {
		for range 2 {
			before := sent.Load()
			got := call{args: args, env: env}.run()
			content, _ := os.ReadFile(b.out)
			if strings.Contains(got.stdout+got.stderr+string(content), token) || sent.Load() == before {
				t.Errorf("%q: %d requests, exit code %d\n%s\n%s\n%s", args, sent.Load()-before, got.code, got.stdout, got.stderr, content)
			}
		}
	}
}
