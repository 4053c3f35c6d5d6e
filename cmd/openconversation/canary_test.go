package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// canary is an app secret that no output of any command may hold.
const canary = "canary-of-the-app-secret-4711"

// TestNoOutputHoldsTheSecret greps every byte that every command prints, in good and in bad times.
func TestNoOutputHoldsTheSecret(t *testing.T) {
	// A host that sends back what it was sent, as badly made gateways do.
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		body := make([]byte, 1000)
		n, _ := r.Body.Read(body)
		fmt.Fprintf(w, `{"code":"echo","message":%q}`, string(body[:n])+r.Header.Get(generated.TokenHeader))
	}))
	defer echo.Close()
	good := dingtalktest.NewServer(t, dingtalktest.WithCredentials("k", canary))
	wrong := dingtalktest.NewServer(t)
	hosts := map[string]string{"good": good.URL, "wrong credentials": wrong.URL, "echo": echo.URL, "closed": "http://127.0.0.1:1", "bad": "http://example.com"}

	sharedAt := map[string]string{"bad": "http://k:" + canary + "@127.0.0.1:1"}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	input, output := filepath.Join(t.TempDir(), "chats.csv"), filepath.Join(t.TempDir(), "out.csv")
	if err := os.WriteFile(input, []byte("chat_id\n"+chat+"\nx\n..\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	commands := [][]string{
		{}, {"--help"}, {"help", "convert"}, {"convert", "--help"}, {"emulator", "--help"}, {"codes"}, {"codes", "--json"},
		{"spec"}, {"version"}, {"version", "--json"}, {"completion", "bash"},
		{"convert"}, {"convert", "--app-secret", canary, "x"}, {"convert", "--app-secret=" + canary, "x"},
		{"convert", chat}, {"convert", "x"}, {"convert", "--json", chat, "x", ".."},
		{"convert", "--app-secret-file", file, chat}, {"convert", "--app-secret-file", canary, chat},
		{"convert", "--timeout", "1ns", "x"},
		{"convert", "--input", input}, {"convert", "--input", input, "--dry-run"},
		{"convert", "--input", input, "--output", output, "--again=all", "--progress", "plain"},
		{"convert", "--input", input, "--output", output},
		{"convert", "--input", input, "--output", output, "--again=failed", "--json"},
		{"convert", "--check", chat}, {"call", "getChat", "--chatid", chat}, {"call", "orgGroupSend", "--body", "{}"},
		{"doctor", "--chat", chat, "--robot", "r"},
		{"doctor"}, {"doctor", "--json"}, {"budget"}, {"budget", "--redis", "redis://k:" + canary + "@127.0.0.1:1"},
	}
	for _, secret := range []string{canary, ""} {
		for name, host := range hosts {
			for _, args := range commands {
				got := call{args: args, env: map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: secret, connect.EnvBaseURL: host, connect.EnvRedisURL: sharedAt[name]}}.run()
				if strings.Contains(got.stdout+got.stderr, canary) {
					t.Errorf("%s, %q: exit code %d\n%s\n%s", name, args, got.code, got.stdout, got.stderr)
				}
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(output), "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no output was written: %v", err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err != nil || strings.Contains(string(content), canary) {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, content)
		}
	}
	if n := good.Count(generated.OperationChatIDToOpenConversationID); n == 0 {
		t.Error("no command got through, so this shows little")
	}
}

// TestNoOutputHoldsTheTokenOfAURL: an operation of the legacy API has the token in its URL, and its host, or a proxy, may
// repeat that.
func TestNoOutputHoldsTheTokenOfAURL(t *testing.T) {
	const token = "canary-of-the-token-0815"
	sent := 0
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case generated.OperationGetAccessToken.Path:
			fmt.Fprintf(w, `{"accessToken":%q,"expireIn":7200}`, token)
		case generated.OperationGetChat.Path:
			if sent++; sent%2 == 0 {
				w.Header().Set("Location", r.URL.String())
				w.WriteHeader(http.StatusFound)
				return
			}
			fmt.Fprintf(w, `{"errcode":49000,"errmsg":"cannot serve %s"}`, r.URL)
		default:
			fmt.Fprint(w, `{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`)
		}
	}))
	defer host.Close()
	out := filepath.Join(t.TempDir(), "out.csv")
	input := filepath.Join(t.TempDir(), "chats.csv")
	if err := os.WriteFile(input, []byte("chat_id\n"+chat+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: "s", connect.EnvBaseURL: host.URL}
	for _, args := range [][]string{
		{"call", "getChat", "--chatid", chat}, {"call", "getChat", "--chatid", chat, "--json"}, {"convert", "--check", chat},
		{"convert", "--check", "--json", chat}, {"convert", "--check", "--input", input, "--output", out, "--again=all"},
		{"doctor", "--chat", chat, "--robot", "r"}, {"doctor", "--chat", chat, "--robot", "r", "--json"},
	} {
		for range 2 {
			before := sent
			got := call{args: args, env: env}.run()
			content, _ := os.ReadFile(out)
			if strings.Contains(got.stdout+got.stderr+string(content), token) || sent == before {
				t.Errorf("%q: %d requests, exit code %d\n%s\n%s\n%s", args, sent-before, got.code, got.stdout, got.stderr, content)
			}
		}
	}
}
