// Package generator generates Go from a contract: models by oapi-codegen, and the requests, operations, codes and methods
// of its own templates.
package generator

import (
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// generation is the templates' data.
type generation struct {
	*contract.Contract
	Package string // of the file
	Source  string // the contract's file name
	Own     bool   // this repository's own contract
	Models  string // by oapi-codegen, of the file
	Methods []method
}

// Own generates the files of package generated, and the methods and kinds of error of package dingtalk. Skipped operations get no method.
func Own(c *contract.Contract, source string, skip ...string) (files, wrapper map[string][]byte, err error) {
	g := &generation{Contract: c, Package: ownPackage, Source: path.Base(source), Own: true}
	if c.Codes == nil || c.Limits == nil || c.TokenHeader == "" || c.RequestIDHeader == "" {
		return nil, nil, fmt.Errorf("%s: it lacks x-error-codes, x-limits, the apiKey of the token or the header RequestId", source)
	}
	if g.Models, g.Methods, err = models(c, g.Package); err != nil {
		return nil, nil, c.Locate(err)
	}
	files = map[string][]byte{}
	for _, name := range []string{"client", "contract", "operations", "errorcodes", "texts"} {
		made, failed := g.file(name)
		files[name+".gen.go"], err, g.Models = made, errors.Join(err, failed), ""
	}
	g.Package = "dingtalk"
	g.Methods = slices.DeleteFunc(slices.Clone(g.Methods), func(m method) bool { return slices.Contains(skip, m.ID) })
	wrapper = map[string][]byte{}
	for file, name := range map[string]string{"operations": "methods", "kinds": "kinds"} {
		made, failed := g.file(name)
		wrapper[file+".gen.go"], err = made, errors.Join(err, failed)
	}
	return files, wrapper, err
}

// Foreign generates a package of methods for any contract, as one file. oapi-codegen keeps its state in global variables: of
// calls at once, one runs it and others wait.
func Foreign(c *contract.Contract, source, pkg string) (made []byte, err error) {
	if c.TokenHeader != "" && !strings.EqualFold(c.TokenHeader, tokenHeader) {
		return nil, c.Locate(fmt.Errorf("the client sends the access token in the header %s, not in %s: name that in securitySchemes", tokenHeader, c.TokenHeader))
	}
	g := &generation{Contract: c, Package: pkg, Source: path.Base(source)}
	if g.Models, g.Methods, err = models(c, pkg); err != nil {
		return nil, c.Locate(err)
	}
	return g.file("foreign")
}

// tokenHeader is what the client of package dingtalk sends.
const tokenHeader = "x-acs-dingtalk-access-token"

// imports are the packages that a file may need.
var imports = map[string]string{
	"bytes": `"bytes"`, "context": `"context"`, "json": `"encoding/json"`, "fmt": `"fmt"`, "http": `"net/http"`, "iter": `"iter"`, "slices": `"slices"`, "strings": `"strings"`, "time": `"time"`,
	"dingtalk": `dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"`, "generated": `"github.com/dingtalk-openapi/openconversation-go/generated"`,
}

// file makes a file of the models and of a template, with the imports that it needs.
func (g *generation) file(name string) ([]byte, error) {
	var header, body strings.Builder
	if err := errors.Join(parsed.ExecuteTemplate(&header, "header", g), parsed.ExecuteTemplate(&body, name, g)); err != nil {
		return nil, err
	}
	src := g.finish(g.Models + body.String())
	used, err := g.check(header.String() + src)
	if err != nil {
		return nil, g.Locate(err)
	}
	var standard, others string
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if path := imports[name]; strings.Contains(path, ".") {
			others += path + "\n"
		} else {
			standard += path + "\n"
		}
	}
	if len(used) > 0 {
		header.WriteString("import (\n" + standard + "\n" + others + ")\n")
	}
	return format.Source([]byte(header.String() + src))
}

