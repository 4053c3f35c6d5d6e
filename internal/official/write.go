package official

import (
	"bytes"
	_ "embed"
	"errors"
	"go/ast"
	"iter"
	"maps"
	"strings"
	"text/template"
)

//go:embed contract.tmpl
var contractText string

var contractTemplate = template.Must(template.New("").Delims("<<", ">>").Funcs(template.FuncMap{"text": text}).Parse(contractText))

// writer is the template's data.
type writer struct {
	*Package
	Module, TokenHeader string
	Tag                 string // names other languages' classes: RobotApi
	Paths               map[string][]*Operation
	order               []string        // of the structs that were referred to
	referred            map[string]bool // likewise
	answers             map[string]bool // structs of answers, which require nothing
	err                 error
}

// Contract is the OpenAPI contract of operations of the package, in YAML.
func (p *Package) Contract(operations []*Operation) ([]byte, error) {
	own := *p
	own.structs = maps.Clone(p.structs)
	w := &writer{Package: &own, Module: Module, TokenHeader: tokenHeader, Tag: strings.Split(p.Name, "_")[0], Paths: map[string][]*Operation{}, referred: map[string]bool{}}
	seen := map[string]bool{}
	for _, o := range operations {
		if seen[o.ID()] || seen[o.Method+" "+o.Path] {
			return nil, p.unknown(o.line, "an operation with the name or the path of another")
		}
		seen[o.ID()], seen[o.Method+" "+o.Path] = true, true
		w.Paths[o.Path] = append(w.Paths[o.Path], o)
		w.Content(o)
	}
	for _, fields := range w.Components() {
		for _, f := range fields {
			w.Schema(f)
		}
	}
	w.answers, w.referred, w.order = w.referred, map[string]bool{}, nil
	var made bytes.Buffer
	err := errors.Join(contractTemplate.Execute(&made, w), w.err)
	return made.Bytes(), err
}

// Sent is the schema of an operation's body; empty: it has none.
func (w *writer) Sent(o *Operation) string {
	if body, _ := w.field(o.request, "Body"); o.Whole {
		return w.Schema(body)
	}
	if len(o.Body) == 0 {
		return ""
	}
	w.structs[o.Name+"Request"] = o.Body
	return w.typed(&ast.Ident{Name: o.Name + "Request"})
}

// Content is an operation's answer; empty: it has no body.
func (w *writer) Content(o *Operation) string {
	if answer, ok := w.field(o.answer, "Body"); ok {
		return ", content: {application/json: {schema: {" + w.Schema(answer) + "}}}"
	}
	return ""
}

// Components are the structs that were referred to, by those before as well, and their fields.
func (w *writer) Components() iter.Seq2[string, []field] {
	return func(yield func(string, []field) bool) {
		for i := 0; i < len(w.order) && yield(w.order[i], w.structs[w.order[i]]); i++ {
		}
	}
}

// Required lists the fields of a component that are.
func (w *writer) Required(name string) string {
	var required []string
	for _, f := range w.structs[name] {
		if f.Required && !w.answers[name] {
			required = append(required, text(f.Wire))
		}
	}
	return strings.Join(required, ", ")
}

// Property is the schema of a component's field.
func (w *writer) Property(f field) string {
	schema, more := w.Schema(f), f.More()
	switch {
	case !strings.HasPrefix(schema, "$ref"):
		return strings.TrimPrefix(schema+more+w.example(f), ", ")
	case more != "": // a reference has nothing beside it
		return "allOf: [{" + schema + "}]" + more
	}
	return schema
}

// More is what a field has beside its type.
func (f field) More() (more string) {
	if f.Text != "" {
		more += ", description: " + text(f.Text)
	}
	if f.Deprecated {
		more += ", deprecated: true"
	}
	return more
}

// Schema is the schema of a field's type, or of the text that its value becomes.
func (w *writer) Schema(f field) string {
	if f.Style == "json" {
		return "type: string, x-json-string: {}"
	}
	return w.typed(f.typ)
}

func (w *writer) typed(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.StarExpr:
		return w.typed(t.X)
	case *ast.ArrayType:
		if word(t.Elt) == "byte" {
			return "type: string, format: byte"
		}
		return "type: array, items: {" + w.typed(t.Elt) + "}"
	case *ast.MapType:
		return "type: object, additionalProperties: {" + w.typed(t.Value) + "}"
	case *ast.InterfaceType:
		return ""
	case *ast.Ident:
		if w.structs[t.Name] != nil {
			if !w.referred[t.Name] {
				w.referred[t.Name], w.order = true, append(w.order, t.Name)
			}
			return `$ref: "#/components/schemas/` + t.Name + `"`
		}
		if scalar := scalars[t.Name]; scalar != "" {
			return scalar
		}
	}
	w.err = w.unknown(e, "a type")
	return ""
}
