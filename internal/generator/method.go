package generator

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// method is an operation with oapi-codegen's names of its types.
type method struct {
	contract.Operation
	Name      string     // in Go
	Arguments []argument // of the path, in its order
	Params    string     // type of the other parameters; empty if there are none
	Others    []argument // the other parameters
	Content   string     // type of the body; empty if there is none
	Form      []argument // the fields of a body of multipart/form-data
	Must      bool       // the body is required
	Answer    string     // type of a success; empty if it has no body
	Item      string     // type of a page's items; empty if the answer is whole
}

// argument is a parameter of a request.
type argument struct {
	generated.Field
	Go      string // of the argument, or of the field in Params
	GoType  string
	Pointer bool   // nil: absent
	format  string // Go expression of its text; %s is the value or an item
}

// Text is the Go expression of a value's text.
func (a argument) Text(value string) string { return fmt.Sprintf(a.format, value) }

// Add is the method of Request that adds the parameter.
func (a argument) Add() string { return "Add" + strings.ToUpper(a.In[:1]) + a.In[1:] }

// Values lists a method's arguments for the request builder.
func (m method) Values() string {
	var names []string
	for _, a := range m.Arguments {
		names = append(names, a.Go)
	}
	if m.Params != "" {
		names = append(names, "params")
	}
	if m.Content != "" {
		names = append(names, "body")
	}
	for _, a := range m.Form {
		names = append(names, a.Go)
	}
	return strings.Join(names, ", ")
}

