package contract

import (
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Described returns the parameters of an operation.
func (o Operation) Described() []Parameter {
	var all []Parameter
	for _, p := range o.Parameters {
		schema := p.Schema.Value
		d := Parameter{Name: p.Name, In: p.In, Description: p.Description, Required: p.Required}
		if schema.Items != nil && schema.Type.Is("array") {
			d.List, schema = true, schema.Items.Value
			d.Explode = p.In == openapi3.ParameterInQuery && (p.Explode == nil || *p.Explode)
		}
		d.Type = strings.Join(schema.Type.Slice(), "")
		all = append(all, d)
	}
	return all
}

// Body tells whether a request has a body: "required", "optional" or "".
func (o Operation) Body() string {
	switch body := o.Spec.RequestBody; {
	case body == nil:
		return ""
	case body.Value.Required:
		return "required"
	default:
		return "optional"
	}
}
