package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang/zh"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Every text that the command says has its Chinese one, with the same verbs, and the catalogue has no other.
func TestCatalogueIsComplete(t *testing.T) {
	texts := zh.Texts()
	needed := map[string]string{} // by English text, where it stands
	for text, place := range helpTexts() {
		needed[text] = place
	}
	said := formats(t)
	for text, place := range said {
		if letters(text) {
			needed[text] = place
		}
	}
	for text, place := range contractTexts() {
		needed[text] = place
	}
	for text, place := range needed {
		if texts[text] == "" {
			t.Errorf("%s: the catalogue has no Chinese text for %q", place, text)
		}
	}
	foreign := foreignTexts(t)
	for text, chinese := range texts {
		if needed[text] == "" && said[text] == "" && !(zh.Foreign[text] != "" && foreign(text)) {
			t.Errorf("nobody says %q", text)
		}
		if want, got := verbs(text), verbs(chinese); !slices.Equal(want, got) {
			t.Errorf("%q has the verbs %q, and %q has %q", text, want, chinese, got)
		}
		if said := lang.Chinese.Sprintf(lang.Format(text), samples(text)...); strings.Contains(said, "%!") {
			t.Errorf("%q becomes %q", text, said)
		}
		if want, got := placeholder(text), placeholder(chinese); want != got {
			t.Errorf("%q calls its value %q, and %q calls it %q", text, want, chinese, got)
		}
	}
}

var (
	verb  = regexp.MustCompile(`%([-+# 0]*\d*(?:\.\d+)?)(?:\[(\d+)\])?([a-zA-Z%])`)
	named = regexp.MustCompile("^[^`]*`([^`\n]+)`[^`]*$")
)

// verbs are a format's verbs with the numbers of their arguments, in the order of these.
func verbs(format string) []string {
	var all []string
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
	}
	slices.Sort(all)
	return all
}

// samples are arguments for a format's verbs.
func samples(format string) []any {
	var all []any
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		switch m[3] {
		case "%":
		case "d", "X", "U":
			all = append(all, 7)
		case "f", "g":
			all = append(all, 0.5)
		default:
			all = append(all, errors.New("x"))
		}
	}
	return all
}

// longHelp compares what the long texts of help name, which tells when one of them has gone on without the other.
func longHelp(t *testing.T, cmd *cobra.Command) {
	key := explain.LongKey(cmd)
	if want, got := flagNames(cmd.Long), flagNames(zh.Texts()[key]); key != "" && !slices.Equal(want, got) {
		t.Errorf("%s names the flags %q, and in Chinese %q", key, want, got)
	}
	for _, sub := range cmd.Commands() {
		longHelp(t, sub)
	}
}

