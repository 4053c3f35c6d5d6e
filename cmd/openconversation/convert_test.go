package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	chat    = dingtalktest.ChatID
	openID  = dingtalktest.OpenConversationID
	unknown = "chat00000000000000000000000000000000"

	unknownLine = "chat id is unknown or malformed: invalideChatId: Invalid chatId (HTTP 400, request ID)\n"
	unknownHint = "hint: use the chatId of a group in the app's own organisation, often chat and 32 hexadecimal digits; ids that begin with cid are converted already\n"
)

func TestConvertThroughEmulator(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		stdin string
		want  result
	}{
		{"one argument", []string{chat}, "", result{0, openID + "\n", ""}},
		{"one line", []string{"-"}, chat + "\n", result{0, openID + "\n", ""}},
		{"one line without an end", []string{"-"}, chat, result{0, openID + "\n", ""}},
		{"one line among blanks and comments", []string{"-"}, "\uFEFF# chats\r\n\r\n\t " + chat + " \r\n\n", result{0, openID + "\n", ""}},
		{"the same twice", []string{chat, chat}, "", result{0, chat + "\t" + openID + "\n" + chat + "\t" + openID + "\n", ""}},
		{"unknown", []string{unknown}, "", result{1, "", unknown + ": " + unknownLine + unknownHint}},
		{"unknown ones between", []string{"-"}, "x\n" + chat + "\ny\n", result{1, chat + "\t" + openID + "\n", "x: " + unknownLine + unknownHint + "y: " + unknownLine}},
		{"JSON", []string{"--json", chat}, "", result{0, `{"chatId":"` + chat + `","openConversationId":"` + openID + `"}` + "\n", ""}},
		{"JSON of several", []string{"--json", "-"}, "x\n" + chat + "\n", result{1,
			`{"chatId":"x","error":{"kind":"invalid-chat-id","code":"invalideChatId","message":"Invalid chatId","requestId":"ID","status":400}}` + "\n" +
				`{"chatId":"` + chat + `","openConversationId":"` + openID + `"}` + "\n", ""}},
		{"JSON of an id that is not sent", []string{"--json", ".."}, "", result{1,
			`{"chatId":"..","error":{"kind":"invalid-chat-id","code":"","message":"not sent: it would change the request's path","requestId":"","status":0}}` + "\n", ""}},
		{"empty id", []string{""}, "", result{1, "", `"": chat id is unknown or malformed: not sent: it is empty (refused by this client)` + "\n" + unknownHint}},
		{"control characters", []string{"a\x1b[31m\u009b\u202e\n"}, "", result{1, "",
			`a\x1b[31m\u009b: chat id is unknown or malformed: not sent: it holds a control character (refused by this client)` + "\n" + unknownHint + "openconversation: 1 id was trimmed: invisible characters\n"}},
		{"empty input", []string{"-"}, "", result{0, "", "openconversation: standard input holds no chat id; nothing was done\n"}},
		{"only comments", []string{"-"}, "\n # x\n", result{0, "", "openconversation: standard input holds no chat id; nothing was done\n"}},
		{"UTF-16", []string{"-"}, "\xff\xfex\x00", result{1, "", "x: " + unknownLine + unknownHint}},
		{"NUL", []string{"-"}, "x\nc\x00\n", result{2, "", "openconversation: standard input: line 2: it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding\nhint: say its encoding: openconversation convert --input - --format lines --encoding NAME\n"}},
		{"after --", []string{"--", "--json"}, "", result{1, "", "--json: chat id is unknown or malformed: not sent: it begins with -, like a list, a line or a formula (refused by this client)\n" + unknownHint}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runArgs(t, tt.stdin, append([]string{"convert", "--emulator"}, tt.args...)...).check(t, tt.want)
		})
	}
}

