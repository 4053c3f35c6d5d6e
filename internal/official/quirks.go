package official

import (
	"encoding/json"
	"go/ast"
	"slices"
	"strings"
)

// This file holds what is done to single operations, because the SDK's source is odd or says something by names alone. A test
// counts each.

// mend corrects an operation's path. templates are those before it, by their form.
func (p *Package) mend(o *Operation, templates map[string]string) {
	if trimmed := strings.TrimSpace(o.Path); trimmed != o.Path { // the SDK sends %20
		p.quirks["a space ends the path"]++
		o.Path = trimmed
	}
	// A document has one name for a parameter of a path, whatever the method.
	form := inBraces.ReplaceAllString(o.Path, "{}")
	if first, ok := templates[form]; ok && first != o.Path {
		p.quirks["a parameter of the path has two names"]++
		before, to := o.InPath(), (&Operation{Path: first}).InPath()
		for i, name := range o.Args {
			if j := slices.Index(before, name); j >= 0 {
				o.Args[i] = to[j]
			}
		}
		o.Path = first
	}
	templates[form] = o.Path
}

// mendType corrects a field's type: the values of an io.Reader are texts, and the SDK cannot read them of an answer.
func (p *Package) mendType(e ast.Expr) ast.Expr {
	switch t := e.(type) {
	case *ast.ArrayType:
		t.Elt = p.mendType(t.Elt)
	case *ast.SelectorExpr:
		if t.Sel.Name == "Reader" {
			p.quirks["a field is an io.Reader"]++
			return &ast.StarExpr{X: &ast.Ident{Name: "string"}}
		}
	}
	return e
}

// example is a field's example if it is a value of its type, and none of a failure.
func (p *Package) example(f field) string {
	kind := pointed(f.typ)
	switch {
	case f.example == "" || kind == "":
		return ""
	case kind == "string":
		return ", example: " + text(f.example)
	}
	value, known := map[string]any{"bool": new(bool), "int32": new(int32), "int64": new(int64), "float32": new(float32), "float64": new(float64)}[kind]
	if !known || json.Unmarshal([]byte(f.example), value) != nil || strings.ContainsAny(f.example, "eE") && kind != "bool" || f.example == "null" || f.Wire == "success" && f.example != "true" {
		p.quirks["an example is no value of its type"]++
		return ""
	}
	return ", example: " + f.example
}

// among finds a field by names and types.
func among(fields []field, names, kinds string) (f field, ok bool) {
	i := slices.IndexFunc(fields, func(f field) bool {
		return slices.Contains(strings.Fields(names), f.Wire) && slices.Contains(strings.Fields(kinds), pointed(f.typ))
	})
	if i < 0 {
		return f, false
	}
	return fields[i], true
}

// Shown is what the names of an answer's fields show: an answer that says success: false is a failure; and a token that goes in
// and comes out, of the answer or of an object in it, with one list beside it, leads through pages.
func (p *Package) Shown(o *Operation) (lines []string) {
	body, _ := p.field(o.answer, "Body")
	answer := p.structs[pointed(body.typ)]
	if _, ok := among(answer, "success", "bool"); ok {
		lines = append(lines, "x-success: {success: true}")
	}
	var pages []string
	in, ok := among(slices.Concat(o.Query, o.Body), "nextToken nextCursor cursor", "string int32 int64")
	for _, object := range append([]field{{typ: body.typ}}, answer...) {
		fields, at := p.structs[pointed(object.typ)], strings.TrimPrefix(object.Wire+".", ".")
		out, has := among(fields, "nextToken nextCursor", "string int32 int64")
		lists := slices.DeleteFunc(slices.Clone(fields), func(f field) bool { _, is := f.typ.(*ast.ArrayType); return !is })
		if !ok || !has || len(lists) != 1 {
			continue
		}
		page := "x-paging: {in: " + in.Wire + ", out: " + at + out.Wire + ", items: " + at + lists[0].Wire
		if more, has := among(fields, "hasMore", "bool"); has {
			page += ", more: " + at + more.Wire
		}
		pages = append(pages, page+"}")
	}
	if len(pages) == 1 {
		lines = append(lines, pages...)
	}
	return lines
}

// Refusal says why the generator does not take an operation; it is empty for all but three. A contract has them all.
func (o *Operation) Refusal() string {
	for _, f := range o.Query {
		list, ok := f.typ.(*ast.ArrayType)
		switch {
		case ok && word(list.Elt) == "byte":
			return "the query has bytes"
		case ok && scalars[pointed(list.Elt)] == "" && f.Style == "":
			return "the query has a list of objects"
		}
	}
	return ""
}