// flagNames are the flags and the permissions that a text names, in any order.
func flagNames(text string) []string {
	names := regexp.MustCompile(`--[a-z-]+|qyapi_\w+|chat_\w+`).FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

func TestLongHelpKeepsUp(t *testing.T) { longHelp(t, englishRoot()) }

// englishRoot is the command with its own texts.
func englishRoot() *cobra.Command {
	return newRootCommand(&term.World{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
}

// placeholder is what a flag's usage calls its value. pflag counts it in bytes, so it stays English.
func placeholder(usage string) string {
	if m := named.FindStringSubmatch(usage); m != nil {
		return m[1]
	}
	return ""
}

// letters is whether a text has words of its own.
func letters(text string) bool {
	return regexp.MustCompile(`\pL`).MatchString(verb.ReplaceAllString(text, ""))
}

// helpTexts are the texts of all commands.
func helpTexts() map[string]string {
	texts := map[string]string{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		add := func(text string) {
			if text != "" {
				texts[text] = "help of " + cmd.CommandPath()
			}
		}
		add(cmd.Short)
		add(explain.LongKey(cmd))
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { add(flag.Usage) })
		cmd.PersistentFlags().VisitAll(func(flag *pflag.Flag) { add(flag.Usage) })
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(englishRoot())
	return texts
}

// contractTexts are what the command shows of this project's contract, and of the SDK's kinds of error.
func contractTexts() map[string]string {
	texts := map[string]string{}
	for _, row := range generated.ErrorCodes {
		texts[row.Description], texts[string(row.Token)] = "the contract's codes", "the contract's codes"
	}
	for _, route := range generated.Routes {
		texts[route.Summary] = "the contract's operations"
		for _, p := range route.Parameters {
			texts[p.Description] = "the contract's parameters"
		}
	}
	for _, sentinel := range explain.Sentinels() {
		texts[strings.TrimPrefix(sentinel.Error(), "dingtalk: ")] = "the kinds of error"
	}
	delete(texts, "")
	return texts
}

// formats are the constants of type lang.Format in this command, but for those that only English needs: a singular.
func formats(t *testing.T) map[string]string {
	fset := token.NewFileSet()
	packages := listPackages(t)
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	found := map[string]string{}
	for _, p := range packages {
		if !strings.HasPrefix(p.ImportPath, commandPath) {
			continue
		}
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
		config := types.Config{Importer: imports, FakeImportC: true}
		if _, err := config.Check(p.ImportPath, fset, files, &info); err != nil {
			t.Fatal(err)
		}
		singular := singulars(files, info)
		for expr, value := range info.Types {
			if value.Value == nil || value.Type.String() != commandPath+"/internal/lang.Format" || singular[expr] {
				continue
			}
			found[constant.StringVal(value.Value)] = fset.Position(expr.Pos()).String()
		}
		for _, file := range files {
			refuseEnglish(t, fset, file, info)
		}
	}
	if len(found) < 100 {
		t.Fatalf("%d formats were found", len(found))
	}
	return found
}

const commandPath = "github.com/dingtalk-openapi/openconversation-go/cmd/openconversation"

// singulars are the arguments of lang.N that are said of one thing.
func singulars(files []*ast.File, info types.Info) map[ast.Expr]bool {
	found := map[ast.Expr]bool{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, is := n.(*ast.CallExpr); is && called(call, info) == commandPath+"/internal/lang.N" {
				found[call.Args[1]] = true
			}
			return true
		})
	}
	return found
}

// called is the full name of the function that a call calls.
func called(call *ast.CallExpr, info types.Info) string {
	selector, is := call.Fun.(*ast.SelectorExpr)
	if !is {
		return ""
	}
	object := info.Uses[selector.Sel]
	if object == nil || object.Pkg() == nil {
		return ""
	}
	return object.Pkg().Path() + "." + object.Name()
}

// refuseEnglish finds errors that could be said in English alone.
func refuseEnglish(t *testing.T, fset *token.FileSet, file *ast.File, info types.Info) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is {
			return true
		}
		if name := called(call, info); name == "fmt.Errorf" || name == "errors.New" {
			t.Errorf("%s: %s is English in every language: use lang.Errorf", fset.Position(call.Pos()), name)
		}
		return true
	})
}

// listed is a package as go list has it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

func listPackages(t *testing.T) []listed {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// foreignTexts knows whether the SDK, the operating system or the standard library has all parts of a format.
func foreignTexts(t *testing.T) (has func(format string) bool) {
	var found []string
	for number := range 200 {
		found = append(found, syscall.Errno(number).Error())
	}
	for number := range 32 {
		found = append(found, syscall.Signal(number).String())
	}
	folders := []string{"../../wrapper", "../../wrapper/dingtalkredis", "../../wrapper/internal"}
	for _, folder := range []string{"net", "context", "io", "io/fs", "internal/oserror", "internal/poll"} {
		folders = append(folders, filepath.Join(goRoot(t), "src", folder))
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
				found = append(found, literals(t, path)...)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	all := strings.Join(found, "\n")
	return func(format string) bool {
		for _, piece := range verb.Split(format, -1) {
			if !strings.Contains(all, strings.Trim(piece, " ;")) {
				return false
			}
		}
		return true
	}
}

func goRoot(t *testing.T) string {
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// literals are a file's strings.
func literals(t *testing.T, path string) []string {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING {
			text, _ := strconv.Unquote(literal.Value) // the parser has read it
			all = append(all, text)
		}
		return true
	})
	return all
}
