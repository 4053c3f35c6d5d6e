package official

import (
	"fmt"
	"maps"
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

const mark = "// This parameter is required."

// requiredIn counts the marks of each type's fields, and of those within, by the name of the type; and those of a field Body by
// TYPE.Body.
func requiredIn(source string) map[string]int {
	bodies, counts := map[string]string{}, map[string]int{}
	for _, m := range structs.FindAllStringSubmatch(source, -1) {
		bodies[m[1]] = m[2]
	}
	for name, body := range bodies {
		counts[name] = marks(bodies, name, map[string]bool{})
		counts[name+".Body"] = strings.Count(bodyField.FindString(body), mark)
	}
	return counts
}

func marks(bodies map[string]string, name string, seen map[string]bool) (n int) {
	if !seen[name] {
		seen[name] = true
		n = strings.Count(bodies[name], mark)
		for _, m := range reference.FindAllStringSubmatch(bodies[name], -1) {
			n += marks(bodies, m[1], seen)
		}
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
		inner := append(slices.Collect(maps.Values(s.Properties)), s.AllOf...)
		for _, ref := range append(inner, s.Items, s.AdditionalProperties.Schema) {
			if ref != nil {
				visit(ref.Value)
			}
		}
	}
	visit(o.Body)
	return n
}

// requires compares what the contract requires of an operation with the count of the marks in the official SDK's source.
func (o *Operation) requires(id string, marks map[string]int) (found []string) {
	name := strings.ToUpper(id[:1]) + id[1:]
	want, isText := marks[name+"ShrinkRequest"] // has no fields within those that are JSON in a string
	if !isText {
		want = marks[name+"Request"]
	}
	if o.whole() { // the body itself is no field of ours
		want -= marks[name+"Request.Body"]
	}
	if got := o.required(); got != want {
		found = append(found, fmt.Sprintf("the contract requires %d fields, the source %d", got, want))
	}
	return found
}
