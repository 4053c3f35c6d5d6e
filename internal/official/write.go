package official

import (
	"cmp"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const tokenHeader = "x-acs-dingtalk-access-token"

var (
	inBraces     = regexp.MustCompile(`\{\w+\}`)
	knownPath    = regexp.MustCompile(`^(/([A-Za-z0-9_.:@$~-]|\{\w+\})+)+ ?$`)
	knownMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	names        = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-]$`)
	numbers      = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$`)
	words        = regexp.MustCompile(`^[\pL_][\pL0-9_]*$`)
	misread      = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
)

// isName says whether a foreign name can be a part of a contract, of a file's name and of Go.
func isName(name string) bool { return names.MatchString(name) }

// escape makes foreign text one line of printable characters that ends no comment.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "*/", `*\/`) {
		switch {
		case unicode.IsSpace(r):
			b.WriteRune(' ')
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// text is a string in YAML, quoted unless every reader takes it for one: YAML 1.1 reads no as false, and 18:00 as 1080.
func text(s string) string {
	if s = escape(s); words.MatchString(s) && !misread.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// ID is the operation's name in a contract.
func (o *Operation) ID() string { return strings.ToLower(o.Name[:1]) + o.Name[1:] }

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
	tag := strings.Split(p.Name, "_")[0] // names other languages' classes: RobotApi
	fmt.Fprintf(w, head, p.Name, p.Version, Module, text(tag))
	operations = slices.Clone(operations)
	for _, o := range operations {
		w.answered(&ast.Ident{Name: o.answer})
	}
	slices.SortStableFunc(operations, func(a, b *Operation) int { return cmp.Compare(a.Path, b.Path) })
	ids, path := map[string]bool{}, ""
	for _, o := range operations {
		if ids[o.ID()] || ids[o.Method+" "+o.Path] {
			return nil, p.unknown(o.line, "an operation with the name or the path of another")
		}
		ids[o.ID()], ids[o.Method+" "+o.Path] = true, true
		if o.Path != path {
			fmt.Fprintf(w, "  %s:\n", strconv.Quote(o.Path))
		}
		path = o.Path
		w.operation(o, tag)
	}
	w.WriteString(tail)
	for i := 0; i < len(w.order); i++ { // it grows meanwhile
		w.component(w.order[i], w.schemas[w.order[i]])
	}
	return []byte(w.String()), w.err
}

func (w *writer) operation(o *Operation, tag string) {
	fmt.Fprintf(w, "    %s:\n      operationId: %s\n      tags: [%s]\n      summary: %s\n", strings.ToLower(o.Method), text(o.ID()), text(tag), text(cmp.Or(o.Summary, o.Name)))
	if o.public {
		w.WriteString("      security: []\n")
	}
	fmt.Fprintf(w, "      x-repeat: %s\n", map[bool]string{true: "safe", false: "unsent"}[o.Method == "GET"])
	w.WriteString(w.success(o) + w.paging(o))
	var parameters []string
	for _, name := range inBraces.FindAllString(o.Path, -1) {
		parameters = append(parameters, fmt.Sprintf("{name: %s, in: path, required: true, schema: {type: string}}", text(name[1:len(name)-1])))
	}
	for _, f := range o.query {
		more := described(f)
		if f.required {
			more += ", required: true"
		}
		if f.style == "simple" {
			more += ", explode: false"
		}
		parameters = append(parameters, fmt.Sprintf("{name: %s, in: query%s, schema: %s}", text(f.wire), more, w.schema(f)))
	}
	for _, f := range o.header {
		parameters = append(parameters, fmt.Sprintf("{name: %s, in: header, schema: {type: string}}", text(f.wire)))
	}
	for i, p := range parameters {
		fmt.Fprintf(w, "%s        - %s\n", map[bool]string{true: "      parameters:\n"}[i == 0], p)
	}
	const content = "content: {application/json: {schema: %s}}"
	if body, _ := w.field(o.request, "Body"); o.whole {
		fmt.Fprintf(w, "      requestBody: {required: true, "+content+"}\n", w.schema(body))
	} else if len(o.body) > 0 {
		fmt.Fprintf(w, "      requestBody: {required: true, "+content+"}\n", w.refer(o.Name+"Request", o.body))
	}
	answer := ""
	if body, ok := w.field(o.answer, "Body"); ok {
		answer = ", " + fmt.Sprintf(content, w.schema(body))
	}
	fmt.Fprintf(w, "      responses:\n        '200': {description: OK%s}\n        4XX: {$ref: \"#/components/responses/Error\"}\n", answer)
}

// top are the fields of an answer.
func (p *Package) top(o *Operation) []field {
	body, _ := p.field(o.answer, "Body")
	return p.structs[pointed(body.typ)]
}

func find(fields []field, names, kinds string) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool {
		return slices.Contains(strings.Fields(names), f.wire) && slices.Contains(strings.Fields(kinds), pointed(f.typ))
	})
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

// success says that an answer with a field success is a failure if that is false.
func (p *Package) success(o *Operation) string {
	if _, ok := find(p.top(o), "success", "bool"); ok {
		return "      x-success: {success: true}\n"
	}
	return ""
}

// paging says how to get all pages, where the names show it: a token goes in and comes out, of the answer or of an object in it,
// and one list comes with it.
func (p *Package) paging(o *Operation) string {
	in, ok := find(slices.Concat(o.query, o.body), "nextToken nextCursor cursor", "string int32 int64")
	levels := map[string][]field{"": p.top(o)}
	for _, f := range p.top(o) {
		if fields := p.structs[pointed(f.typ)]; fields != nil {
			levels[f.wire+"."] = fields
		}
	}
	var said []string
	for at, fields := range levels {
		out, has := find(fields, "nextToken nextCursor", "string int32 int64")
		lists := slices.DeleteFunc(slices.Clone(fields), func(f field) bool { _, is := f.typ.(*ast.ArrayType); return !is })
		if !ok || !has || len(lists) != 1 {
			continue
		}
		text := "      x-paging: {in: " + in.wire + ", out: " + at + out.wire + ", items: " + at + lists[0].wire
		if more, has := find(fields, "hasMore", "bool"); has {
			text += ", more: " + at + more.wire
		}
		said = append(said, text+"}\n")
	}
	if len(said) != 1 {
		return ""
	}
	return said[0]
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
	var required []string
	for _, f := range fields {
		if f.required && !w.answers[name] {
			required = append(required, text(f.wire))
		}
	}
	if len(required) > 0 {
		fmt.Fprintf(w, "      required: [%s]\n", strings.Join(required, ", "))
	}
	for i, f := range fields {
		schema, more := w.schema(f), described(f)
		if !strings.HasPrefix(schema, "{$ref") {
			schema = strings.Replace(schema[:len(schema)-1]+more+w.example(f)+"}", "{, ", "{", 1)
		} else if more != "" { // a reference has nothing beside it
			schema = "{allOf: [" + schema + "]" + more + "}"
		}
		fmt.Fprintf(w, "%s        %s: %s\n", map[bool]string{true: "      properties:\n"}[i == 0], text(f.wire), schema)
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
func (w *writer) answered(e ast.Expr) {
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

var scalars = map[string]string{
	"string": "{type: string}", "bool": "{type: boolean}", "int32": "{type: integer, format: int32}", "int64": "{type: integer, format: int64}",
	"float32": "{type: number, format: float}", "float64": "{type: number, format: double}",
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
