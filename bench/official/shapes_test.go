package official

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestShapes looks for every shape of an operation in the contract, so that none gets lost when it is changed.
func TestShapes(t *testing.T) {
	contract := readContract(t)
	found := map[string]bool{}
	for _, item := range contract.document.Paths.Map() {
		for method, op := range item.Operations() {
			found["method "+method] = true
			found["servers of its own"] = found["servers of its own"] || op.Servers != nil
			for _, p := range op.Parameters {
				parameterShapes(found, p.Value)
			}
			switch {
			case op.RequestBody == nil:
				found["no body"] = true
			case !op.RequestBody.Value.Required:
				found["optional body"] = true
			}
			o := contract.Operation(op.OperationID)
			if o.Answer == nil {
				found["empty answer"] = true
			} else {
				found["answer: "+kind(o.Answer)] = true
			}
			if o.Body != nil {
				found["body: "+kind(o.Body)] = true
			}
		}
	}
	for name, schema := range contract.document.Components.Schemas {
		schemaShapes(found, schema, []string{"#/components/schemas/" + name})
	}
	for _, shape := range []string{
		"method GET", "method POST", "method PUT", "method PATCH", "method DELETE", "servers of its own",
		"path string", "query string", "query integer int32", "query integer int64", "query number double", "query boolean", "header string",
		"query enum", "query list exploded", "query list not exploded", "query required", "query optional", "header optional",
		"no body", "optional body", "body: object", "body: array",
		"answer: object", "answer: array", "answer: map", "answer: boolean", "answer: any", "empty answer",
		"enum", "nullable", "allOf", "recursive", "map of any", "map of string", "map of object", "list of lists", "list of any",
	} {
		if !found[shape] {
			t.Errorf("no operation has: %s", shape)
		}
	}
}

func parameterShapes(found map[string]bool, p *openapi3.Parameter) {
	found[p.In+map[bool]string{true: " required", false: " optional"}[p.Required]] = true
	schema := p.Schema.Value
	switch {
	case schema.Type.Is("array"):
		found[p.In+" list "+map[bool]string{true: "exploded", false: "not exploded"}[p.Explode != nil && *p.Explode]] = true
	case schema.Format != "":
		found[p.In+" "+kind(schema)+" "+schema.Format] = true
	default:
		found[p.In+" "+kind(schema)] = true
	}
	if len(schema.Enum) > 0 {
		found[p.In+" enum"] = true
	}
}

// kind is a schema's type, map for an object whose names are open, any for a schema without one.
func kind(s *openapi3.Schema) string {
	switch {
	case len(s.AllOf) > 0:
		return "object"
	case s.Type == nil:
		return "any"
	case s.AdditionalProperties.Schema != nil || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has:
		return "map"
	}
	return s.Type.Slice()[0]
}

// schemaShapes walks a schema; in are the references that led to it.
func schemaShapes(found map[string]bool, ref *openapi3.SchemaRef, in []string) {
	if ref.Ref != "" {
		if slices.Contains(in, ref.Ref) {
			found["recursive"] = true
			return
		}
		in = append(slices.Clone(in), ref.Ref)
	}
	s := ref.Value
	found["nullable"] = found["nullable"] || s.Nullable
	found["allOf"] = found["allOf"] || len(s.AllOf) > 0
	found["enum"] = found["enum"] || len(s.Enum) > 0
	for _, part := range s.AllOf {
		schemaShapes(found, part, in)
	}
	for _, p := range s.Properties {
		schemaShapes(found, p, in)
	}
	if s.Items != nil {
		found["list of any"] = found["list of any"] || kind(s.Items.Value) == "any"
		found["list of lists"] = found["list of lists"] || kind(s.Items.Value) == "array"
		schemaShapes(found, s.Items, in)
	}
	if kind(s) == "map" {
		if each := s.AdditionalProperties.Schema; each != nil {
			found["map of "+kind(each.Value)] = true
			schemaShapes(found, each, in)
		} else {
			found["map of any"] = true
		}
	}
}
