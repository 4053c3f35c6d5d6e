package official

import (
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file holds what is done to single operations, because the SDK's source is odd or says something by names alone. A test
// counts each.

var numbers = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$`)

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
		to := inBraces.FindAllString(first, -1)
		for i, name := range inBraces.FindAllString(o.Path, -1) {
			if j := slices.Index(o.Args, strings.Trim(name, "{}")); j >= 0 {
				o.Args[j] = strings.Trim(to[i], "{}")
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

// example is a field's example if it is a value of its type, and none of a failure.
func (p *Package) example(f field) string {
	kind, value, err := pointed(f.typ), f.example, error(nil)
	switch {
	case f.example == "" || kind == "":
		return ""
	case kind == "string":
		value = text(value)
	case kind == "bool" && value != "true" && (value != "false" || f.wire == "success"), kind != "bool" && !numbers.MatchString(value):
		err = strconv.ErrSyntax
	case strings.HasPrefix(kind, "int"):
		bits, _ := strconv.Atoi(kind[3:])
		_, err = strconv.ParseInt(value, 10, bits)
	}
	if err != nil {
		p.quirks["an example is no value of its type"]++
		return ""
	}
	return ", example: " + value
}

// shown is what the names of an answer's fields show: an answer that says success: false is a failure; and a token that goes in
// and comes out, of the answer or of an object in it, with one list beside it, leads through pages.
func (p *Package) shown(o *Operation, answer []field) (lines []string) {
	find := func(fields []field, names, kinds string) (f field, ok bool) {
		i := slices.IndexFunc(fields, func(f field) bool {
			return slices.Contains(strings.Fields(names), f.wire) && slices.Contains(strings.Fields(kinds), pointed(f.typ))
		})
		if i < 0 {
			return f, false
		}
		return fields[i], true
	}
	if _, ok := find(answer, "success", "bool"); ok {
		lines = append(lines, "x-success: {success: true}")
	}
	in, pages := find(slices.Concat(o.query, o.body), "nextToken nextCursor cursor", "string int32 int64")
	before := len(lines)
	for _, object := range append([]field{{}}, answer...) {
		fields, at := p.structs[pointed(object.typ)], object.wire+"."
		if object.typ == nil {
			fields, at = answer, ""
		}
		out, ok := find(fields, "nextToken nextCursor", "string int32 int64")
		lists := slices.DeleteFunc(slices.Clone(fields), func(f field) bool { _, is := f.typ.(*ast.ArrayType); return !is })
		if !pages || !ok || len(lists) != 1 {
			continue
		}
		text := "x-paging: {in: " + in.wire + ", out: " + at + out.wire + ", items: " + at + lists[0].wire
		if more, has := find(fields, "hasMore", "bool"); has {
			text += ", more: " + at + more.wire
		}
		lines = append(lines, text+"}")
	}
	if len(lines) > before+1 {
		lines = lines[:before]
	}
	return lines
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
