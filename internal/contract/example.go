package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Example returns the body of a success: the contract's own, or one made from its schema. It matches the schema. It is
// empty for an operation without a body.
func (c *Contract) Example(o Operation) (body string, own bool, err error) {
	if o.Answer == nil {
		return "", false, nil
	}
	status := itoa(o.Status)
	media := o.Spec.Responses.Value(status).Value.Content["application/json"]
	value, own := media.Example, media.Example != nil
	if !own {
		for _, name := range sortedKeys(media.Examples) {
			if example := media.Examples[name]; example.Value != nil && example.Value.Value != nil {
				value, own = example.Value.Value, true
				break
			}
		}
	}
	if !own {
		value = madeUp(o.Answer, 0)
	}
	at := under(o.at, "responses", status)
	raw, err := json.Marshal(value)
	if err != nil {
		return "", own, c.lines.errorf(at, "the example: %v", err)
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", own, c.lines.errorf(at, "the example: %v", err)
	}
	if err := o.Answer.Value.VisitJSON(value); err != nil {
		what := "the example"
		if !own {
			what = "no example could be made up, give one"
		}
		return "", own, c.lines.errorf(at, "%s: %s", what, strings.ReplaceAll(fmt.Sprint(err), "\n", " "))
	}
	for _, name := range o.Required {
		if fields, ok := value.(map[string]any); ok && (fields[name] == nil || fields[name] == "") {
			return "", own, c.lines.errorf(at, "the example's %s is empty, so that it is no success", name)
		}
	}
	return string(raw), own, nil
}

// madeUp makes a value of a schema: its example, or the simplest value with every field.
func madeUp(ref *openapi3.SchemaRef, depth int) any {
	s := ref.Value
	if s.Example != nil {
		return s.Example
	}
	if s.Default != nil {
		return s.Default
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	const deep = 8 // limits recursive types
	switch kindOf(s) {
	case "string":
		return madeUpText(s)
	case "integer", "number":
		if s.Min != nil && *s.Min > 1 {
			return *s.Min
		}
		if s.Max != nil && *s.Max < 1 {
			return *s.Max
		}
		return 1
	case "boolean":
		return true
	case "array":
		if depth > deep {
			return []any{}
		}
		items := []any{madeUp(s.Items, depth+1)}
		for uint64(len(items)) < min(s.MinItems, 16) {
			items = append(items, items[0])
		}
		return items
	default:
		object := map[string]any{}
		addFields(object, s, depth)
		if inner := s.AdditionalProperties.Schema; inner != nil && depth <= deep {
			object["key"] = madeUp(inner, depth+1)
		}
		return object
	}
}

func addFields(object map[string]any, s *openapi3.Schema, depth int) {
	for _, part := range s.AllOf {
		addFields(object, part.Value, depth)
	}
	for _, name := range sortedKeys(s.Properties) {
		property := s.Properties[name]
		if depth > 3 && !slices.Contains(s.Required, name) { // ends a recursive type
			continue
		}
		if !property.Value.WriteOnly {
			object[name] = madeUp(property, depth+1)
		}
	}
}

func madeUpText(s *openapi3.Schema) string {
	text := "text"
	switch s.Format {
	case "date":
		text = "2024-01-31"
	case "date-time":
		text = "2024-01-31T08:00:00Z"
	case "byte":
		text = "dGV4dA=="
	case "uuid":
		text = "30ee8654-1aa2-4d88-8248-9518547248aa"
	}
	for uint64(len(text)) < min(s.MinLength, 1<<10) {
		text += "x"
	}
	if s.MaxLength != nil && uint64(len(text)) > *s.MaxLength {
		text = text[:*s.MaxLength]
	}
	return text
}
