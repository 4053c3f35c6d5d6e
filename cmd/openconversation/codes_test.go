package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func TestCode(t *testing.T) {
	row := result{0, "CODE\n  HTTP  KIND             RETRY  TOKEN  SEEN\ninvalideChatId\n  400   invalid-chat-id  no     keep   no\n  The chat id is unknown or malformed.\n", ""}
	for _, name := range []string{"invalideChatId", "INVALIDECHATID", "invalidChatId", "InvalidChatID", "CodeInvalidChatID", "generated.CodeInvalidChatID", "codeinvalidchatid"} {
		runArgs(t, "", "codes", name).check(t, row)
	}
	golden(t, "code", runArgs(t, "", "codes", "--json", "90020").stdout)
	golden(t, "code-of-operation", runArgs(t, "", "codes", "--json", "send.too.FAST").stdout)
	hint := "hint: it may be DingTalk's all the same: judge it by its HTTP status\n"
	runArgs(t, "", "codes", "no\x1b.code").check(t, result{1, "", "openconversation: the catalogue has no code no\\x1b.code\n" + hint})
	runArgs(t, "", "codes", "--json", "").check(t, result{1, "", "openconversation: the catalogue has no code \n" + hint})
}

// Every code is found by each of its names, and a short form that several share gives all of them.
func TestCodesByAnyName(t *testing.T) {
	for _, row := range generated.ErrorCodes {
		names := append([]string{string(row.Code), row.Name, "Code" + row.Name}, row.Aliases...)
		if dot := strings.LastIndexByte(string(row.Code), '.'); dot >= 0 {
			names = append(names, string(row.Code)[dot+1:])
		}
		for _, name := range names {
			for _, spelling := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
				if got := runArgs(t, "", "codes", spelling); got.code != 0 || !strings.Contains(got.stdout, "\n"+string(row.Code)+"\n") {
					t.Errorf("%s: %+v", spelling, got)
				}
			}
		}
	}
}

