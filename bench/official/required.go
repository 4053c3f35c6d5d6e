package official

import (
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Nothing on the wire shows which fields must be there: the official SDK sends what it gets. Their marks are counted in its
// source, as text.

var (
	structs   = regexp.MustCompile(`(?s)\ntype (\w+) struct \{\n(.*?)\n\}\n`)
	bodyField = regexp.MustCompile(`(?m)(?:^\t//.*\n)*^\tBody `)
	reference = regexp.MustCompile(`(?m)^\t\w+ +[\[\]*]*(?:map\[string\][\[\]*]*)?(\w+) `)
)

// RequiredIn counts the marks of each type's fields, and of those within, by the name of the type; and those of a field Body by
// TYPE.Body.
func RequiredIn(source string) map[string]int {
	bodies := map[string]string{}
	for _, m := range structs.FindAllStringSubmatch(source, -1) {
		bodies[m[1]] = m[2]
	}
	counts := map[string]int{}
	for name := range bodies {
		counts[name] = marks(bodies, name, &[]string{})
		counts[name+".Body"] = strings.Count(bodyField.FindString(bodies[name]), "// This parameter is required.")
	}
	return counts
}

func marks(bodies map[string]string, name string, seen *[]string) int {
	if slices.Contains(*seen, name) || bodies[name] == "" {
		return 0
	}
	*seen = append(*seen, name)
	n := strings.Count(bodies[name], "// This parameter is required.")
	for _, m := range reference.FindAllStringSubmatch(bodies[name], -1) {
		n += marks(bodies, m[1], seen)
	}
	return n
}

// required counts what the contract requires of a request, each object once.
func (o *Operation) required() (n int) {
	for _, p := range o.Query {
		if p.Required {
			n++
		}
	}
	var seen []*openapi3.Schema
	var visit func(s *openapi3.Schema)
	visit = func(s *openapi3.Schema) {
		if s == nil || slices.Contains(seen, s) {
			return
		}
		seen = append(seen, s)
		n += len(s.Required)
		for _, p := range s.Properties {
			visit(p.Value)
		}
		for _, part := range s.AllOf {
			visit(part.Value)
		}
		for _, inner := range []*openapi3.SchemaRef{s.Items, s.AdditionalProperties.Schema} {
			if inner != nil {
				visit(inner.Value)
			}
		}
	}
	visit(o.Body)
	return n
}
