package generator

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// operation is an operation with oapi-codegen's names of its types.
type operation struct {
	contract.Operation
	Name    string      // in Go
	Path    []parameter // in the order of the path
	Params  string      // type of the other parameters; empty if there are none
	Query   []parameter
	Header  []parameter
	Body    string     // type of the body; empty if there is none
	Must    bool       // the body is required
	Texts   []jsonText // fields of the body that become JSON in a string
	Answer  string     // type of a success; empty if it has no body
	Pages   *pages
	Example string
	Own     bool // the example is the contract's
}

// Translated returns the catalogue's rows with a Chinese description, each description once.
func (g *generation) Translated() []contract.Code {
	rows := slices.Clone(g.Codes)
	for _, o := range g.Operations {
		rows = append(rows, o.Codes...)
	}
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(rows, func(row contract.Code) bool {
		again := row.Chinese == "" || seen[row.Description]
		seen[row.Description] = true
		return again
	})
}

// Values lists a method's arguments for the request builder.
func (o operation) Values() string {
	var names []string
	for _, p := range o.Path {
		names = append(names, p.Name)
	}
	if o.Params != "" {
		names = append(names, "params")
	}
	if o.Body != "" {
		names = append(names, "body")
	}
	return strings.Join(names, ", ")
}

// parameter is a parameter of a request.
type parameter struct {
	Wire    string // its name in the contract
	Name    string // of the argument or the field
	Type    string
	Pointer bool // nil: absent
	List    bool
	Explode bool   // each item of a list is a separate parameter
	Must    bool   // it is required
	format  string // Go expression of its text; %s is the value or an item
}

// jsonText is a field of a body that takes a value and becomes JSON in a string.
type jsonText struct {
	contract.JSONString
	Field string
}

// Text is the Go expression of a value's text.
func (p parameter) Text(value string) string { return fmt.Sprintf(p.format, value) }

// pages describes how an operation's iterator fetches the next page.
type pages struct {
	Target            string // field for the token, such as params.NextToken
	Pointer           bool   // of the target
	Token             string // type of the token
	Item              string
	Items, Next, More string // fields of the answer
	NextPointer       bool
	MorePointer       bool
	BodyPointer       bool // the body may be nil
}

// views joins the contract's operations with oapi-codegen's view of them. It runs inside oapi-codegen, whose names depend
// on its state.
func views(c *contract.Contract, definitions []codegen.OperationDefinition) ([]operation, error) {
	var ops []operation
	for _, o := range c.Operations {
		i := slices.IndexFunc(definitions, func(d codegen.OperationDefinition) bool { return d.Method == o.Method && d.Path == o.Path })
		if i < 0 {
			return nil, fmt.Errorf("oapi-codegen made no operation of %s", o.ID)
		}
		view, err := viewOf(c, o, definitions[i])
		if err != nil {
			return nil, err
		}
		ops = append(ops, view)
	}
	slices.SortFunc(ops, func(a, b operation) int { return cmp.Compare(a.Name, b.Name) })
	return ops, nil
}

func viewOf(c *contract.Contract, o contract.Operation, d codegen.OperationDefinition) (operation, error) {
	view := operation{Operation: o, Name: d.OperationId}
	for _, p := range d.PathParams {
		view.Path = append(view.Path, parameterOf(p, argument(p.GoVariableName())))
	}
	for _, p := range d.QueryParams {
		view.Query = append(view.Query, parameterOf(p, p.GoName()))
	}
	for _, p := range d.HeaderParams {
		view.Header = append(view.Header, parameterOf(p, p.GoName()))
	}
	if len(view.Query)+len(view.Header) > 0 {
		view.Params = d.OperationId + "Params"
	}
	if len(d.Bodies) == 1 {
		view.Must = d.BodyRequired
		body := o.Spec.RequestBody.Value.Content["application/json"].Schema
		schema, err := codegen.GenerateGoSchema(body, []string{o.ID, "RequestBody"})
		if err != nil {
			return view, err
		}
		view.Body = schema.TypeDecl()
		for _, text := range o.JSONStrings {
			property, err := goField(body.Value, text.Name)
			if err != nil {
				return view, err
			}
			view.Texts = append(view.Texts, jsonText{text, property.GoFieldName()})
		}
	}
	if o.Answer != nil {
		schema, err := codegen.GenerateGoSchema(o.Answer, []string{o.ID, "ResponseBody"})
		if err != nil {
			return view, err
		}
		view.Answer = schema.TypeDecl()
	}
	var err error
	if view.Example, view.Own, err = c.Example(o); err != nil {
		return view, err
	}
	if o.Paging != nil {
		view.Pages, err = pagesOf(o, view)
	}
	return view, err
}

