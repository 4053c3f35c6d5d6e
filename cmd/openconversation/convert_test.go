package main

import (
	"context"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
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
			`a\x1b[31m\u009b\u202e\n: chat id is unknown or malformed: not sent: it holds a control character (refused by this client)` + "\n" + unknownHint}},
		{"empty input", []string{"-"}, "", result{0, "", "openconversation: standard input holds no chat id; nothing was done\n"}},
		{"only comments", []string{"-"}, "\n # x\n", result{0, "", "openconversation: standard input holds no chat id; nothing was done\n"}},
		{"NUL", []string{"-"}, "x\nc\x00\n", result{2, "", "openconversation: standard input: line 2: it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding\n"}},
		{"after --", []string{"--", "--json"}, "", result{1, "", "--json: " + unknownLine + unknownHint}},
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
		{"unknown command", []string{"convrt"}, "unknown command \"convrt\" for \"openconversation\"; did you mean convert?\nhint: see openconversation --help\n"},
		{"unknown flag", []string{"convert", "--app-secret", "x"}, "unknown flag: --app-secret\n" + see},
		{"no chat", []string{"convert"}, "no chat id is given; name some, or - for standard input, or a file with --input\n" + see},
		{"input beside chats", []string{"convert", "x", "-"}, "- is standard input, and cannot stand beside chat ids\n" + see},
		{"region", []string{"convert", "--region", "moon", "x"}, "invalid argument \"moon\" for \"--region\" flag: use international or mainland\n" + see},
		{"region and host", []string{"convert", "--region", "mainland", "--base-url", "x", "x"}, "if any flags in the group [region base-url emulator] are set none of the others can be; [base-url region] were all set\n" + see},
		{"timeout", []string{"convert", "--timeout", "-1s", "x"}, "--timeout: -1s is negative\n"},
		{"timeout without unit", []string{"convert", "--timeout", "5", "x"}, "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"\n" + see},
		{"base URL", []string{"convert", "--base-url", "http://user:geheim@example.com", "x"}, "base URL: it must not hold a user or password\n"},
		{"plain HTTP", []string{"convert", "--base-url", "http://example.com", "x"}, "base URL \"http://example.com\": HTTPS is required, since requests carry secrets\n"},
		{"control characters", []string{"codes", "--\x1b[31m"}, "unknown flag: --\\x1b[31m\nhint: see openconversation codes --help\n"},
		{"too many arguments", []string{"codes", "a", "b"}, "accepts at most 1 arg(s), received 2\nhint: see openconversation codes --help\n"},
		{"argument", []string{"spec", "a"}, "unknown command \"a\" for \"openconversation spec\"\nhint: see openconversation spec --help\n"},
		{"shell", []string{"completion", "bash", "x"}, "unknown command \"x\" for \"openconversation completion bash\"\nhint: see openconversation completion bash --help\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := call{args: tt.args, env: map[string]string{envAppKey: "k", envAppSecret: "s"}, stdin: strings.NewReader("x\n")}.run()
			got.check(t, result{2, "", "openconversation: " + tt.err})
		})
	}
}

// An error that every further chat would meet ends the run at that chat; others do not.
func TestRunStops(t *testing.T) {
	for name, sentinel := range sentinels {
		if name == "ErrNotTried" {
			continue // is never a chat's own
		}
		t.Run(name, func(t *testing.T) {
			var tried []string
			client := converterFunc(func(_ context.Context, chatID string) (string, error) {
				tried = append(tried, chatID)
				if chatID == "bad" {
					return "", apiError(sentinel.err)
				}
				return "cid-" + chatID, nil
			})
			got := call{args: []string{"convert", "-"}, stdin: strings.NewReader("a\nbad\nb\nbad\n"), convert: client}.run()
			want := result{sentinel.code, "a\tcid-a\n", "bad: " + sentinel.err.Error() + ": some.code: some text (HTTP 400, request ID)\nhint: " + hintFor(sentinel.err) + "\n"}
			calls := "a bad"
			if doubtful(apiError(sentinel.err)) || sentinel.code == exitSomeFailed {
				want.code = exitSomeFailed // one of a kind that several of are needed for
				want.stdout += "b\tcid-b\n"
				line, _, _ := strings.Cut(want.stderr, "\n")
				want.stderr += line + "\n"
				calls += " b" // and the second bad is known
			} else {
				want.stderr += "openconversation: stopped: 1 converted, 0 failed, the rest not converted\n"
			}
			got.check(t, want)
			if got := strings.Join(tried, " "); got != calls {
				t.Errorf("calls for %s, want %s", got, calls)
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
	server := dingtalktest.NewServer(t, dingtalktest.WithoutPermission("Contact.User.Read", "qyapi_chat_read"))
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
				if strings.ContainsFunc(got.stdout+got.stderr, func(r rune) bool { return r != '\n' && r != '\t' && unprintable(r) }) {
					t.Errorf("control characters in %q %q", got.stdout, got.stderr)
				}
			})
		}
	}
}

func TestServiceIDIsMadePrintable(t *testing.T) {
	client := converterFunc(func(context.Context, string) (string, error) { return "cid\x1b[2J\u009b\n", nil })
	call{args: []string{"convert", "a"}, convert: client}.run().check(t, result{0, `cid\x1b[2J\u009b\n` + "\n", ""})
	call{args: []string{"convert", "--json", "a"}, convert: client}.run().check(t, result{0, `{"chatId":"a","openConversationId":"cid\u001b[2J\u009b\n"}` + "\n", ""})
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, flags := range [][]string{{"convert"}, {"convert", "--json"}} {
		calls := 0
		client := converterFunc(func(context.Context, string) (string, error) { calls++; return "cid", nil })
		full := &fullAfter{writes: 2}
		got := call{args: append(flags, "a", "b", "c", "d"), convert: client, stdout: full}.run()
		got.check(t, result{5, "", "openconversation: stopped: 2 converted, 0 failed, the rest not converted\nopenconversation: standard output: no space left on device\n"})
		if calls != 3 || strings.Count(full.taken.String(), "\n") != 2 {
			t.Errorf("%d calls, output %q", calls, full.taken.String())
		}
	}
}
