package contract

import (
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// success finds an operation's only success, and its required fields.
func (c *Contract) success(o *Operation) error {
	at := under(o.at, "responses")
	var found *openapi3.Response
	for status, ref := range o.Spec.Responses.Map() {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		code, err := strconv.Atoi(status)
		if err != nil || len(status) != 3 || code == 206 {
			return c.lines.errorf(under(at, status), "a success has one status, such as 200")
		}
		if found != nil {
			return c.lines.errorf(under(at, status), "an operation has one answer that is a success, here are two")
		}
		found, o.Status = ref.Value, code
	}
	if found == nil {
		return c.lines.errorf(at, "no answer is a success")
	}
	if len(found.Content) == 0 {
		o.Empty = true
		return nil
	}
	place := under(at, strconv.Itoa(o.Status), "content")
	media, err := c.json(found.Content, place)
	if err != nil {
		return err
	}
	if o.Status == 204 || o.Status == 205 {
		return c.lines.errorf(place, "an answer %d has no body", o.Status)
	}
	o.Answer = media.Schema
	for _, name := range requiredFields(media.Schema.Value) {
		if !slices.Contains(o.Required, name) {
			o.Required = append(o.Required, name)
		}
	}
	return nil
}

// successFields reads the fields that tell a success from an error of the same status and schema, as in the legacy API.
func (c *Contract) successFields(o *Operation) error {
	value, ok := o.Spec.Extensions[successExtension]
	if !ok {
		return nil
	}
	at := under(o.at, successExtension)
	names, ok := value.([]any)
	if !ok || o.Answer == nil {
		return c.lines.errorf(at, "it is not a list of fields of the answer")
	}
	for _, item := range names {
		name, _ := item.(string)
		if field(o.Answer.Value, name) == nil {
			return c.lines.errorf(at, "%v is no field of the answer", item)
		}
		if !slices.Contains(o.Required, name) {
			o.Required = append(o.Required, name)
		}
	}
	return nil
}

// json returns a body's only media type, JSON.
func (c *Contract) json(content openapi3.Content, at []string) (*openapi3.MediaType, error) {
	for name, media := range content {
		if len(content) > 1 || name != "application/json" {
			return nil, c.lines.errorf(under(at, name), "a body is application/json and nothing else")
		}
		if media == nil || media.Schema == nil {
			return nil, c.lines.errorf(under(at, name), "the body has no schema")
		}
		return media, nil
	}
	return nil, nil
}

// requiredFields returns the fields of an object that must be present and not empty; nullable fields are left out.
func requiredFields(schema *openapi3.Schema) (names []string) {
	for _, part := range schema.AllOf {
		names = append(names, requiredFields(part.Value)...)
	}
	for _, name := range schema.Required {
		if property := field(schema, name); property != nil && !property.Value.Nullable {
			names = append(names, name)
		}
	}
	return names
}

// field finds a property, also in the parts of an allOf.
func field(schema *openapi3.Schema, name string) *openapi3.SchemaRef {
	if property := schema.Properties[name]; property != nil {
		return property
	}
	for _, part := range schema.AllOf {
		if property := field(part.Value, name); property != nil {
			return property
		}
	}
	return nil
}
