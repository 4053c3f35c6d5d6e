package contract

import (
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
)

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// name makes every inline object and enum of a body a named component, so each has a Go type. It marks lists and maps as
// needing no pointer, and drops answers that are errors.
func (c *Contract) name() error {
	schemas := c.Doc.Components.Schemas
	for _, name := range sortedKeys(schemas) {
		if schemas[name].Ref == "" {
			if err := c.nameInside(schemas[name].Value, name, []string{"components", "schemas", name}); err != nil {
				return err
			}
		}
	}
	for i := range c.Operations {
		o := &c.Operations[i]
		base := upperFirst(o.ID)
		if body := o.Spec.RequestBody; body != nil {
			media := body.Value.Content["application/json"]
			// A shared body is a component: its inline schema is named once.
			if media.Schema.Ref == "" {
				if err := c.nameInline(media.Schema, base+"RequestBody", under(o.at, "requestBody")); err != nil {
					return err
				}
			}
			o.JSONStrings = takeJSONStrings(media.Schema.Value)
		}
		responses := openapi3.NewResponsesWithCapacity(1)
		status := itoa(o.Status)
		success := o.Spec.Responses.Value(status)
		responses.Set(status, &openapi3.ResponseRef{Value: success.Value})
		o.Spec.Responses = responses
		if o.Answer != nil && o.Answer.Ref == "" {
			if err := c.nameInline(o.Answer, base+"ResponseBody", under(o.at, "responses", status)); err != nil {
				return err
			}
		}
	}
	c.Doc.Components.Responses = nil
	return nil
}

// nameInline makes an inline schema a component if Go needs a type for it.
func (c *Contract) nameInline(ref *openapi3.SchemaRef, name string, at []string) error {
	if ref.Ref != "" {
		return nil
	}
	s := ref.Value
	if wrapped(s) || !needsName(s) {
		return c.nameInside(s, name, at)
	}
	if c.Doc.Components.Schemas[name] != nil {
		return c.lines.errorf(at, "the type of this inline schema would be called %s, as a component is: make it a component of its own", name)
	}
	c.Doc.Components.Schemas[name] = &openapi3.SchemaRef{Value: s}
	ref.Ref = schemaPrefix + name
	return c.nameInside(s, name, at)
}

// wrapped reports whether a schema is an allOf of one reference, which only adds a description.
func wrapped(s *openapi3.Schema) bool {
	return len(s.AllOf) == 1 && s.AllOf[0].Ref != "" && len(s.Properties) == 0 && len(s.Required) == 0 && s.AdditionalProperties.Schema == nil && s.AdditionalProperties.Has == nil
}

func needsName(s *openapi3.Schema) bool {
	return len(s.Properties) > 0 || len(s.AllOf) > 0 || len(s.Enum) > 0
}

func (c *Contract) nameInside(s *openapi3.Schema, name string, at []string) error {
	for _, field := range sortedKeys(s.Properties) {
		property := s.Properties[field]
		if err := c.nameInline(property, name+upperFirst(field), under(at, "properties", field)); err != nil {
			return err
		}
		withoutPointer(property)
	}
	for i, part := range s.AllOf {
		if part.Ref == "" { // its fields become fields of the whole
			if err := c.nameInside(part.Value, name, under(at, "allOf", itoa(i))); err != nil {
				return err
			}
		}
	}
	if s.Items != nil {
		if err := c.nameInline(s.Items, name+"Item", under(at, "items")); err != nil {
			return err
		}
	}
	if inner := s.AdditionalProperties.Schema; inner != nil {
		return c.nameInline(inner, name+"Value", under(at, "additionalProperties"))
	}
	return nil
}

// withoutPointer makes a list or map a field without pointer: nil is absent, an empty one is sent.
func withoutPointer(property *openapi3.SchemaRef) {
	kind := kindOf(property.Value)
	isMap := kind == "object" && len(property.Value.Properties) == 0 && len(property.Value.AllOf) == 0
	if kind != "array" && !isMap {
		return
	}
	extensions := &property.Value.Extensions
	if property.Ref != "" {
		extensions = &property.Extensions
	}
	if *extensions == nil {
		*extensions = map[string]any{}
	}
	for name, value := range map[string]bool{"x-go-type-skip-optional-pointer": true, "x-omitempty": false, "x-omitzero": true} {
		(*extensions)[name] = value
	}
}