// The list is the generated tables', so that a code that the contract gains is in it without another change.
func TestCodes(t *testing.T) {
	before := generated.ErrorCodes
	defer func() { generated.ErrorCodes = before }()
	generated.ErrorCodes = append(before[:len(before):len(before)], generated.ErrorCode{
		Code: "just.added", Name: "JustAdded", Status: 418, Kind: generated.KindThrottled, Retry: true, Wait: 7 * time.Second,
		Token: generated.TokenNone, Description: "It has just been added.", Observed: true,
	})

	table := runArgs(t, "", "codes")
	if table.code != 0 || table.stderr != "" {
		t.Fatalf("%+v", table)
	}
	rest := table.stdout
	for _, row := range generated.ErrorCodes {
		_, after, found := strings.Cut(rest, "\n"+string(row.Code)+"\n")
		facts, text, _ := strings.Cut(after, "\n")
		fields := strings.Fields(facts)
		if !found || fields[0] != fmt.Sprint(row.Status) || fields[1] != string(row.Kind) || !strings.HasPrefix(strings.Join(strings.Fields(text), " "), row.Description) {
			t.Errorf("%s: %.200s", row.Code, after)
		}
		rest = "\n" + text
	}
	if !strings.Contains(table.stdout, "after 7s") {
		t.Error("a wait is not told")
	}
	for _, line := range strings.Split(table.stdout, "\n") {
		if len(line) > term.Width {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if got := runArgs(t, "", "codes", "JUST.added"); got.code != 0 {
		t.Errorf("%+v", got)
	}
	last := codesJSON(t)[len(generated.ErrorCodes)-1]
	if last["code"] != "just.added" || last["waitSeconds"] != 7.0 || last["observed"] != true || last["operations"] != nil {
		t.Errorf("the last of the common rows is %v", last)
	}
}

// Each operation's own rows are in the list, and name it: two operations with the same row share it.
func TestCodesOfOperations(t *testing.T) {
	listed := map[string]int{}
	for _, row := range codesJSON(t)[len(generated.ErrorCodes):] {
		operations, _ := row["operations"].([]any)
		for _, operation := range operations {
			listed[fmt.Sprint(operation, " ", row["code"], " ", row["kind"])]++
		}
	}
	for _, route := range generated.Routes {
		for _, row := range route.Operation.Codes {
			key := fmt.Sprint(route.Operation.ID, " ", row.Code, " ", row.Kind)
			if listed[key] != 1 {
				t.Errorf("%q is there %d times", key, listed[key])
			}
			delete(listed, key)
		}
	}
	if len(listed) > 0 {
		t.Errorf("rows of no operation: %v", listed)
	}
	const line = "\nunauthorized\n  400   rejected  no     keep   no\n  The app may not do this.\n  only for getBotListInGroup, orgGroupSend\n"
	if got := runArgs(t, "", "codes", "unauthorized"); !strings.HasSuffix(got.stdout, line) {
		t.Errorf("%+v", got)
	}
	// A code that means something else to one operation.
	if got := runArgs(t, "", "codes", "40014"); strings.Count(got.stdout, "\n  only for ") != 1 || !strings.Contains(got.stdout, "only for getChat\n") {
		t.Errorf("%+v", got)
	}
}

func codesJSON(t *testing.T) (list []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(runArgs(t, "", "codes", "--json").stdout), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSpec(t *testing.T) {
	if got := runArgs(t, "", "spec"); got != (result{0, openconversation.Contract, ""}) {
		t.Errorf("exit code %d, %d bytes, want the contract; standard error %q", got.code, len(got.stdout), got.stderr)
	}
}

// The contract in JSON is the one in YAML.
func TestSpecJSON(t *testing.T) {
	got := runArgs(t, "", "spec", "--json")
	var asJSON, asYAML any
	if err := json.Unmarshal([]byte(got.stdout), &asJSON); err != nil || got.code != 0 {
		t.Fatalf("%v, %d", err, got.code)
	}
	if err := yaml.Unmarshal([]byte(openconversation.Contract), &asYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(asYAML)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal(again, &want); err != nil || !reflect.DeepEqual(asJSON, want) {
		t.Errorf("they differ: %v", err)
	}
}

func TestVersion(t *testing.T) {
	runArgs(t, "", "version").check(t, result{0, fmt.Sprintf("openconversation %s\ncontract %s\ngenerator oapi-codegen %s\n%s %s/%s\n",
		dingtalk.Version, generated.ContractVersion, generated.GeneratorVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH), ""})
	runArgs(t, "", "--version").check(t, result{0, "openconversation " + dingtalk.Version + "\n", ""})
	var got versions
	if err := json.Unmarshal([]byte(runArgs(t, "", "version", "--json").stdout), &got); err != nil {
		t.Fatal(err)
	}
	if want := (versions{dingtalk.Version, generated.ContractVersion, generated.GeneratorVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFullDisk(t *testing.T) {
	for _, args := range []string{"codes", "codes --json", "codes 88", "spec", "version", "version --json", "emulator"} {
		got := call{args: strings.Fields(args), stdout: &fullAfter{}}.run()
		if got.code != explain.Unavailable || got.stderr != "openconversation: standard output: no space left on device\n" {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := runArgs(t, "", "completion", shell); got.code != 0 || got.stdout == "" || got.stderr != "" {
			t.Errorf("%s: %+v", shell, got)
		}
	}
	for args, want := range map[string]string{
		"convert --region ": "international\nmainland\n:4\n",
		"codes invalide":    "invalideChatId\n",
	} {
		command, last, _ := cutLast(args)
		got := runArgs(t, "", append(append([]string{"__complete"}, strings.Fields(command)...), last)...)
		if !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%q completes to %q, want %q", args, got.stdout, want)
		}
	}
}

func cutLast(s string) (before, last string, found bool) {
	i := strings.LastIndex(s, " ")
	return s[:i], s[i+1:], i >= 0
}

// The validator of contracts is large, and nothing that the command does needs it.
func TestValidatorIsNotCompiledIn(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kin-openapi", "oapi-codegen/v2", "/internal/errorcodes"} {
		if strings.Contains(string(out), name) {
			t.Errorf("the command compiles %s", name)
		}
	}
}
