package official

import (
	"regexp"
	"slices"
	"strings"
)

// This file holds what is done to single operations, because the SDK's source is odd or says something by names alone. A test
// counts each.

// mend corrects an operation's path.
func (p *Package) mend(o *Operation) {
	if trimmed := strings.TrimSpace(o.Path); trimmed != o.Path { // the SDK sends %20
		p.quirks["a space ends the path"]++
		o.Path = trimmed
	}
	// A document has one name for a parameter of a path, whatever the method.
	form := inBraces.ReplaceAllString(o.Path, "{}")
	if first := p.paths[form]; first != nil && first.Path != o.Path {
		p.quirks["a parameter of the path has two names"]++
		for i, name := range o.InPath {
			o.Args[slices.Index(o.Args, name)] = first.InPath[i]
		}
		o.Path, o.InPath = first.Path, first.InPath
	}
	must(p.paths[o.Method+form] == nil, "the method and path of another")
	p.paths[form], p.paths[o.Method+form] = o, o
}

// sample is a schema with an example that every reader of YAML takes for its value.
var sample = regexp.MustCompile(`^type: (boolean (true|false)|integer, format: (int32 -?(0|[1-9]\d{0,8})|int64 -?(0|[1-9]\d{0,17}))|` +
	`number, format: \w+ -?(0|[1-9]\d*)(\.\d+)?)$`)

// Sample is a field's example if it is a value of its type, and none of a failure.
func (p *Package) Sample(f field) string {
	switch {
	case f.Example != "" && f.Schema == scalars["string"]:
		return text(f.Example)
	case f.Example == "" || sample.MatchString(f.Schema+" "+f.Example) && (f.Wire != "success" || f.Example == "true"):
		return f.Example
	}
	p.quirks["an example is no value of its type"]++
	return ""
}

// among lists fields by names, or all, and the beginnings of schemas.
func among(fields []field, names string, kinds ...string) (all []field) {
	for _, f := range fields {
		if (names == "" || slices.Contains(strings.Fields(names), f.Wire)) && slices.ContainsFunc(kinds, f.Is) {
			all = append(all, f)
		}
	}
	return all
}

// Shown is what the names of an answer's fields show: an answer that says success: false is a failure; and a token that goes in
// and comes out, of the answer or of an object in it, with one list beside it, leads through pages.
func (p *Package) Shown(o *Operation) (lines []string) {
	var answer []field
	if o.Answer.Is("$ref") {
		answer = p.structs[o.Answer.Of]
	}
	if among(answer, "success", "type: boolean") != nil {
		lines = append(lines, "x-success: {success: true}")
	}
	pages, in := []string{}, among(slices.Concat(o.Query, o.Body), "nextToken nextCursor cursor", "type: string", "type: integer")
	for _, object := range append([]field{o.Answer}, among(answer, "", "$ref")...) {
		fields, at := p.structs[object.Of], strings.TrimPrefix(object.Wire+".", ".")
		out, lists := among(fields, "nextToken nextCursor", "type: string", "type: integer"), among(fields, "", "type: array")
		if object.Is("$ref") && in != nil && out != nil && len(lists) == 1 {
			page := "x-paging: {in: " + in[0].Wire + ", out: " + at + out[0].Wire + ", items: " + at + lists[0].Wire
			if more := among(fields, "hasMore", "type: boolean"); more != nil {
				page += ", more: " + at + more[0].Wire
			}
			pages = append(pages, page+"}")
		}
	}
	if len(pages) == 1 {
		lines = append(lines, pages...)
	}
	return lines
}

// Refusal says why the generator does not take an operation; it is empty for all but three. A contract has them all.
func (o *Operation) Refusal() string {
	for _, f := range o.Query {
		if f.Is("type: string, format: byte") {
			return "the query has bytes"
		} else if f.Is("type: array") && !f.Is("type: array, items: {type") && !f.Commas {
			return "the query has a list of objects"
		}
	}
	return ""
}