func TestUsage(t *testing.T) {
	const see = "hint: see openconversation convert --help\n"
	tests := []struct {
		name string
		args []string
		err  string
	}{
		{"unknown command", []string{"convrt"}, "there is no command \"convrt\"; did you mean convert?\nhint: see openconversation --help\n"},
		{"unknown flag", []string{"convert", "--app-secret", "x"}, "there is no flag --app-secret\n" + see},
		{"no chat", []string{"convert"}, "no chat id is given; name some, or - for standard input, or a file with --input\n" + see},
		{"input beside chats", []string{"convert", "x", "-"}, "- is standard input, and cannot stand beside chat ids\n" + see},
		{"region", []string{"convert", "--region", "moon", "x"}, "--region: use international or mainland\n" + see},
		{"region and host", []string{"convert", "--region", "mainland", "--base-url", "x", "x"}, "--region and --base-url cannot be given together\n" + see},
		{"timeout", []string{"convert", "--timeout", "-1s", "x"}, "--timeout: -1s is negative\n"},
		{"timeout without unit", []string{"convert", "--timeout", "5", "x"}, "--timeout 5: say the unit, such as 5s or 5m\n" + see},
		{"base URL", []string{"convert", "--base-url", "http://user:geheim@example.com", "x"}, "base URL: it must not hold a user or password\n"},
		{"plain HTTP", []string{"convert", "--base-url", "http://example.com", "x"}, "base URL \"http://example.com\": HTTPS is required, since requests carry secrets\n"},
		{"control characters", []string{"codes", "--\x1b[31m"}, "there is no flag --\\x1b[31m\nhint: see openconversation codes --help\n"},
		{"too many arguments", []string{"codes", "a", "b"}, "openconversation codes takes one argument at most, and was given 2\nhint: see openconversation codes --help\n"},
		{"argument", []string{"spec", "a"}, "openconversation spec takes no argument, and was given a\nhint: see openconversation spec --help\n"},
		{"number", []string{"convert", "--qps", "fast", "x"}, "--qps fast: give a number, such as 20 or 0.5\n" + see},
		{"whole number", []string{"convert", "--limit", "1.5", "x"}, "--limit 1.5: give a whole number\n" + see},
		{"no value", []string{"convert", "x", "--limit"}, "--limit needs a value\n" + see},
		{"topic", []string{"help", "me"}, "there is no help on me\nhint: see openconversation help --help\n"},
		{"unknown shell", []string{"completion", "csh"}, "there is no completion for csh; there is bash, fish, powershell and zsh\nhint: see openconversation completion --help\n"},
		{"shell", []string{"completion", "bash", "x"}, "openconversation completion bash takes no argument, and was given x\nhint: see openconversation completion bash --help\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call{args: tt.args, env: map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: "s"}, stdin: strings.NewReader("x\n")}.run()
			got.check(t, result{2, "", "openconversation: " + tt.err})
		})
	}
}

// An error that every further chat would meet ends the run at that chat; others do not.
func TestRunStops(t *testing.T) {
	code := func(code generated.Code, status int) func(string) (string, int, string) {
		return func(string) (string, int, string) {
			return "", status, fmt.Sprintf(`{"code":%q,"message":"some text"}`, code)
		}
	}
	const ban = `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"x"}`
	for name, tt := range map[string]struct {
		answer func(string) (string, int, string)
		code   int
		kind   error
		goesOn bool
	}{
		"unknown chat":      {code(generated.CodeInvalidChatID, 400), 1, dingtalk.ErrInvalidChatID, true},
		"invisible owner":   {code(generated.CodeOwnerNotVisible, 400), 1, dingtalk.ErrOwnerNotVisible, true},
		"rejected token":    {code(generated.CodeInvalidAuthentication, 400), 3, dingtalk.ErrUnauthenticated, false},
		"permission":        {code(generated.CodePermissionDenied, 403), 3, dingtalk.ErrPermissionDenied, false},
		"address":           {code(generated.CodeIPNotAllowed, 403), 3, dingtalk.ErrIPNotAllowed, false},
		"quota":             {code(generated.CodeOrgQuotaExhausted, 403), 4, dingtalk.ErrQuotaExhausted, false},
		"ban":               {func(string) (string, int, string) { return "", 200, ban }, 4, dingtalk.ErrBlocked, false},
		"one outage":        {func(string) (string, int, string) { return "", 501, "" }, 1, dingtalk.ErrUnavailable, true},
		"one strange reply": {func(string) (string, int, string) { return "", 200, "{}" }, 1, dingtalk.ErrUnexpectedResponse, true},
		"redirect":          {func(string) (string, int, string) { return "", 302, "" }, 5, dingtalk.ErrRedirect, false},
		"one rejection":     {code("some.code", 400), 1, dingtalk.ErrRejected, true},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			tried := map[string]bool{}
			env := answering(t, func(chatID string) (string, int, string) {
				mu.Lock()
				defer mu.Unlock()
				tried[chatID] = true
				if chatID == "bad" {
					return tt.answer(chatID)
				}
				return "cid-" + chatID, 0, ""
			})
			got := call{args: []string{"convert", "-", "--concurrency", "1", "--qps", "0"}, stdin: strings.NewReader("a\nbad\nb\nbad\n"), env: env}.run()
			stdout, calls := "a\tcid-a\n", 2
			if tt.goesOn {
				stdout += "b\tcid-b\n"
				calls = 3 // and the second bad is known
			}
			hint := "hint: " + explain.Hint(tt.kind).String() + "\n"
			if got.code != tt.code || got.stdout != stdout || len(tried) != calls || !strings.HasPrefix(got.stderr, "bad: "+tt.kind.Error()) || strings.Count(got.stderr, hint) != 1 {
				t.Errorf("%d chats tried, %+v", len(tried), got)
			}
			if stopped := strings.HasSuffix(got.stderr, "openconversation: stopped: 1 converted, 0 failed, the rest not converted\n"); stopped == tt.goesOn {
				t.Errorf("%s", got.stderr)
			}
		})
	}
}

