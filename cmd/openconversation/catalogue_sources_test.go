package main

import (
	"encoding/json"
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
	"strconv"
	"strings"
	"syscall"
	"testing"
)

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
