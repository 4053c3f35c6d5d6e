// Package generator generates Go from a contract: models by oapi-codegen, and the requests, operations, codes and methods
// of its own templates.
package generator

import (
	"bytes"
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

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// generation is the templates' data.
type generation struct {
	*contract.Contract
	Package            string // of the file
	Source             string // the contract's file name
	Version            string
	Own                bool   // this repository's own contract
	Types              string // package of the models and of Request; empty if it is the same
	Methods            []method
	KindNames, Effects []string
}

// Own generates the files of package generated and the methods of package dingtalk. Skipped operations get no method.
func Own(c *contract.Contract, source string, skip ...string) (files map[string][]byte, methods []byte, err error) {
	g := &generation{Contract: c, Package: ownPackage, Source: path.Base(source), Own: true}
	if c.Codes == nil || c.Limits == nil || c.TokenHeader == "" || c.RequestIDHeader == "" {
		return nil, nil, fmt.Errorf("%s: it lacks x-error-codes, x-limits, the apiKey of the token or the header RequestId", source)
	}
	client, err := g.whole("requests")
	if err != nil {
		return nil, nil, err
	}
	files = map[string][]byte{"client.gen.go": client}
	for name, template := range map[string]string{"contract": "contract", "operations": "operationsfile", "errorcodes": "errorcodes", "texts": "textsfile"} {
		if files[name+".gen.go"], err = g.render(template); err != nil {
			return nil, nil, err
		}
	}
	g.Package, g.Types = "dingtalk", ownPackage
	g.Methods = slices.DeleteFunc(slices.Clone(g.Methods), func(m method) bool { return slices.Contains(skip, m.ID) })
	methods, err = g.render("methods")
	return files, methods, err
}

// Foreign generates a package of methods for any contract, as one file. oapi-codegen keeps its state in global variables: of
// calls at once, one runs it and others wait.
func Foreign(c *contract.Contract, source, pkg string) ([]byte, error) {
	if c.TokenHeader != "" && !strings.EqualFold(c.TokenHeader, tokenHeader) {
		return nil, c.Locate(fmt.Errorf("the client sends the access token in the header %s, not in %s: name that in securitySchemes", tokenHeader, c.TokenHeader))
	}
	g := &generation{Contract: c, Package: pkg, Source: path.Base(source)}
	return g.whole("foreign")
}

// tokenHeader is what the client of package dingtalk sends.
const tokenHeader = "x-acs-dingtalk-access-token"

// imports are the packages that a file may need.
var imports = map[string]string{
	"bytes": `"bytes"`, "context": `"context"`, "json": `"encoding/json"`, "fmt": `"fmt"`, "http": `"net/http"`, "iter": `"iter"`,
	"dingtalk": `dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"`, "generated": `"github.com/dingtalk-openapi/openconversation-go/generated"`,
}

// whole makes a file of the models and of a template.
func (g *generation) whole(name string) (made []byte, err error) {
	g.Version, g.KindNames, g.Effects = Version, contract.Kinds, contract.TokenEffects
	var src string
	if src, g.Methods, err = models(g.Contract, g.Package); err != nil {
		return nil, g.Locate(err)
	}
	header, err := g.text("header")
	if err != nil {
		return nil, err
	}
	more, err := g.text(name)
	if err != nil {
		return nil, err
	}
	header += "package " + g.Package + "\n"
	body := g.finish(src + more)
	used, err := g.check(header + body)
	if err != nil {
		return nil, g.Locate(err)
	}
	var standard, others strings.Builder
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if path := imports[name]; strings.Contains(path, ".") {
			others.WriteString(path + "\n")
		} else {
			standard.WriteString(path + "\n")
		}
	}
	return format.Source([]byte(header + "import (\n" + standard.String() + "\n" + others.String() + ")\n" + body))
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
			found = fmt.Errorf("two parts of the contract have one name in Go, or another makes no Go: rename one with x-go-name, or an operation with its operationId: %s", problem.Msg)
		}
	}}
	_, _ = cfg.Check("generated", fset, []*ast.File{file}, nil)
	return used, found
}

// render executes a template and formats its output.
func (g *generation) render(name string) ([]byte, error) {
	text, err := g.text(name)
	if err != nil {
		return nil, err
	}
	return format.Source([]byte(contract.Decode(text)))
}

func (g *generation) text(name string) (string, error) {
	var buf bytes.Buffer
	err := parsed.ExecuteTemplate(&buf, name, g)
	return buf.String(), err
}

var parsed = template.Must(template.New("").Funcs(template.FuncMap{
	"goName": codegen.ToCamelCaseWithInitialisms, "quote": strconv.Quote, "comment": comment, "qualified": qualified, "dict": dict, "literal": literal,
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
	switch v.Kind() {
	case reflect.Pointer:
		return "&" + literal(v.Elem().Interface(), pkg)
	case reflect.Struct:
		var b strings.Builder
		for i := range v.NumField() {
			if field := v.Type().Field(i); !v.Field(i).IsZero() {
				fmt.Fprintf(&b, "%s: %s, ", field.Name, literal(v.Field(i).Interface(), pkg))
			}
		}
		return name + "{" + b.String() + "}"
	case reflect.Slice:
		var b strings.Builder
		for i := range v.Len() {
			item := literal(v.Index(i).Interface(), pkg)
			if v.Index(i).Kind() == reflect.Struct {
				item = "\n" + item[strings.Index(item, "{"):]
			}
			b.WriteString(item + ",")
		}
		if v.Type().Elem().Kind() == reflect.Struct {
			b.WriteString("\n")
		}
		return name + "{" + b.String() + "}"
	case reflect.Map:
		var pairs []string
		for _, key := range v.MapKeys() {
			pairs = append(pairs, strconv.Quote(key.String())+": "+strconv.Quote(v.MapIndex(key).String()))
		}
		slices.Sort(pairs)
		return name + "{" + strings.Join(pairs, ", ") + "}"
	case reflect.String:
		return strconv.Quote(v.String())
	}
	if v.Type() == reflect.TypeFor[generated.Repeat]() {
		return pkg + "RepeatSafe"
	}
	if d, is := value.(fmt.Stringer); is && v.Type().String() == "time.Duration" {
		return strconv.FormatInt(v.Int(), 10) + " /* " + d.String() + " */"
	}
	return fmt.Sprint(value)
}

// HasPages reports whether an operation has an iterator.
func (g *generation) HasPages() bool {
	return slices.ContainsFunc(g.Methods, func(m method) bool { return m.Item != "" })
}
