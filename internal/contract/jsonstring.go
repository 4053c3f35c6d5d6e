package contract

import (
	"encoding/json"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// jsonStringExtension marks a body's string that holds JSON. Its value limits the length.
const jsonStringExtension = "x-json-string"

func jsonString(property *openapi3.SchemaRef) (found JSONString, is bool, err error) {
	value, is := property.Value.Extensions[jsonStringExtension]
	if !is {
		return found, false, nil
	}
	raw, err := json.Marshal(value)
	if err == nil {
		err = decodeStrict(raw, &found)
	}
	return found, true, err
}

// carriesJSONString refuses the extension in places that the generator does not support: it must be on a string of a
// component or of an inline body.
func (c *Contract) carriesJSONString(property *openapi3.SchemaRef, object, at []string) error {
	if property == nil || property.Value == nil || property.Ref != "" && property.Value.Extensions[jsonStringExtension] == nil {
		return nil
	}
	found, is, err := jsonString(property)
	if !is {
		return nil
	}
	place := under(at, jsonStringExtension)
	own := len(object) == 3 && object[0] == "components" || slices.Contains(object, "requestBody") && object[len(object)-1] == "schema"
	switch {
	case err != nil || found.MaxBytes < 0:
		return c.lines.errorf(place, "it is not a map with maxBytes, a number of bytes")
	case !own || property.Ref != "" || kindOf(property.Value) != "string" || len(property.Value.Enum) > 0:
		return c.lines.errorf(place, "it is not on a string that a body has as a field of its own")
	}
	return nil
}

// takeJSONStrings finds a body's fields with JSON in a string, and types them as any in Go.
func takeJSONStrings(body *openapi3.Schema) (all []JSONString) {
	for _, part := range body.AllOf {
		all = append(all, takeJSONStrings(part.Value)...)
	}
	for _, name := range sortedKeys(body.Properties) {
		property := body.Properties[name]
		found, is, err := jsonString(property)
		if !is || err != nil { // faults were refused before
			continue
		}
		found.Name, found.Required = name, slices.Contains(body.Required, name)
		all = append(all, found)
		*property.Value = openapi3.Schema{
			Description: property.Value.Description, Extensions: property.Value.Extensions,
		}
	}
	return all
}
