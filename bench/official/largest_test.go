package official

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestLargest counts the fields of what every operation of the official SDK sends and reads, in its source: the ten
// largest are among those that are compared.
func TestLargest(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/alibabacloud-go/dingtalk").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "*", "client.go"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d packages of the official SDK (%v)", len(files), err)
	}
	var all []message
	for _, file := range files {
		all = append(all, messages(t, file)...)
	}
	slices.SortStableFunc(all, func(a, b message) int { return cmp.Compare(b.fields, a.fields) })

	compared := map[string]bool{}
	packages := map[string]bool{}
	for _, c := range calls {
		method := reflect.TypeOf(c.method)
		packages[method.In(0).Elem().PkgPath()] = true
		name := filepath.Base(method.In(0).Elem().PkgPath()) + "."
		for _, in := range []reflect.Type{method.In(method.NumIn() - 3), method.Out(0)} {
			if in.Kind() == reflect.Pointer {
				compared[name+in.Elem().Name()] = true
			}
		}
	}
	if len(packages) < 15 {
		t.Errorf("the operations are of %d packages; 15 were expected", len(packages))
	}
	for _, m := range all[:10] {
		t.Logf("%d fields: %s", m.fields, m.name)
		if !compared[m.name] {
			t.Errorf("%s is not compared", m.name)
		}
	}
	t.Logf("%d operations of %d packages", len(calls), len(packages))
}

// message is what an operation sends or reads.
type message struct {
	name   string // the package's folder and the type's name
	fields int
}

// messages are those of one package: its types whose names end in Request or Response.
func messages(t *testing.T, file string) []message {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	structs := map[string]*ast.StructType{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				structs[spec.Name.Name] = s
			}
		}
		return true
	})
	var list []message
	for name := range structs {
		switch {
		case strings.HasSuffix(name, "ShrinkRequest"): // the official SDK's own second form of a request
		case strings.HasSuffix(name, "Request"):
			list = append(list, message{filepath.Base(filepath.Dir(file)) + "." + name, fields(structs, name, nil)})
		case strings.HasSuffix(name, "Response"):
			// Without the three fields that all of them have: status, header and body.
			list = append(list, message{filepath.Base(filepath.Dir(file)) + "." + name, fields(structs, name, nil) - 3})
		}
	}
	return list
}

// fields counts the fields of a type and of what they contain. A type within itself is counted once.
func fields(structs map[string]*ast.StructType, name string, in []string) int {
	s := structs[name]
	if s == nil || slices.Contains(in, name) {
		return 0
	}
	n := 0
	for _, f := range s.Fields.List {
		n += len(f.Names) + fields(structs, elementOf(f.Type), append(in, name))
	}
	return n
}

func elementOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return elementOf(e.X)
	case *ast.ArrayType:
		return elementOf(e.Elt)
	case *ast.MapType:
		return elementOf(e.Value)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