var nullable = regexp.MustCompile("(?m)^(\\s+\\w+\\s+)\\*?(\\S+?)\\s*`json:\"([^\",]*)(?:,[a-z,]*)?\" nullable:\"true\"`")

// finish gives fields that may be absent, null or a value their type, and names their letters.
func (g *generation) finish(src string) string {
	typ := "generated.Nullable"
	if g.Own {
		typ = "Nullable"
	}
	if strings.Contains(src, ` nullable:"true"`) { // or the search takes longer than anything
		src = nullable.ReplaceAllString(src, "${1}"+typ+"[${2}] `json:\"${3},omitzero\"`")
	}
	return contract.Decode(src)
}

// check finds code that would not compile, such as two schemas with one Go name, and fields that would get lost. It needs
// neither the sources of imported packages nor the go command. used are the imports.
func (g *generation) check(src string) (used map[string]bool, found error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "generated.go", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("the contract makes Go that does not parse: %w", err)
	}
	used = map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			for _, field := range n.Fields.List {
				if field.Names == nil && found == nil {
					found = fmt.Errorf("a field has no name in Go, and would get lost: name it with x-go-name: %s", field.Tag.Value)
				}
			}
		case *ast.SelectorExpr:
			if id, is := n.X.(*ast.Ident); is && imports[id.Name] != "" {
				used[id.Name] = true
			}
		}
		return true
	})
	cfg := types.Config{Error: func(err error) {
		problem := types.Error{}
		if found != nil || !errors.As(err, &problem) {
			return
		}
		// Other packages are not known, nor are files written by hand.
		if name, undefined := strings.CutPrefix(problem.Msg, "undefined: "); !undefined || !g.Own && imports[name] == "" {
			what, _, _ := strings.Cut(problem.Msg, " at generated.go")
			found = fmt.Errorf("two parts of the contract have one name in Go, or another makes no Go: rename one with x-go-name, or an operation with its operationId: %s", what)
		}
	}}
	_, _ = cfg.Check("generated", fset, []*ast.File{file}, nil)
	return used, found
}

var parsed = template.Must(template.New("").Funcs(template.FuncMap{
	"goName": codegen.ToCamelCaseWithInitialisms, "kinds": func() []string { return contract.Kinds }, "effects": func() []string { return contract.TokenEffects },
	"version": func() string { return Version }, "quote": strconv.Quote, "comment": comment, "qualified": qualified, "dict": dict, "literal": literal,
}).ParseFS(templateFiles, "templates/own/*.tmpl"))

// dict passes several values to a template.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// comment formats text as lines of a Go comment.
func comment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString("\n//")
		if line = contract.Printable(line); line != "" {
			b.WriteString(" " + line)
		}
	}
	return b.String()
}

// literal prints the fields of a value that are not zero as a Go literal; pkg is put before its types.
func literal(value any, pkg string) string {
	v := reflect.ValueOf(value)
	name := strings.ReplaceAll(v.Type().String(), "generated.", pkg)
	var parts []string
	switch v.Kind() {
	case reflect.Pointer:
		return "&" + literal(v.Elem().Interface(), pkg)
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); !v.Field(i).IsZero() {
				parts = append(parts, field.Name+": "+literal(v.Field(i).Interface(), pkg))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			item := literal(v.Index(i).Interface(), pkg)
			if v.Type().Elem().Kind() == reflect.Struct { // a line each
				item = "\n" + strings.TrimPrefix(item, name[len("[]"):])
			}
			parts = append(parts, item)
		}
		if len(parts) > 0 && parts[0][0] == '\n' {
			parts = append(parts, "\n")
		}
	case reflect.String:
		return strconv.Quote(v.String())
	default:
		if d, is := value.(time.Duration); is {
			return strconv.FormatInt(int64(d), 10) + " /* " + d.String() + " */"
		}
		if v.Type() == reflect.TypeFor[generated.Repeat]() {
			return pkg + "RepeatSafe"
		}
		return fmt.Sprint(value)
	}
	return name + "{" + strings.Join(parts, ", ") + "}"
}
