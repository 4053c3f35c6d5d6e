package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"io"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/types/typeutil"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/internal/shapes"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
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
	var asJSON, want any // YAML reads JSON
	err := errors.Join(yaml.Unmarshal([]byte(runArgs("spec", "--json").stdout), &asJSON), yaml.Unmarshal([]byte(openconversation.Contract), &want))
	if err != nil || !reflect.DeepEqual(asJSON, want) {
		t.Errorf("they differ: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	for i, args := range []string{"operations", "codes", "codes --json", "codes 88", "spec", "version", "emulator", "doctor --emulator", "doctor --emulator", "doctor --emulator"} {
		got := call{args: strings.Fields(args), stdout: &fullAfter{writes: max(0, i-7)}}.run() // doctor writes a line for each check
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

// Help fits a terminal, and is Chinese all through where that is wanted.
func TestHelp(t *testing.T) {
	var all func(cmd *cobra.Command)
	all = func(cmd *cobra.Command) {
		for _, language := range []string{"en", "zh"} {
			got := runArgs(append(strings.Fields(cmd.CommandPath())[1:], "--help", "--lang", language)...)
			if got.code != 0 || got.stderr != "" || chinese(got.stdout) != (language == "zh") {
				t.Errorf("%s --lang %s: %+v", cmd.CommandPath(), language, got)
			}
			for line := range strings.Lines(got.stdout) {
				if uniseg.StringWidth(line) > 100 {
					t.Errorf("%s: %d columns: %s", cmd.CommandPath(), uniseg.StringWidth(line), line)
				}
			}
		}
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	for _, cmd := range englishRoot().Commands() {
		all(cmd)
	}
}

func chinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// TestCall drives the command against an emulator that serves a contract of one's own, with every shape, as
// openconversation-gen writes it.
func TestCall(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(shapes.Routes))
	raw, err := json.Marshal(shapes.Routes)
	if err != nil {
		t.Fatal(err)
	}
	spec := filepath.Join(t.TempDir(), "spec.json")
	write(t, spec, string(raw))
	for args, tt := range map[string]struct {
		code           int
		stdout, stderr string // parts
		path           string // of the last request
	}{
		"listUsers --userId a/b --number 3 --maxResults 2 --ids x --ids y --kinds a --kinds b-c --deep true --x-flags 1 --json": {0, `"userid": "text"`, "", "/v1.0/users/a%2Fb/lists/3"},
		"sendMessage --body @-":                                     {0, "[\n  1\n]\n", "", "/prefix/v1.0/messages"},
		`patch-map --body {"a":1}`:                                  {0, "{", "", "/v1.0/maps"},
		"deleteMessages --id 1 --id 2":                              {0, "", "", "/v1.0/messages"},
		"deleteMessages --id 1 --json":                              {0, "{}\n", "", "/v1.0/messages"},
		"listUsers --userId u --number 3":                           {2, "", "--maxResults is needed", ""},
		"listUsers --userId u --number x --maxResults 1":            {2, "", "--number x: give a whole number", ""},
		"listUsers --userId u --userId v --number 1 --maxResults 1": {2, "", "--userId is given twice", ""},
		"listUsers --userId .. --number 1 --maxResults 1":           {2, "", "parameter userId is empty or made of dots", ""},
		"countAll --emulator":                                       {0, "1\n", "", ""},
		"listUsers --help":                                          {0, "Contact.User.Read", "", ""},
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
	t.Parallel()
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

// Every text that the command says has its Chinese one, with the same verbs, and zh.yaml has no other.
func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	texts := lang.Texts()
	needed := formats(t) // by English text, where it stands
	addHelp(t, needed, englishRoot())
	addContract(needed)
	for text, place := range needed {
		if letters(text) && texts[text] == "" {
			t.Errorf("%s: there is no Chinese text for %q", place, text)
		}
	}
	var sdk strings.Builder
	for _, pattern := range []string{"*.go", "*/*.go", "*/*/*.go"} {
		files, _ := filepath.Glob("../../wrapper/" + pattern)
		for _, file := range files {
			sdk.WriteString(newcomer.Read(t, file))
		}
	}
	for text, chinese := range texts {
		if needed[text] == "" && !strings.Contains(sdk.String(), strconv.Quote(text)) && !strings.Contains(sdk.String(), text) {
			t.Errorf("nobody says %q", text)
		}
		want, arguments := verbs(text)
		if got, _ := verbs(chinese); !slices.Equal(want, got) {
			t.Errorf("%q has the verbs %q, and %q has %q", text, want, chinese, got)
		}
		if said := lang.Chinese.Sprintf(lang.Format(text), arguments...); strings.Contains(said, "%!") {
			t.Errorf("%q becomes %q", text, said)
		}
		if want, got := placeholder(text), placeholder(chinese); want != got {
			t.Errorf("%q calls its value %q, and %q calls it %q", text, want, chinese, got)
		}
	}
}

var verb = regexp.MustCompile(`%([-+# 0]*\d*(?:\.\d+)?)(?:\[(\d+)\])?([a-zA-Z%])`)

// verbs are a format's verbs with the numbers of their arguments, in the order of these, and such arguments.
func verbs(format string) (all []string, arguments []any) {
	at := 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[3] == "%" {
			continue
		}
		at++
		if m[2] != "" {
			at, _ = strconv.Atoi(m[2])
		}
		all = append(all, strconv.Itoa(at)+" "+m[1]+m[3])
		switch m[3] {
		case "d", "X", "U":
			arguments = append(arguments, 7)
		case "f", "g":
			arguments = append(arguments, 0.5)
		default:
			arguments = append(arguments, errors.New("x"))
		}
	}
	slices.Sort(all)
	return all, arguments
}

// placeholder is what a flag's usage calls its value. pflag counts it in bytes, so it stays English.
func placeholder(usage string) string {
	if m := regexp.MustCompile("^[^`]*`([^`\n]+)`[^`]*$").FindStringSubmatch(usage); m != nil {
		return m[1]
	}
	return ""
}

// letters is whether a text has words of its own.
func letters(text string) bool {
	return regexp.MustCompile(`\pL`).MatchString(verb.ReplaceAllString(text, ""))
}

// flagNames are the flags and the permissions that a text names, in any order.
func flagNames(text string) []string {
	names := regexp.MustCompile(`--[a-z-]+|qyapi_\w+|chat_\w+`).FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// englishRoot is the command with its own texts.
func englishRoot() *cobra.Command {
	return newRootCommand(&term.World{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }}, nil)
}

// addHelp adds the texts of all commands. What their long texts name tells when one of them has gone on without the other.
func addHelp(t *testing.T, texts map[string]string, cmd *cobra.Command) {
	place, operation := "help of "+cmd.CommandPath(), cmd.HasParent() && cmd.Parent().Name() == "call"
	add := func(flag *pflag.Flag) {
		if flag.Name != "help" && (!operation || flag.Annotations == nil) { // it is cobra's, or the contract's
			texts[flag.Usage] = place
		}
	}
	key := explain.Key(cmd, "--help")
	if operation || cmd.Long == "" { // the contract has the texts of an operation
		key, cmd.Long = "", ""
	}
	texts[cmd.Short], texts[key] = place, place
	cmd.Flags().VisitAll(add)
	cmd.PersistentFlags().VisitAll(add)
	if want, got := flagNames(cmd.Long), flagNames(lang.Texts()[key]); key != "" && !slices.Equal(want, got) {
		t.Errorf("%s names the flags %q, and in Chinese %q", key, want, got)
	}
	for _, sub := range cmd.Commands() {
		addHelp(t, texts, sub)
	}
	delete(texts, "")
}

// addContract adds what the command shows of this project's contract, and of the SDK's kinds of error.
func addContract(texts map[string]string) {
	for _, effect := range []generated.TokenEffect{generated.TokenKeep, generated.TokenDrop, generated.TokenFetch, generated.TokenNone} {
		texts[string(effect)] = "the contract's codes"
	}
	for _, route := range generated.Routes {
		texts[route.Summary] = "the contract's operations"
		for _, p := range route.Parameters {
			texts[p.Description] = "the contract's parameters"
		}
	}
	for _, sentinel := range explain.Sentinels() {
		if text, _, _ := generated.KindText(generated.Kind(explain.Kind(sentinel)), true); text == "" {
			texts[strings.TrimPrefix(sentinel.Error(), "dingtalk: ")] = "the kinds of error"
		}
	}
}

// formats are the constants of the types of texts in this command, with their places, but for a singular that English
// alone has. An error that could be said in English alone is refused.
func formats(t *testing.T) map[string]string {
	const command = "github.com/dingtalk-openapi/openconversation-go/cmd/openconversation"
	all, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Context: t.Context()}, "./...")
	if err != nil || packages.PrintErrors(all) > 0 {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, p := range all {
		singular := map[ast.Expr]bool{}
		for _, file := range p.Syntax {
			ast.Inspect(file, func(n ast.Node) bool {
				call, is := n.(*ast.CallExpr)
				if !is {
					return true
				}
				function, _ := typeutil.Callee(p.TypesInfo, call).(*types.Func)
				switch {
				case function == nil:
				case function.FullName() == command+"/internal/lang.N":
					singular[call.Args[1]] = true
				case slices.Contains([]string{"fmt.Errorf", "errors.New"}, function.FullName()):
					t.Errorf("%s: %s is English in every language: use lang.Errorf", p.Fset.Position(call.Pos()), function.Name())
				}
				return true
			})
		}
		for expr, value := range p.TypesInfo.Types {
			of := strings.TrimPrefix(value.Type.String(), command+"/internal/")
			if value.Value != nil && !singular[expr] && of == "lang.Format" {
				found[constant.StringVal(value.Value)] = p.Fset.Position(expr.Pos()).String()
			}
		}
	}
	if len(found) < 100 {
		t.Fatalf("%d formats were found", len(found))
	}
	return found
}