// methods joins the contract's operations with oapi-codegen's view of them. It runs inside oapi-codegen, whose names depend
// on its state.
func methods(c *contract.Contract, definitions []codegen.OperationDefinition, own bool) (all []method, err error) {
	if err := c.Collisions(codegen.SchemaNameToTypeName); err != nil {
		return nil, err
	}
	for _, o := range c.Operations {
		i := slices.IndexFunc(definitions, func(d codegen.OperationDefinition) bool { return d.Method == o.Method && d.Path == o.Path })
		if i < 0 {
			return nil, fmt.Errorf("oapi-codegen made no operation of %s", o.ID)
		}
		m, err := methodOf(o, definitions[i], own)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b method) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func methodOf(o contract.Operation, d codegen.OperationDefinition, own bool) (m method, err error) {
	m = method{Operation: o, Name: d.OperationId}
	for _, p := range d.PathParams {
		m.Arguments = append(m.Arguments, argumentOf(o, p, unused(p.GoVariableName())))
	}
	for _, p := range slices.Concat(d.QueryParams, d.HeaderParams) {
		m.Others = append(m.Others, argumentOf(o, p, p.GoName()))
	}
	if len(m.Others) > 0 {
		m.Params = d.OperationId + "Params"
	}
	if body := o.Spec.RequestBody; body != nil {
		m.Must = body.Value.Required
		if m.Content, err = typeOf(body.Value.Content, o.ID+"RequestBody"); err != nil {
			return m, err
		}
	}
	if o.Content != nil && o.Content.Type == "form" {
		m.Form = formOf(o.Content.Fields, own)
	}
	for _, answer := range o.Spec.Responses.Map() {
		if m.Answer, err = typeOf(answer.Value.Content, o.ID+"ResponseBody"); err != nil || o.Paging == nil {
			return m, err
		}
		items := property(answer.Value.Content["application/json"].Schema, o.Paging.Items)
		schema, err := codegen.GenerateGoSchema(items.Value.Items, []string{o.ID, "Item"})
		if err != nil {
			return m, err
		}
		m.Item = schema.TypeDecl()
	}
	return m, nil
}

// formTypes are the Go types of a form's fields, and how their texts are made.
var formTypes = map[string][2]string{
	"file": {"File"}, "string": {"string", "%s"}, "integer": {"int64", "strconv.FormatInt(%s, 10)"},
	"number": {"float64", "strconv.FormatFloat(%s, 'f', -1, 64)"}, "boolean": {"bool", "strconv.FormatBool(%s)"},
}

// formOf returns the arguments for the fields of a form.
func formOf(fields []generated.Field, own bool) (all []argument) {
	for _, f := range fields {
		a := argument{Field: f, Go: unused(codegen.LowercaseFirstCharacters(codegen.SchemaNameToTypeName(contract.ASCII(f.Name)))), Pointer: !f.Required}
		a.GoType, a.format = formTypes[f.Type][0], formTypes[f.Type][1]
		if f.Type == "file" && !own {
			a.GoType = "generated.File"
		}
		if a.Pointer {
			a.GoType = "*" + a.GoType
		}
		all = append(all, a)
	}
	return all
}

func typeOf(content openapi3.Content, name string) (string, error) {
	media := content["application/json"]
	if media == nil {
		return "", nil
	}
	schema, err := codegen.GenerateGoSchema(media.Schema, []string{name})
	return schema.TypeDecl(), err
}

// property finds a field, or object.field within it.
func property(ref *openapi3.SchemaRef, name string) *openapi3.SchemaRef {
	if found := ref.Value.Properties[name]; found != nil {
		return found
	}
	for _, part := range ref.Value.AllOf {
		if found := property(part, name); found != nil {
			return found
		}
	}
	if outer, inner, nested := strings.Cut(name, "."); nested {
		if object := property(ref, outer); object != nil {
			return property(object, inner)
		}
	}
	return nil
}

// usedNames lists names with another meaning in the methods.
var usedNames = []string{
	"body", "c", "opts", "context", "ctx", "dingtalk", "generated", "iter", "json", "params", "r", "strconv", "string", "texts", "v", "reqEditors", "http",
	"float64", "int64", "uint64", "bool", "append", "nil", "true", "false", "int32", "float32", "any", "fmt", "bytes", "error",
}

// unused names a parameter of a path.
func unused(name string) string {
	if slices.Contains(usedNames, name) {
		return name + "Value"
	}
	return name
}

func argumentOf(o contract.Operation, p codegen.ParameterDefinition, name string) argument {
	i := slices.IndexFunc(o.Parameters, func(f generated.Field) bool { return f.Name == p.ParamName && f.In == p.In })
	a := argument{Field: o.Parameters[i], Go: name, GoType: p.TypeDef(), Pointer: p.HasOptionalPointer()}
	schema := p.Spec.Schema.Value
	if a.List {
		a.Pointer, schema = false, schema.Items.Value
	}
	switch {
	case a.JSON:
		a.format = "r.JSONText(%s)"
	case a.Type == "integer" && (schema.Format == "uint" || schema.Format == "uint64"):
		a.format = "strconv.FormatUint(uint64(%s), 10)"
	case a.Type == "integer":
		a.format = "strconv.FormatInt(int64(%s), 10)"
	case a.Type == "number" && schema.Format == "float":
		a.format = "strconv.FormatFloat(float64(%s), 'f', -1, 32)"
	case a.Type == "number":
		a.format = "strconv.FormatFloat(float64(%s), 'f', -1, 64)"
	case a.Type == "boolean":
		a.format = "strconv.FormatBool(bool(%s))"
	case p.Schema.TypeDecl() == "string" || a.List && p.Schema.TypeDecl() == "[]string":
		a.format = "%s"
	default:
		a.format = "string(%s)"
	}
	return a
}

// qualified returns a Go type with the package name pkg before the types of the models' package.
func qualified(pkg, typ string) (string, error) {
	if pkg == "" || typ == "" {
		return typ, nil
	}
	expr, err := parser.ParseExpr(typ)
	if err != nil {
		return "", fmt.Errorf("the type %s: %w", typ, err)
	}
	var at []int
	ast.Inspect(expr, func(n ast.Node) bool {
		if _, foreign := n.(*ast.SelectorExpr); foreign {
			return false
		}
		if id, ok := n.(*ast.Ident); ok && token.IsExported(id.Name) {
			at = append(at, int(id.Pos())-1)
		}
		return true
	})
	for _, i := range slices.Backward(at) {
		typ = typ[:i] + pkg + "." + typ[i:]
	}
	return typ, nil
}
