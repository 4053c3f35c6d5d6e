package main

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/types"
	"io"
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
	needed := formats(t) // by English text, where it stands
	addHelp(t, needed, englishRoot())
	addContract(needed)
	for text, place := range needed {
		if letters(text) && texts[text] == "" {
			t.Errorf("%s: there is no Chinese text for %q", place, text)
		}
	}
	var sdk strings.Builder
	files, err := filepath.Glob("../../wrapper/*.go")
	deeper, err2 := filepath.Glob("../../wrapper/*/*.go")
	deepest, err3 := filepath.Glob("../../wrapper/*/*/*.go")
	for _, file := range slices.Concat(files, deeper, deepest) {
		text, readErr := os.ReadFile(file)
		err = errors.Join(err, readErr)
		sdk.Write(text)
	}
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
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
	return newRootCommand(&term.World{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
}

// addHelp adds the texts of all commands. What their long texts name tells when one of them has gone on without the other.
func addHelp(t *testing.T, texts map[string]string, cmd *cobra.Command) {
	place := "help of " + cmd.CommandPath()
	add := func(flag *pflag.Flag) {
		if flag.Name != "help" { // it is cobra's
			texts[flag.Usage] = place
		}
	}
	key := explain.LongKey(cmd)
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
