package official

import (
	_ "embed"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
)

//go:embed forms.txt
var formsText string

// form is a line of forms.txt.
type form struct {
	does string
	tree reflect.Value
}

var forms = func() (all []form) {
	for line := range strings.Lines(formsText) {
		if does, text, ok := strings.Cut(line, "\t"); ok {
			parsed, err := parser.ParseExpr("func() {" + text + "}")
			if err != nil {
				panic(err)
			}
			all = append(all, form{does, reflect.ValueOf(parsed.(*ast.FuncLit).Body.List[0])})
		}
	}
	return all
}()

// method is a method …WithOptions that is being read.
type method struct {
	p *Package
	*Operation
	shrunk []field // those that are text made of others, by the texts' names
}

// knows reports whether a statement has a known form, and says something known in it.
func (m *method) knows(s ast.Stmt) bool {
	return slices.ContainsFunc(forms, func(f form) bool {
		said := map[string]string{}
		return match(f.tree, reflect.ValueOf(s), said) && m.do(f.does, said)
	})
}

// do gets what a statement says where its form has a capital letter.
func (m *method) do(what string, said map[string]string) bool {
	switch what {
	case "query":
		return m.use(&m.Query, m.request, said)
	case "body":
		return m.use(&m.Body, m.request, said)
	case "header":
		return said["W"] == tokenHeader || m.use(&m.Header, m.Name+"Headers", said)
	case "text":
		made, ok := m.p.field(m.request, said["F"])
		made.goName, made.Style = said["S"], said["Y"]
		m.shrunk = append(m.shrunk, made)
		return ok && (made.Style == "json" || made.Style == "simple")
	case "call":
		m.Path, m.Method, m.Public = said["P"], said["M"], said["T"] == "Anonymous"
		return m.Public || said["T"] == "AK"
	case "nothing":
		return true
	}
	m.Whole = strings.HasSuffix(what, "whole")
	return (strings.Contains(what, "query") || len(m.Query) == 0) && (strings.Contains(what, "body") || len(m.Body) == 0)
}

// use adds a field of a struct to what is sent, by its name on the wire.
func (m *method) use(to *[]field, of string, said map[string]string) bool {
	made, ok := m.p.field(of, said["F"])
	if i := slices.IndexFunc(m.shrunk, func(f field) bool { return f.goName == said["F"] }); i >= 0 {
		made, ok = m.shrunk[i], true
	}
	made.Wire = said["W"]
	ok = ok && isName(made.Wire) && !slices.ContainsFunc(*to, func(before field) bool { return before.Wire == made.Wire })
	*to = append(*to, made)
	return ok
}

// match compares trees without their positions.
func match(form, tree reflect.Value, said map[string]string) bool {
	if id, ok := form.Interface().(*ast.Ident); ok && len(id.Name) == 1 && id.IsExported() {
		n, ok := tree.Interface().(ast.Expr)
		before, again := said[id.Name]
		said[id.Name] = word(n)
		return ok && (!again || before == said[id.Name])
	}
	if form.Kind() != tree.Kind() {
		return false
	}
	switch form.Kind() {
	case reflect.Interface, reflect.Pointer:
		if form.IsNil() || tree.IsNil() {
			return form.IsNil() == tree.IsNil()
		}
		return form.Elem().Type() == tree.Elem().Type() && match(form.Elem(), tree.Elem(), said)
	case reflect.Slice:
		for i := range min(form.Len(), tree.Len()) {
			if !match(form.Index(i), tree.Index(i), said) {
				return false
			}
		}
		return form.Len() == tree.Len()
	case reflect.Struct:
		for i := range form.NumField() {
			if !match(form.Field(i), tree.Field(i), said) {
				return false
			}
		}
		return true
	}
	return form.Type() == reflect.TypeFor[token.Pos]() || form.Equal(tree)
}
