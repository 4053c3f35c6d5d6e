package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/shapes"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// specFile holds the operations of a contract with every shape, as openconversation-gen writes them.
func specFile(t *testing.T) string {
	t.Helper()
	raw, err := json.Marshal(shapes.Routes)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOperations(t *testing.T) {
	own := runArgs(t, "", "operations")
	if own.code != 0 || !strings.Contains(own.stdout, "chatIdToOpenConversationId") || strings.Contains(own.stdout, "getAccessToken") {
		t.Errorf("%+v", own)
	}
	var rows []struct{ Operation, Method, Path, Repeat string }
	others := runArgs(t, "", "operations", "--json", "--spec", specFile(t))
	if err := json.Unmarshal([]byte(others.stdout), &rows); err != nil || len(rows) != len(shapes.Routes) {
		t.Fatalf("%+v, %v", others, err)
	}
	for _, row := range rows {
		if safe := row.Method == "GET" || row.Operation == "queryPages"; safe != (row.Repeat == "safe") {
			t.Errorf("%+v", row)
		}
	}
}

// TestCall drives the command against an emulator that serves a contract of one's own.
func TestCall(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(shapes.Routes))
	env := map[string]string{"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret, "DINGTALK_BASE_URL": server.URL}
	file := filepath.Join(t.TempDir(), "message.json")
	if err := os.WriteFile(file, []byte(`{"text":"hello"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, args, stdin string
		code              int
		stdout, stderr    string // parts
		path              string // of the last request
	}{
		{"parameters", "listUsers --userId a/b --number 3 --maxResults 2 --ids x --ids y --kinds a --kinds b-c --deep true --x-flags 1 --json", "", 0, `"userid": "text"`, "", "/v1.0/users/a%2Fb/lists/3"},
		{"a body of a file", "sendMessage --body @" + file, "", 0, "[\n  1\n]\n", "", "/prefix/v1.0/messages"},
		{"a body of standard input", "sendMessage --body @-", `{"text":"hello"}`, 0, "[\n  1\n]\n", "", "/prefix/v1.0/messages"},
		{"a body as it is", `patch-map --body {"a":1}`, "", 0, `"key"`, "", "/v1.0/maps"},
		{"an answer without a body", "deleteMessages --id 1 --id 2", "", 0, "", "", "/v1.0/messages"},
		{"the same as JSON", "deleteMessages --id 1 --json", "", 0, "{}\n", "", "/v1.0/messages"},
		{"no parameter", "listUsers --userId u --number 3", "", 2, "", "--maxResults is needed", ""},
		{"no number", "listUsers --userId u --number x --maxResults 1", "", 2, "", "--number x: give a whole number", ""},
		{"twice", "listUsers --userId u --userId v --number 1 --maxResults 1", "", 2, "", "--userId is given twice", ""},
		{"dots", "listUsers --userId .. --number 1 --maxResults 1", "", 2, "", "parameter userId is empty or made of dots", ""},
		{"no body", "patch-map", "", 2, "", "--body is needed", ""},
		{"no JSON", "patch-map --body x", "", 2, "", "--body: it is not JSON", ""},
		{"no file", "patch-map --body @/nonexistent", "", 2, "", "--body: open /nonexistent", ""},
		{"a body too many", "countAll --body {}", "", 2, "", "--body: the operation has none", ""},
		{"no operation", "nope", "", 2, "", `"nope"`, ""},
		{"no flag", "countAll --nope", "", 2, "", "there is no flag --nope", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.ResetRequests()
			got := call{args: append([]string{"call", "--spec", specFile(t)}, strings.Fields(tt.args)...), stdin: strings.NewReader(tt.stdin), env: env}.run()
			if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("%+v", got)
			}
			requests := server.Requests()
			if tt.path == "" && len(requests) > 0 || tt.path != "" && (len(requests) == 0 || requests[len(requests)-1].Path != tt.path) {
				t.Errorf("requests %+v", requests)
			}
		})
	}
}

func TestCallThatFails(t *testing.T) {
	got := runArgs(t, "", "call", "chatIdToOpenConversationId", "--chatId", "chatx", "--emulator", "--json")
	if got.code != 1 || !strings.Contains(got.stdout, `"code": "invalideChatId"`) || !strings.Contains(got.stderr, "hint: ") {
		t.Errorf("%+v", got)
	}
	if got := runArgs(t, "", "call", "countAll", "--spec", "nonexistent.yaml"); got.code != 2 || !strings.Contains(got.stderr, "nonexistent.yaml") {
		t.Errorf("%+v", got)
	}
}

func TestCallHelpSaysWhatIsNotSafe(t *testing.T) {
	unsafe := runArgs(t, "", "call", "--spec", specFile(t), "sendMessage", "--help")
	safe := runArgs(t, "", "call", "--spec="+specFile(t), "listUsers", "--help")
	if unsafe.code != 0 || !strings.Contains(unsafe.stdout, "is NOT safe to repeat") || !strings.Contains(unsafe.stdout, "--body") {
		t.Errorf("%+v", unsafe)
	}
	if safe.code != 0 || !strings.Contains(safe.stdout, "is safe to repeat") || !strings.Contains(safe.stdout, "Contact.User.Read") || strings.Contains(safe.stdout, "--body") {
		t.Errorf("%+v", safe)
	}
	if general := runArgs(t, "", "call", "--help"); general.code != 0 || !strings.Contains(general.stdout, "openconversation operations lists") {
		t.Errorf("%+v", general)
	}
}

func TestEmulatorWithSpec(t *testing.T) {
	got := runArgs(t, "", "call", "--spec", specFile(t), "countAll", "--emulator")
	if got.code != 0 || got.stdout != "1\n" {
		t.Errorf("%+v", got)
	}
	if got := runArgs(t, "", "call", "--spec", "../../internal/shapes/shapes.yaml", "countAll", "--emulator"); got.code != 0 || got.stdout != "1\n" {
		t.Errorf("a contract as YAML: %+v", got)
	}
	for _, text := range []string{"openapi: 3.0.3", "{}", "[{}]", `[{"Operation":{"ID":"a"}}]`, `[{"Operation":{"ID":"a b","Path":"/a","Method":"GET"}}]`, `[{"Operation":{"ID":"a","Path":"/a","Method":"GET"},"Example":"{"}]`, `[{"New":1}]`} {
		file := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := runArgs(t, "", "emulator", "--spec", file); got.code != 2 || !strings.Contains(got.stderr, "openconversation-gen --spec my.yaml --routes my.json") {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// TestCallThatMayBeDone: a message that may have been sent is not sent again, and the command says what to do.
func TestCallThatMayBeDone(t *testing.T) {
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Raw(504, "", nil).Always().For(generated.OperationOrgGroupSend))
	got := call{args: []string{"call", "orgGroupSend", "--body", `{"msgKey":"sampleText","msgParam":"{}","openConversationId":"a","robotCode":"b"}`}, env: map[string]string{
		"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret, "DINGTALK_BASE_URL": server.URL,
	}}.run()
	if got.code != 5 || !strings.Contains(got.stderr, "may have been done all the same") || !strings.Contains(got.stderr, "hint: look whether it was done") || server.Count(generated.OperationOrgGroupSend) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestCallTakesJSONForAText: a field that holds JSON in a string may be given as JSON; either is checked before anything is sent.
func TestCallTakesJSONForAText(t *testing.T) {
	server := dingtalktest.NewServer(t)
	env := map[string]string{"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret, "DINGTALK_BASE_URL": server.URL}
	for _, tt := range []struct{ param, want, stderr string }{
		{`{"content":"a \"b\" <c>"}`, `{"content":"a \"b\" <c>"}`, ""},
		{`"{\"content\":\"a\"}"`, `{"content":"a"}`, ""},
		{`"hello"`, "", "the field msgParam of the body is a text that is not JSON"},
		{`"` + strings.Repeat("1", 15001) + `"`, "", "at most 15000 are allowed"},
	} {
		body := `{"msgKey":"sampleText","msgParam":` + tt.param + `,"openConversationId":"` + dingtalktest.OpenConversationID + `","robotCode":"` + dingtalktest.RobotCode + `"}`
		before := len(server.Messages())
		got := call{args: []string{"call", "orgGroupSend", "--body", body}, env: env}.run()
		list := server.Messages()
		switch {
		case tt.stderr != "":
			if got.code != 2 || !strings.Contains(got.stderr, tt.stderr) || len(list) != before {
				t.Errorf("%.40s: %+v", tt.param, got)
			}
		case got.code != 0 || list[len(list)-1].MsgParam != tt.want:
			t.Errorf("%.40s: %+v %+v", tt.param, got, list)
		}
	}
}

// TestCallDryRun: a body in any encoding of Windows is printed as it would be sent; what is no text, or lacks a field, is
// refused, and nothing is sent.
func TestCallDryRun(t *testing.T) {
	const body = `{"msgKey":"sampleText","msgParam":{"content":"你好"},"openConversationId":"a","robotCode":"b"}`
	const sent = `{"msgKey":"sampleText","msgParam":"{\"content\":\"你好\"}","openConversationId":"a","robotCode":"b"}`
	utf16 := func(e *encoding.Encoder) string {
		text, err := e.String(body)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(body)
	if err != nil {
		t.Fatal(err)
	}
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	for _, tt := range []struct {
		name, text, stdout, stderr string
		code                       int
	}{
		{"UTF-8", body, sent, "", 0},
		{"with a mark", "\ufeff" + body, sent, "", 0},
		{"UTF-16", utf16(big.NewEncoder()), sent, "read as UTF-16", 0},
		{"UTF-16 without a mark", utf16(little.NewEncoder()), sent, "read as UTF-16", 0},
		{"GBK", gbk, sent, "read as GBK", 0},
		{"no text", "{\xff\xff\xff}", "", "it is neither UTF-8 nor UTF-16 nor GBK", 2},
		{"a field is missing", `{"msgKey":"a"}`, "", "the field msgParam of the body is not set", 2},
	} {
		got := call{args: []string{"call", "orgGroupSend", "--dry-run", "--body", "@-"}, stdin: strings.NewReader(tt.text)}.run()
		if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) || strings.Contains(got.stdout, "\ufffd") {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	help := runArgs(t, "", "call", "createGroup", "--help").stdout
	if !regexp.MustCompile(`\n  managementOptions\.searchable +integer +0\n(?s:.*)\n  name +string +required +Project\n`).MatchString(help) {
		t.Error(help)
	}
	if list := runArgs(t, "", "operations", "--json").stdout; !strings.Contains(list, `"name": "useridlist",
        "type": "string[]",
        "required": true,`) {
		t.Error(list)
	}
}

// TestOfficial calls imported operations of DingTalk's official SDK at an emulator that serves them. The command has no Go in
// its PATH: a file has all that it needs.
func TestOfficial(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.json.gz")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../openconversation-gen", "official", "robot_1_0,calendar_1_0", "--routes", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const message = `{"robotCode":"dingx","userIds":["u"],"msgKey":"sampleText","msgParam":{"content":"你好"}}`
	for _, tt := range []struct {
		name, args     string
		code           int
		stdout, stderr string // parts
	}{
		{"a list", "operations --official robot_1_0", 0, "batchSendOTO", ""},
		{"a list of all", "operations --official all --json", 0, `"operation": "calendar_1_0.createEvent"`, ""},
		{"a call", "call --official robot_1_0 batchSendOTO --emulator --yes --body " + message, 0, `"processQueryKey": `, ""},
		{"a call of any package", "call --official all calendar_1_0.getEvent --emulator --userId u --calendarId primary --eventId e", 0, `"id": `, ""},
		{"its help", "call --official ROBOT_1_0 batchSendOTO --help --lang zh", 0, "批量发送人与机器人会话中机器人消息", ""},
		{"no package", "operations --official robot", 2, "", "--official robot: the official SDK has no such package"},
		{"no operation", "call --official robot_1_0 nope", 2, "", `"nope"`},
		{"two sources", "operations --official robot_1_0 --spec x", 2, "", "--spec and --official exclude each other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := finish(t, command(t, append(strings.Fields(tt.args), "--official-routes", file)...))
			if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("%+v", got)
			}
		})
	}
	for name, content := range map[string]string{"not made by openconversation-gen": "x", "no such file": ""} {
		other := filepath.Join(t.TempDir(), "other")
		if content != "" {
			if err := os.WriteFile(other, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := runArgs(t, "", "operations", "--official", "robot_1_0", "--official-routes", other); got.code != 2 || !strings.Contains(got.stderr, strings.TrimPrefix(name, "not ")) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := runArgs(t, "", "operations", "--official", "robot_1_0"); got.code != 2 || !strings.Contains(got.stderr, "openconversation-gen official --routes FILE") {
		t.Errorf("%+v", got)
	}
}