// The SDK counts failures in a row that may or may not be about one chat; a run that it does not stop goes on to its end.
func TestFailuresInARowEndTheRun(t *testing.T) {
	strange := dingtalktest.Raw(200, "text/html", []byte("<html>")).For(generated.OperationChatIDToOpenConversationID)
	away := dingtalktest.Raw(501, "text/html", []byte("<html>")).For(generated.OperationChatIDToOpenConversationID)
	ids := []string{"convert", "--concurrency", "1", "--qps", "0", "a", "b", "c", "d", "e", "f", "g"}
	tests := []struct {
		name   string
		faults []dingtalktest.Fault
		code   int
		lines  int
		stderr string
	}{
		{"two strange ones", []dingtalktest.Fault{strange.Times(2)}, 1, 5, "b: unexpected response"},
		{"good ones between", []dingtalktest.Fault{strange.Times(2), dingtalktest.Pass().For(generated.OperationChatIDToOpenConversationID), strange.Times(2)}, 1, 3, "e: unexpected response"},
		{"three strange ones", []dingtalktest.Fault{strange.Times(3)}, 5, 0, "stopped: 0 converted, 3 failed"},
		{"four outages", []dingtalktest.Fault{away.Times(4)}, 1, 3, "d: service unavailable"},
		{"five outages", []dingtalktest.Fault{away.Always()}, 5, 0, "stopped: 0 converted, 5 failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			server.FailNext(tt.faults...)
			got := call{args: ids, env: serverEnv(server)}.run()
			if got.code != tt.code || strings.Count(got.stdout, "\n") != tt.lines || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPermissionHintNamesScopes(t *testing.T) {
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Fault{Kind: "code", Code: generated.CodePermissionDenied, Scopes: []string{"Contact.User.Read", "qyapi_chat_read"}, Operation: conversion.ID})
	got := call{args: []string{"convert", chat}, env: serverEnv(server)}.run()
	if got.code != 3 || !strings.Contains(got.stderr, "hint: grant the app Contact.User.Read and qyapi_chat_read in the developer console") {
		t.Errorf("%+v", got)
	}
}

func TestConvertOverTheWire(t *testing.T) {
	conversion := generated.OperationChatIDToOpenConversationID
	tests := []struct {
		name  string
		fault dingtalktest.Fault
		code  int
		text  string
	}{
		{"rejected tokens", dingtalktest.Code(generated.CodeInvalidAuthentication).For(conversion).Always(), 3, "credentials or access token rejected"},
		{"wrong credentials", dingtalktest.Code(generated.CodeInvalidClientIDOrSecret), 3, "while fetching an access token"},
		{"address", dingtalktest.Code(generated.CodeIPNotAllowed).For(conversion), 3, "allow list"},
		{"quota", dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion), 4, "next month"},
		{"ban", dingtalktest.BanJSON().For(conversion), 4, "5 minutes"},
		{"redirect", dingtalktest.Raw(302, "", nil).WithHeader("Location", "https://example.com/secret").For(conversion), 5, "redirect refused"},
		{"unknown code", dingtalktest.Code("no.such.code").For(conversion), 1, "request rejected: no.such.code"},
		{"not JSON", dingtalktest.Raw(200, "text/html", []byte("<html>\x1b[2J")).For(conversion), 1, "the answer is text/html"},
		{"control characters", dingtalktest.Raw(400, "application/json", []byte(`{"code":"a\u001b[2Jb","message":"\u009bc"}`)).For(conversion), 1, "request rejected"},
	}
	for _, tt := range tests {
		for _, flags := range [][]string{{"convert"}, {"convert", "--json"}} {
			t.Run(tt.name+" "+strings.Join(flags, " "), func(t *testing.T) {
				server := dingtalktest.NewServer(t)
				server.FailNext(tt.fault)
				got := call{args: append(flags, chat), env: serverEnv(server)}.run()
				if got.code != tt.code {
					t.Errorf("exit code %d, want %d: %s%s", got.code, tt.code, got.stdout, got.stderr)
				}
				if len(flags) == 1 && !strings.Contains(got.stderr, tt.text) {
					t.Errorf("standard error %q does not say %q", got.stderr, tt.text)
				}
				if strings.ContainsFunc(got.stdout+got.stderr, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }) {
					t.Errorf("control characters in %q %q", got.stdout, got.stderr)
				}
			})
		}
	}
}

// What was converted and cannot be written goes to standard error: it was paid for.
func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, flags := range [][]string{{"convert"}, {"convert", "--json"}} {
		var calls atomic.Int64
		env := answering(t, func(chatID string) (string, int, string) { calls.Add(1); return "cid-" + chatID, 0, "" })
		full := &fullAfter{writes: 2}
		got := call{args: append(flags, "a", "b", "c", "d", "e", "f", "--concurrency", "1"), env: env, stdout: full}.run()
		if got.code != 5 || !strings.Contains(got.stderr, "openconversation: stopped: 2 converted, 0 failed, the rest not converted\n") || !strings.HasSuffix(got.stderr, "openconversation: standard output: no space left on device\n") {
			t.Errorf("%+v", got)
		}
		if lost := strings.Count(got.stderr, "\tcid-"); int(calls.Load()) != 2+lost || strings.Count(full.taken.String(), "\n") != 2 || lost < 1 || lost > 2 {
			t.Errorf("%d calls, output %q, %s", calls.Load(), full.taken.String(), got.stderr)
		}
	}
}
