//go:build unix

package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mostTyped is how many lines three new endpoints of different shapes may take. All of them are the contract's.
const mostTyped = 95

// TestNewcomer follows CONTRIBUTING.md in a clone: what its blocks say is typed where their marks say, and its commands
// are run.
func TestNewcomer(t *testing.T) {
	onlyWhenAsked(t)
	const page = "CONTRIBUTING.md"
	u := newUser(t)
	clone := filepath.Join(u.home, "work", "newcomer")
	run(t, root, "git", "clone", "-q", u.sources, clone)
	// The linter need not be installed once more. make says where it is, if not in .tools.
	tools, err := filepath.Abs(cmp.Or(os.Getenv("OPENCONVERSATION_TOOLS"), filepath.Join(root, ".tools")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tools, filepath.Join(clone, ".tools")); err != nil {
		t.Fatal(err)
	}
	typed := 0
	for _, b := range load(t, page).blocks {
		switch file, types := b.marks["into"]; {
		case types:
			if b.language != "yaml" {
				t.Errorf("%s:%d: a new endpoint takes no %s", page, b.line, b.language)
			}
			insert(t, filepath.Join(clone, file), b)
			for _, line := range b.body {
				if line != "" {
					typed++
				}
			}
		case b.language == "console" && b.marks["in"] == "newcomer":
			u.console(t, b)
		default:
			t.Errorf("%s:%d: nothing says what to do with the block", page, b.line)
		}
	}
	t.Logf("figure: three endpoints with their schemas, methods, command and emulator: %d lines of YAML, none of Go", typed)
	if typed == 0 || typed > mostTyped {
		t.Errorf("want at most %d", mostTyped)
	}
}

// insert puts a block before the first line of a file that the mark "before" matches, or at the file's end.
func insert(t *testing.T, file string, b block) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := len(content)
	if before, ok := b.marks["before"]; ok {
		found := regexp.MustCompile("(?m)" + before).FindIndex(content)
		if found == nil {
			t.Fatalf("%s has no line %s", file, before)
		}
		at = found[0]
	}
	write(t, file, string(content[:at])+strings.Join(b.body, "\n")+"\n"+string(content[at:]))
}

// TestNewcomerImports calls an operation that nobody wrote down here, as README.md says: it takes no line of YAML, and of Go
// none before the call.
func TestNewcomerImports(t *testing.T) {
	onlyWhenAsked(t)
	u := newUser(t)
	clone := filepath.Join(u.home, "work", "imports")
	run(t, root, "git", "clone", "-q", u.sources, clone)
	var commands []string
	for _, b := range load(t, english).blocks {
		for _, line := range b.body {
			if strings.HasPrefix(line, "go run ./cmd/openconversation-gen --official") {
				commands = append(commands, line)
			}
		}
	}
	if len(commands) != 1 {
		t.Fatalf("README.md imports with %q", commands)
	}
	u.must(t, clone, commands[0])
	const call = `got, err := robot.New(client).BatchSendOTO(t.Context(), robot.BatchSendOTORequest{
		MsgKey: "sampleText", MsgParam: "{}", RobotCode: dingtalktest.RobotCode, UserIDs: []string{"user1"},
	})`
	write(t, filepath.Join(clone, "mine", "call_test.go"), `package mine

import (
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/mine/robot"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestCall(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(robot.Routes))
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}, dingtalk.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	`+call+`
	if err != nil || got.ProcessQueryKey == nil {
		t.Fatalf("%+v, %v", got, err)
	}
}
`)
	t.Logf("figure: an imported operation: one command, 0 lines of YAML, 0 of Go before the call\n%s", u.must(t, clone, "go test -count=1 ./mine"))
}
