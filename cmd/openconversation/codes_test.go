package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Every row of the contract's tables is in the list, and found by each of its names, also by a short form that several share.
func TestCodes(t *testing.T) {
	table := runArgs("codes")
	rest := table.stdout
	for _, row := range generated.ErrorCodes {
		_, after, found := strings.Cut(rest, "\n"+string(row.Code)+"\n")
		facts, text, _ := strings.Cut(after, "\n")
		fields := strings.Fields(facts)
		if !found || fields[0] != fmt.Sprint(row.Status) || fields[1] != string(row.Kind) || !strings.HasPrefix(strings.Join(strings.Fields(text), " "), row.Description) {
			t.Errorf("%s: %.200s", row.Code, after)
		}
		rest = "\n" + text
		names := append([]string{string(row.Code), row.Name, "Code" + row.Name}, row.Aliases...)
		if dot := strings.LastIndexByte(string(row.Code), '.'); dot >= 0 {
			names = append(names, string(row.Code)[dot+1:])
		}
		for _, name := range names {
			for _, spelling := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
				runArgs("codes", spelling).holds(t, 0, "\n"+string(row.Code)+"\n")
			}
		}
	}
	for line := range strings.Lines(table.stdout) {
		if len(line) > term.Width+1 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	// Each operation's own rows name it: two operations with the same row share it.
	var list []map[string]any
	if err := json.Unmarshal([]byte(runArgs("codes", "--json").stdout), &list); err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, row := range list[len(generated.ErrorCodes):] {
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
}

// The contract is printed as it is, and in JSON as what it says.
func TestSpec(t *testing.T) {
	if got := runArgs("spec"); got != (result{0, openconversation.Contract, ""}) {
		t.Errorf("exit code %d, %d bytes, want the contract; standard error %q", got.code, len(got.stdout), got.stderr)
	}
	var asJSON, asYAML, want any
	if err := json.Unmarshal([]byte(runArgs("spec", "--json").stdout), &asJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(openconversation.Contract), &asYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(asYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &want); err != nil || !reflect.DeepEqual(asJSON, want) {
		t.Errorf("they differ: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	for i, args := range []string{"operations", "codes", "codes --json", "codes 88", "spec", "version", "version --json", "emulator", "doctor --emulator", "doctor --emulator", "doctor --emulator"} {
		got := call{args: strings.Fields(args), stdout: &fullAfter{writes: max(0, i-8)}}.run() // doctor writes a line for each check
		if got.code != explain.Unavailable || got.stderr != "openconversation: standard output: no space left on device\n" {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

// The command reads contracts, and generates nothing of them.
func TestGeneratorIsNotCompiledIn(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "oapi-codegen/v2") {
		t.Error("the command compiles the generator")
	}
}

// fullAfter takes so many writes and fails the next ones.
type fullAfter struct{ writes int }

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.writes--; f.writes < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}