// usedNames lists names with another meaning in the methods.
var usedNames = []string{
	"answer", "body", "c", "context", "ctx", "dingtalk", "err", "generated", "items", "iter", "json", "more", "next", "none",
	"page", "params", "r", "strconv", "string", "token", "v", "texts", "reqEditors", "http", "float64", "int64", "uint64", "bool",
	"append", "len", "error", "nil", "true", "false", "int32", "float32", "any", "fmt", "bytes", "time",
}

// argument names a parameter of a path.
func argument(name string) string {
	if slices.Contains(usedNames, name) {
		return name + "Value"
	}
	return name
}

func parameterOf(p codegen.ParameterDefinition, name string) parameter {
	schema := p.Spec.Schema.Value
	view := parameter{Wire: p.ParamName, Name: name, Type: p.TypeDef(), Pointer: p.HasOptionalPointer(), Must: p.Required}
	if schema.Items != nil && schema.Type.Is("array") {
		view.List, view.Pointer, schema = true, false, schema.Items.Value
		view.Explode = p.In == openapi3.ParameterInQuery && p.Explode()
	}
	switch {
	case schema.Type.Is("integer") && (schema.Format == "uint" || schema.Format == "uint64"):
		view.format = "strconv.FormatUint(uint64(%s), 10)"
	case schema.Type.Is("integer"):
		view.format = "strconv.FormatInt(int64(%s), 10)"
	case schema.Type.Is("number") && schema.Format == "float":
		view.format = "strconv.FormatFloat(float64(%s), 'f', -1, 32)"
	case schema.Type.Is("number"):
		view.format = "strconv.FormatFloat(float64(%s), 'f', -1, 64)"
	case schema.Type.Is("boolean"):
		view.format = "strconv.FormatBool(bool(%s))"
	case p.Schema.TypeDecl() == "string" || view.List && p.Schema.TypeDecl() == "[]string":
		view.format = "%s"
	default:
		view.format = "string(%s)"
	}
	return view
}

func pagesOf(o contract.Operation, view operation) (*pages, error) {
	answer := o.Answer.Value
	p := &pages{}
	items, err := goField(answer, o.Paging.Items)
	if err != nil {
		return nil, err
	}
	next, err := goField(answer, o.Paging.Out)
	if err != nil {
		return nil, err
	}
	p.Items, p.Item = items.GoFieldName(), strings.TrimPrefix(items.Schema.TypeDecl(), "[]")
	if items.Schema.ArrayType == nil || !strings.HasPrefix(items.GoTypeDef(), "[]") {
		return nil, fmt.Errorf("%s: x-paging: the items %s are a list with a name of its own or may be null", o.ID, o.Paging.Items)
	}
	p.Next, p.NextPointer, p.Token = next.GoFieldName(), next.IsPointer(), next.Schema.TypeDecl()
	if o.Paging.More != "" {
		more, err := goField(answer, o.Paging.More)
		if err != nil {
			return nil, err
		}
		p.More, p.MorePointer = more.GoFieldName(), more.IsPointer()
	}
	if o.Paging.Body {
		in, err := goField(o.Spec.RequestBody.Value.Content["application/json"].Schema.Value, o.Paging.In)
		if err != nil {
			return nil, err
		}
		p.Target, p.Pointer, p.BodyPointer = "body."+in.GoFieldName(), in.IsPointer(), !view.Must
		if in.Schema.TypeDecl() != p.Token {
			return nil, fmt.Errorf("%s: x-paging: %s and %s have different types", o.ID, o.Paging.In, o.Paging.Out)
		}
		return p, nil
	}
	for _, q := range view.Query {
		if q.Wire == o.Paging.In {
			p.Target, p.Pointer = "params."+q.Name, q.Pointer
			if q.Type != p.Token {
				return nil, fmt.Errorf("%s: x-paging: %s and %s have different types", o.ID, o.Paging.In, o.Paging.Out)
			}
		}
	}
	return p, nil
}

// goField returns oapi-codegen's field for a property.
func goField(object *openapi3.Schema, name string) (codegen.Property, error) {
	ref, required := property(object, name)
	schema, err := codegen.GenerateGoSchema(ref, []string{name})
	if err != nil {
		return codegen.Property{}, err
	}
	extensions := map[string]any{}
	maps.Copy(extensions, ref.Value.Extensions)
	maps.Copy(extensions, ref.Extensions)
	if skip, ok := extensions["x-go-type-skip-optional-pointer"].(bool); ok {
		schema.SkipOptionalPointer = skip
	}
	return codegen.Property{
		JsonFieldName: name, Schema: schema, Required: required, Nullable: ref.Value.Nullable,
		ReadOnly: ref.Value.ReadOnly, WriteOnly: ref.Value.WriteOnly, Extensions: extensions,
	}, nil
}

func property(object *openapi3.Schema, name string) (ref *openapi3.SchemaRef, required bool) {
	ref, required = object.Properties[name], slices.Contains(object.Required, name)
	for _, part := range object.AllOf {
		inner, must := property(part.Value, name)
		if ref == nil {
			ref = inner
		}
		required = required || must
	}
	return ref, required
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
