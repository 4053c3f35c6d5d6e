package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/shapes"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestCall drives the command against an emulator that serves a contract of one's own, with every shape, as
// openconversation-gen writes it.
func TestCall(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(shapes.Routes))
	raw, err := json.Marshal(shapes.Routes)
	if err != nil {
		t.Fatal(err)
	}
	spec := filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(spec, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, tt := range map[string]struct {
		code           int
		stdout, stderr string // parts
		path           string // of the last request
	}{
		"listUsers --userId a/b --number 3 --maxResults 2 --ids x --ids y --kinds a --kinds b-c --deep true --x-flags 1 --json": {0, `"userid": "text"`, "", "/v1.0/users/a%2Fb/lists/3"},
		"sendMessage --body @-":                                     {0, "[\n  1\n]\n", "", "/prefix/v1.0/messages"},
		`patch-map --body {"a":1}`:                                  {0, `"key"`, "", "/v1.0/maps"},
		"deleteMessages --id 1 --id 2":                              {0, "", "", "/v1.0/messages"},
		"deleteMessages --id 1 --json":                              {0, "{}\n", "", "/v1.0/messages"},
		"listUsers --userId u --number 3":                           {2, "", "--maxResults is needed", ""},
		"listUsers --userId u --number x --maxResults 1":            {2, "", "--number x: give a whole number", ""},
		"listUsers --userId u --userId v --number 1 --maxResults 1": {2, "", "--userId is given twice", ""},
		"listUsers --userId .. --number 1 --maxResults 1":           {2, "", "parameter userId is empty or made of dots", ""},
		"patch-map":           {2, "", "--body is needed", ""},
		"patch-map --body x":  {2, "", "--body: it is not JSON", ""},
		"countAll --body {}":  {2, "", "--body: the operation has none", ""},
		"countAll --emulator": {0, "1\n", "", ""},
		"sendMessage --help":  {0, "is NOT safe to repeat", "", ""},
		"listUsers --help":    {0, "Contact.User.Read", "", ""},
	} {
		server.ResetRequests()
		got := call{args: append([]string{"call", "--spec", spec}, strings.Fields(args)...), stdin: strings.NewReader(`{"text":"hello"}`), env: serverEnv(server)}.run()
		if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
			t.Errorf("%s: %+v", args, got)
		}
		requests := server.Requests()
		if tt.path == "" && len(requests) > 0 || tt.path != "" && (len(requests) == 0 || requests[len(requests)-1].Path != tt.path) {
			t.Errorf("%s: requests %+v", args, requests)
		}
	}
	var rows []struct{ Operation, Method, Path, Repeat string }
	others := runArgs("operations", "--json", "--spec", spec)
	if err := json.Unmarshal([]byte(others.stdout), &rows); err != nil || len(rows) != len(shapes.Routes) {
		t.Fatalf("%+v, %v", others, err)
	}
	for _, row := range rows {
		if safe := row.Method == "GET" || row.Operation == "queryPages"; safe != (row.Repeat == "safe") {
			t.Errorf("%+v", row)
		}
	}
}

// TestOfficial calls imported operations of DingTalk's official SDK at an emulator that serves them. The command has no Go in
// its PATH: a file has all that it needs.
func TestOfficial(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.json")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../openconversation-gen", "official", "robot_1_0,calendar_1_0", "--routes", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const message = `{"robotCode":"dingx","userIds":["u"],"msgKey":"sampleText","msgParam":"{\"content\":\"你好\"}"}`
	for args, tt := range map[string]struct {
		code           int
		stdout, stderr string // parts
	}{
		"operations --official robot_1_0":                                                                  {0, "batchSendOTO", ""},
		"operations --official all --json":                                                                 {0, `"operation": "calendar_1_0.createEvent"`, ""},
		"call --official robot_1_0 batchSendOTO --emulator --yes --body " + message:                        {0, `"processQueryKey": `, ""},
		"call --official all calendar_1_0.getEvent --emulator --userId u --calendarId primary --eventId e": {0, `"id": `, ""},
		"call --official ROBOT_1_0 batchSendOTO --help --lang zh":                                          {0, "批量发送人与机器人会话中机器人消息", ""},
		"operations --official robot":                                                                      {2, "", "--official robot: the official SDK has no such package"},
		"call --official robot_1_0 nope":                                                                   {2, "", `"nope"`},
	} {
		got := finish(t, command(t, nil, append(strings.Fields(args), "--official-routes", file)...))
		if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
