package contract

import (
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// goCode lists oapi-codegen's extensions that insert text of the contract as code, or that make the output differ from
// what is sent.
var goCode = []string{
	"x-go-type", "x-go-type-import", "x-go-type-name", "x-go-json-ignore", "x-oapi-codegen-extra-tags", "x-oapi-codegen-only-honour-go-name",
	"x-go-type-skip-optional-pointer", "x-omitempty", "x-omitzero", "x-go-name-override",
}

// carriesSchema refuses unsupported parts of a schema. It stops at references: each component is checked once.
func (c *Contract) carriesSchema(ref *openapi3.SchemaRef, at []string, depth int) error {
	if ref == nil || ref.Value == nil {
		return c.lines.errorf(at, "the schema is empty")
	}
	for _, name := range sortedKeys(ref.Extensions) {
		if slices.Contains(goCode, name) {
			return c.lines.errorf(under(at, name), "%s is not carried", name)
		}
	}
	if ref.Ref != "" {
		return nil
	}
	s := ref.Value
	fail := func(field, what string) error { return c.lines.errorf(under(at, field), "%s", what) }
	if depth > maxDepth {
		return fail("", "it nests too deeply")
	}
	for _, name := range sortedKeys(s.Extensions) {
		if slices.Contains(goCode, name) {
			return fail(name, name+" is not carried")
		}
		if text, ok := s.Extensions[name].(string); name == "x-go-name" && (!ok || !exported(text)) {
			return fail(name, "it is not an exported Go name")
		}
	}
	switch {
	case len(s.OneOf) > 0:
		return fail("oneOf", "oneOf is not carried")
	case len(s.AnyOf) > 0:
		return fail("anyOf", "anyOf is not carried")
	case s.Not != nil:
		return fail("not", "not is not carried")
	case s.Discriminator != nil:
		return fail("discriminator", "a discriminator is not carried")
	case s.Type != nil && len(*s.Type) != 1:
		return fail("type", "a schema has one type")
	case s.Format == "binary":
		return fail("format", "files are not carried")
	}
	kind := kindOf(s)
	if len(s.AllOf) > 0 && kind != "object" {
		return fail("type", "only objects have allOf")
	}
	if kind == "array" && s.Items == nil {
		return fail("items", "an array says what its items are")
	}
	if err := c.carriesEnum(s, kind, at); err != nil {
		return err
	}
	for _, name := range sortedKeys(s.Properties) {
		if what := checkFieldName(name); what != "" {
			return c.lines.errorf(under(at, "properties", name), "%s", what)
		}
		place := under(at, "properties", name)
		if err := c.carriesJSONString(s.Properties[name], at, place); err != nil {
			return err
		}
		if err := c.carriesSchema(s.Properties[name], place, depth+1); err != nil {
			return err
		}
	}
	for i, part := range s.AllOf {
		place := under(at, "allOf", itoa(i))
		if err := c.carriesSchema(part, place, depth+1); err != nil {
			return err
		}
		if len(s.AllOf) > 1 && kindOf(part.Value) != "object" {
			return c.lines.errorf(place, "only objects are joined")
		}
	}
	for _, inner := range []struct {
		name string
		ref  *openapi3.SchemaRef
	}{{"items", s.Items}, {"additionalProperties", s.AdditionalProperties.Schema}} {
		if inner.ref != nil {
			if err := c.carriesSchema(inner.ref, under(at, inner.name), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Contract) carriesEnum(s *openapi3.Schema, kind string, at []string) error {
	if len(s.Enum) == 0 {
		return nil
	}
	if kind != "string" && kind != "integer" {
		return c.lines.errorf(under(at, "enum"), "only strings and integers have an enum")
	}
	for i, value := range s.Enum {
		place := under(at, "enum", itoa(i))
		switch v := value.(type) {
		case string:
			if kind != "string" || strings.ContainsFunc(v, isNotPrint) || strings.ContainsAny(v, "\"`\\") {
				return c.lines.errorf(place, "%q is not a plain text", v)
			}
		case float64:
			if kind != "integer" || v != float64(int64(v)) || v > 1<<53 || v < -1<<53 {
				return c.lines.errorf(place, "%v is not a whole number", v)
			}
		default:
			return c.lines.errorf(place, "%v is neither text nor a number", value)
		}
	}
	return nil
}

// checkFieldName returns the fault of a field's name, which becomes part of a struct tag.
func checkFieldName(name string) string {
	switch {
	case name == "" || strings.ContainsFunc(name, isNotPrint) || strings.ContainsAny(name, "\"`\\, "):
		return "the field's name has a character that is not carried"
	case name == "-":
		return "encoding/json drops a field of this name"
	default:
		return ""
	}
}

func exported(name string) bool {
	return name != "" && name[0] >= 'A' && name[0] <= 'Z' && !strings.ContainsFunc(name, func(r rune) bool { return !letter(r) && (r < '0' || r > '9') })
}

// finite refuses infinite types: recursive through required fields or allOf.
func (c *Contract) finite() error {
	const looking, done = 1, 2
	schemas := c.Doc.Components.Schemas
	state := map[string]int{}
	var visit func(name string) string // the recursive component
	var inside func(s *openapi3.SchemaRef) string
	visit = func(name string) string {
		switch state[name] {
		case looking:
			return name
		case done:
			return ""
		}
		state[name] = looking
		if bad := inside(schemas[name]); bad != "" {
			return bad
		}
		state[name] = done
		return ""
	}
	inside = func(ref *openapi3.SchemaRef) string {
		if ref == nil {
			return ""
		}
		if name, ok := strings.CutPrefix(ref.Ref, schemaPrefix); ok {
			return visit(name)
		}
		for _, part := range ref.Value.AllOf {
			if bad := inside(part); bad != "" {
				return bad
			}
		}
		for _, name := range ref.Value.Required {
			if property := ref.Value.Properties[name]; property != nil && !property.Value.Nullable {
				if bad := inside(property); bad != "" {
					return bad
				}
			}
		}
		// A recursive array can end with an empty one, but its Go alias is infinite.
		if kind := kindOf(ref.Value); kind == "array" && ref.Ref == "" && ref.Value.Items != nil && ref.Value.Items.Ref != "" {
			if name := strings.TrimPrefix(ref.Value.Items.Ref, schemaPrefix); schemas[name] == ref || schemas[name] != nil && schemas[name].Value == ref.Value {
				return name
			}
		}
		return ""
	}
	for _, name := range sortedKeys(schemas) {
		if bad := visit(name); bad != "" {
			return c.lines.errorf([]string{"components", "schemas", bad}, "an object of it would hold another without end")
		}
	}
	return nil
}
