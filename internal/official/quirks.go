package official

import (
	"go/ast"
	"strconv"
	"strings"
)

// This file holds what the importer does to single operations, because the SDK's source is odd there. A test counts each.

// mend corrects an operation as it was read. templates are the paths before it by their form.
func (p *Package) mend(o *Operation, templates map[string]string) {
	if trimmed := strings.TrimSpace(o.Path); trimmed != o.Path { // the SDK sends %20
		p.quirks["a space ends the path"]++
		o.Path = trimmed
	}
	// A document has one name for a parameter of a path, whatever the method.
	form := inBraces.ReplaceAllString(o.Path, "{}")
	if first, ok := templates[form]; ok && first != o.Path {
		p.quirks["a parameter of the path has two names"]++
		to := inBraces.FindAllString(first, -1)
		for i, name := range inBraces.FindAllString(o.Path, -1) {
			for j, arg := range o.Args {
				if "{"+arg+"}" == name {
					o.Args[j] = strings.Trim(to[i], "{}")
				}
			}
		}
		o.Path = first
	}
	templates[form] = o.Path
}

// isReader says that a type is io.Reader: its values are texts, and the SDK cannot read them of an answer.
func (p *Package) isReader(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	if ok = ok && s.Sel.Name == "Reader"; ok {
		p.quirks["a field is an io.Reader"]++
	}
	return ok
}

// example is a field's example if it is a value of its type: in a few, an integer is beyond int32 or a text.
func (p *Package) example(f field) string {
	star, ok := f.typ.(*ast.StarExpr)
	if f.example == "" || !ok {
		return ""
	}
	value, err := f.example, error(nil)
	switch kind := word(star.X); {
	case kind == "string":
		value = text(value)
	case kind == "bool" && value != "true" && value != "false", kind != "bool" && !numbers.MatchString(value):
		err = strconv.ErrSyntax
	case strings.HasPrefix(kind, "int"):
		bits, _ := strconv.Atoi(kind[3:])
		_, err = strconv.ParseInt(value, 10, bits)
	}
	if f.wire == "success" && value == "false" { // of a failure, which an example is not
		err = strconv.ErrRange
	}
	if err != nil {
		p.quirks["an example is no value of its type"]++
		return ""
	}
	return ", example: " + value
}

// Refusal says why the generator does not take an operation; it is empty for all but three. A contract has them all.
func (o *Operation) Refusal() string {
	for _, f := range o.query {
		list, ok := f.typ.(*ast.ArrayType)
		switch {
		case ok && word(list.Elt) == "byte":
			return "the query has bytes"
		case ok && scalars[pointed(list.Elt)] == "" && f.style == "":
			return "the query has a list of objects"
		}
	}
	return ""
}
