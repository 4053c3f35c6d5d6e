package official

import (
	"cmp"
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// writer makes a contract.
type writer struct {
	*Package
	strings.Builder
	schemas map[string][]field // those that were referred to; order is their order
	order   []string
	answers map[string]bool // structs of answers, which require nothing
	err     error
}

const head = `openapi: 3.0.3
info:
  title: DingTalk %[1]s
  version: %[2]s
  description: Imported from the source of %[3]s %[2]s, package %[1]s. Its names and texts have that licence.
  license: {name: Apache-2.0, url: "https://www.apache.org/licenses/LICENSE-2.0"}
servers:
  - url: https://api.dingtalk.com
security:
  - accessToken: []
tags:
  - {name: %[4]s, description: Package %[1]s}
paths:
`

const tail = `components:
  securitySchemes:
    accessToken: {type: apiKey, in: header, name: ` + tokenHeader + `}
  responses:
    Error:
      description: A failure.
      content: {application/json: {schema: {$ref: "#/components/schemas/ApiError"}}}
  schemas:
    ApiError:
      type: object
      properties: {code: {type: string}, message: {type: string}, requestid: {type: string}}
`

// Contract is the OpenAPI contract of operations of the package, in YAML.
func (p *Package) Contract(operations []*Operation) ([]byte, error) {
	w := &writer{Package: p, schemas: map[string][]field{}, answers: map[string]bool{}}
	tag := text(strings.Split(p.Name, "_")[0]) // names other languages' classes: RobotApi
	fmt.Fprintf(w, head, p.Name, p.Version, Module, tag)
	operations = slices.Clone(operations)
	slices.SortStableFunc(operations, func(a, b *Operation) int { return cmp.Compare(a.Path, b.Path) })
	seen := map[string]bool{}
	for _, o := range operations {
		w.answered(&ast.Ident{Name: o.answer})
		if seen[o.ID()] || seen[o.Method+" "+o.Path] {
			return nil, p.unknown(o.line, "an operation with the name or the path of another")
		}
		if !seen[o.Path] {
			fmt.Fprintf(w, "  %q:\n", o.Path)
		}
		seen[o.ID()], seen[o.Path], seen[o.Method+" "+o.Path] = true, true, true
		w.operation(o, tag)
	}
	w.WriteString(tail)
	for i := 0; i < len(w.order); i++ { // it grows meanwhile
		w.component(w.order[i], w.schemas[w.order[i]])
	}
	return []byte(w.String()), w.err
}

func (w *writer) operation(o *Operation, tag string) {
	say := func(format string, args ...any) { fmt.Fprintf(w, "      "+format+"\n", args...) }
	fmt.Fprintf(w, "    %s:\n", strings.ToLower(o.Method))
	say("operationId: %s\n      tags: [%s]\n      summary: %s", text(o.ID()), tag, text(cmp.Or(o.Summary, o.Name)))
	if o.public {
		say("security: []")
	}
	say("x-repeat: %s", map[bool]string{true: "safe", false: "unsent"}[o.Method == "GET"])
	answer, answers := w.field(o.answer, "Body")
	for _, more := range w.shown(o, w.structs[pointed(answer.typ)]) {
		say("%s", more)
	}
	var parameters []string
	for _, name := range inBraces.FindAllString(o.Path, -1) {
		parameters = append(parameters, "name: "+text(name[1:len(name)-1])+", in: path, required: true, schema: {type: string}")
	}
	for _, f := range o.query {
		more := described(f)
		if f.required {
			more += ", required: true"
		}
		if f.style == "simple" {
			more += ", explode: false"
		}
		parameters = append(parameters, "name: "+text(f.wire)+", in: query"+more+", schema: "+w.schema(f))
	}
	for _, f := range o.header {
		parameters = append(parameters, "name: "+text(f.wire)+", in: header, schema: {type: string}")
	}
	if len(parameters) > 0 {
		say("parameters:\n        - {%s}", strings.Join(parameters, "}\n        - {"))
	}
	if body, _ := w.field(o.request, "Body"); o.whole {
		say("requestBody: {required: true, content: {application/json: {schema: %s}}}", w.schema(body))
	} else if len(o.body) > 0 {
		say("requestBody: {required: true, content: {application/json: {schema: %s}}}", w.refer(o.Name+"Request", o.body))
	}
	content := ""
	if answers {
		content = ", content: {application/json: {schema: " + w.schema(answer) + "}}"
	}
	say("responses:\n        '200': {description: OK%s}\n        4XX: {$ref: \"#/components/responses/Error\"}", content)
}

// refer refers to a component, which is written later.
func (w *writer) refer(name string, fields []field) string {
	if _, ok := w.schemas[name]; !ok {
		w.schemas[name], w.order = fields, append(w.order, name)
	}
	return `{$ref: "#/components/schemas/` + name + `"}`
}

func (w *writer) component(name string, fields []field) {
	fmt.Fprintf(w, "    %s:\n      type: object\n", text(name))
	var required, properties []string
	for _, f := range fields {
		if f.required && !w.answers[name] {
			required = append(required, text(f.wire))
		}
		schema, more := w.schema(f), described(f)
		if !strings.HasPrefix(schema, "{$ref") {
			schema = strings.Replace(schema[:len(schema)-1]+more+w.example(f)+"}", "{, ", "{", 1)
		} else if more != "" { // a reference has nothing beside it
			schema = "{allOf: [" + schema + "]" + more + "}"
		}
		properties = append(properties, "\n        "+text(f.wire)+": "+schema)
	}
	if len(required) > 0 {
		fmt.Fprintf(w, "      required: [%s]\n", strings.Join(required, ", "))
	}
	if len(properties) > 0 {
		fmt.Fprintf(w, "      properties:%s\n", strings.Join(properties, ""))
	}
}

func described(f field) (more string) {
	if f.text != "" {
		more += ", description: " + text(f.text)
	}
	if f.deprecated {
		more += ", deprecated: true"
	}
	return more
}

// answered marks the structs of an answer.
func (w *writer) answered(e ast.Node) {
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && w.structs[id.Name] != nil && !w.answers[id.Name] {
			w.answers[id.Name] = true
			for _, f := range w.structs[id.Name] {
				w.answered(f.typ)
			}
		}
		return true
	})
}

// schema is the schema of a field's type, or of the text that its value becomes.
func (w *writer) schema(f field) string {
	if f.style == "json" {
		return "{type: string, x-json-string: {}}"
	}
	return w.typed(f.typ)
}

func (w *writer) typed(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.StarExpr:
		return w.typed(t.X)
	case *ast.ArrayType:
		if word(t.Elt) == "byte" {
			return "{type: string, format: byte}"
		}
		return "{type: array, items: " + w.typed(t.Elt) + "}"
	case *ast.MapType:
		return "{type: object, additionalProperties: " + w.typed(t.Value) + "}"
	case *ast.InterfaceType:
		return "{}"
	case *ast.Ident:
		if scalar := scalars[t.Name]; scalar != "" {
			return scalar
		}
		if fields, ok := w.structs[t.Name]; ok {
			return w.refer(t.Name, fields)
		}
	}
	if !w.isReader(e) && w.err == nil {
		w.err = w.unknown(e, "a type")
	}
	return scalars["string"]
}
