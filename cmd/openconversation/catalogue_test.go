package main

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/types"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Every text that the command says has its Chinese one, with the same verbs, and zh.yaml has no other.
func TestCatalogueIsComplete(t *testing.T) {
	texts := lang.Texts()
	needed := map[string]string{} // by English text, where it stands
	for _, list := range []map[string]string{helpTexts(), contractTexts(), formats(t)} {
		for text, place := range list {
			if needed[text] = place; letters(text) && texts[text] == "" {
				t.Errorf("%s: there is no Chinese text for %q", place, text)
			}
		}
	}
	sdk := sources(t, "../../wrapper")
	for text, chinese := range texts {
		if needed[text] == "" && !strings.Contains(sdk, strconv.Quote(text)) && !strings.Contains(sdk, text) {
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
	if want, got := flagNames(cmd.Long), flagNames(lang.Texts()[key]); key != "" && !slices.Equal(want, got) {
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
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name != "help" { // it is cobra's
				add(flag.Usage)
			}
		})
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
	delete(texts, "")
	return texts
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
				case slices.Contains([]string{"fmt.Errorf", "errors.New"}, function.FullName()) && !strings.Contains(p.PkgPath, "/rows/internal/"):
					t.Errorf("%s: %s is English in every language: use lang.Errorf", p.Fset.Position(call.Pos()), function.Name())
				}
				return true
			})
		}
		for expr, value := range p.TypesInfo.Types {
			of := strings.TrimPrefix(value.Type.String(), command+"/internal/")
			if value.Value != nil && !singular[expr] && slices.Contains([]string{"lang.Format", "rows/internal/xlsx.Fault"}, of) {
				found[constant.StringVal(value.Value)] = p.Fset.Position(expr.Pos()).String()
			}
		}
	}
	if len(found) < 100 {
		t.Fatalf("%d formats were found", len(found))
	}
	return found
}

// sources returns the text of a folder's Go files.
func sources(t *testing.T, folder string) string {
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			var text []byte
			text, err = os.ReadFile(filepath.Join(folder, path))
			all.Write(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
