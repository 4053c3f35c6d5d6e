package generator

import (
	"cmp"
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// method is an operation with the names that it has in Go.
type method struct {
	contract.Operation
	Name      string
	Arguments []argument // of the path in its order, the other parameters, the body, or the fields of a form
	Answer    string     // type of a success; empty if it has no body
	Item      string     // type of a page's items; empty if the answer is whole
}

// argument is an argument of a method.
type argument struct{ Name, Type, Set string } // Set is the statement that puts it into the request r

// Values lists a method's arguments for the request builder.
func (m method) Values() string {
	var names []string
	for _, a := range m.Arguments {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// HasFiles reports whether the body is a form.
func (m method) HasFiles() bool {
	return m.Operation.Content != nil && m.Operation.Content.Type == "form"
}

// IsPlain reports whether its request is one of generated.NewPlainRequest. No contract's path needs escapes.
func (m method) IsPlain() bool {
	limited := func(p generated.Field) bool {
		return p.In != "path" || p.JSON || p.MinLength+p.MaxLength > 0 || p.Minimum+p.Maximum != ""
	}
	return m.Body == generated.BodyNone && !slices.ContainsFunc(m.Parameters, limited)
}

// methods names the operations. It runs after oapi-codegen and before its next run, whose names depend on its state.
func methods(c *contract.Contract, own bool) (all []method) {
	for _, o := range c.Operations {
		m := method{Operation: o, Name: codegen.SchemaNameToTypeName(o.ID), Answer: typeOf(o.Types["answer"])}
		m.Item = typeOf(o.Types["item"])
		m.arguments(own)
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b method) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (m *method) arguments(own bool) {
	// In set, what puts the argument into the request, $ is its name.
	add := func(key, name, set string, optional bool) {
		typ := typeOf(m.Types[key])
		if typ == "" {
			return
		}
		if strings.HasPrefix(set, "r.AddFile") {
			if typ = "generated.File"; own {
				typ = "File"
			}
		}
		if optional && !strings.HasPrefix(set, "r.AddField") {
			set = "if $ != nil {\n" + set + "\n}"
		}
		if strings.HasPrefix(set, "r.SetPath") && typ != "string" {
			set = strings.Replace(set, "$", "r.Texts($)...", 1)
		} else if own && m.IsPlain() {
			set = strings.Replace(set, "SetPath", "setText", 1)
		}
		if optional {
			typ, set = "*"+typ, strings.Replace(set, ", $", ", *$", 1)
		}
		m.Arguments = append(m.Arguments, argument{name, typ, strings.ReplaceAll(set, "$", name)})
	}
	path := slices.DeleteFunc(slices.Clone(m.Parameters), func(p generated.Field) bool { return p.In != "path" })
	slices.SortFunc(path, func(a, b generated.Field) int {
		return cmp.Compare(strings.Index(m.Path, "{"+a.Name+"}"), strings.Index(m.Path, "{"+b.Name+"}"))
	})
	for _, p := range path {
		add("path "+p.Name, m.goName("path "+p.Name), fmt.Sprintf("r.SetPath(%q, $)", p.Name), false)
	}
	add("params", "params", "r.SetParams($)", false)
	add("body", "body", "r.SetBody($)", m.Body == generated.BodyOptional)
	if m.HasFiles() {
		for _, f := range m.Content.Fields {
			set := fmt.Sprintf("r.AddField(%q, r.Texts($)...)", f.Name)
			if f.Type == "file" {
				set = fmt.Sprintf("r.AddFile(%q, $)", f.Name)
			}
			add("form "+f.Name, m.goName("form "+f.Name), set, !f.Required)
		}
	}
}

// usedNames lists names with another meaning in the methods.
var usedNames = []string{
	"body", "c", "opts", "context", "ctx", "dingtalk", "generated", "iter", "json", "params", "r", "string", "reqEditors", "http",
	"float64", "int64", "uint64", "bool", "append", "nil", "true", "false", "int32", "float32", "any", "fmt", "bytes", "error",
}

// goName is the name of an argument that has one on the wire.
func (m *method) goName(key string) string {
	_, name, _ := strings.Cut(key, " ")
	given := m.Types[key].Extensions
	if m.Types[key].Ref == "" {
		given = m.Types[key].Value.Extensions
	}
	own, _ := given["x-go-name"].(string)
	name = codegen.LowercaseFirstCharacters(codegen.SchemaNameToTypeName(cmp.Or(own, contract.ASCII(name))))
	for token.IsKeyword(name) || slices.Contains(usedNames, name) || slices.ContainsFunc(m.Arguments, func(a argument) bool { return a.Name == name }) {
		name += "Value"
	}
	return name
}

// typeOf panics with oapi-codegen's error, which models returns.
func typeOf(schema *openapi3.SchemaRef) string {
	if schema == nil {
		return ""
	}
	made, err := codegen.GenerateGoSchema(schema, []string{"type"})
	if err != nil {
		panic(err)
	}
	return made.TypeDecl()
}

var ours = regexp.MustCompile(`(^|[^.\pL\pN_])(\p{Lu}[\pL\pN_]*)`)

// qualified returns a Go type with the package name pkg before the types of the models' package.
func qualified(pkg, typ string) string {
	if pkg == "" {
		return typ
	}
	return ours.ReplaceAllString(typ, "${1}"+pkg+".${2}")
}
