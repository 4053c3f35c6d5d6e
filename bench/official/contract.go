package official

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed contract.yaml
var contractText []byte

// Contract is contract.yaml.
type Contract struct {
	document   *openapi3.T
	operations map[string]*Operation
	ids        []string
}

// Operation is what the contract says of one operation.
type Operation struct {
	ID, Method, Template string
	Path                 []string // the parameters in the path, in its order
	Query, Header        map[string]*openapi3.Parameter
	Body                 *openapi3.Schema // nil without a body
	BodyRequired         bool
	Answer               *openapi3.Schema // nil without one
	Anonymous            bool             // sent without a token
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

// ReadContract reads contract.yaml and validates it.
func ReadContract() (*Contract, error) {
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(contractText)
	if err != nil {
		return nil, err
	}
	if err := document.Validate(loader.Context); err != nil {
		return nil, err
	}
	c := &Contract{document: document, operations: map[string]*Operation{}}
	for template, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			if c.operations[op.OperationID] != nil {
				return nil, fmt.Errorf("two operations are called %s", op.OperationID)
			}
			c.operations[op.OperationID] = newOperation(method, template, op)
			c.ids = append(c.ids, op.OperationID)
		}
	}
	slices.Sort(c.ids)
	return c, nil
}

func newOperation(method, template string, op *openapi3.Operation) *Operation {
	o := &Operation{
		ID: op.OperationID, Method: method, Template: template,
		Query: map[string]*openapi3.Parameter{}, Header: map[string]*openapi3.Parameter{},
		Anonymous: op.Security != nil && len(*op.Security) == 0,
	}
	for _, m := range inBraces.FindAllStringSubmatch(template, -1) {
		o.Path = append(o.Path, m[1])
	}
	for _, p := range op.Parameters {
		switch p.Value.In {
		case openapi3.ParameterInQuery:
			o.Query[p.Value.Name] = p.Value
		case openapi3.ParameterInHeader:
			o.Header[p.Value.Name] = p.Value
		}
	}
	if op.RequestBody != nil {
		o.Body, o.BodyRequired = op.RequestBody.Value.Content["application/json"].Schema.Value, op.RequestBody.Value.Required
	}
	if media := op.Responses.Status(200).Value.Content["application/json"]; media != nil {
		o.Answer = media.Schema.Value
	}
	return o
}

// IDs are the ids of the operations, sorted.
func (c *Contract) IDs() []string { return c.ids }

// Operation is the operation with this id, which the contract must have.
func (c *Contract) Operation(id string) *Operation { return c.operations[id] }

// anyAnswer says whether the contract leaves the type of the answer open.
func (o *Operation) anyAnswer() bool {
	return o.Answer != nil && o.Answer.Type == nil && len(o.Answer.AllOf) == 0
}

// required are the names that an object must have, those of what it is made of included.
func required(s *openapi3.Schema) []string {
	names := slices.Clone(s.Required)
	for _, part := range s.AllOf {
		names = append(names, required(part.Value)...)
	}
	return names
}

// property is the schema of an object's property, nil if it has none of that name.
func property(s *openapi3.Schema, name string) *openapi3.Schema {
	if p := s.Properties[name]; p != nil {
		return p.Value
	}
	for _, part := range s.AllOf {
		if p := property(part.Value, name); p != nil {
			return p
		}
	}
	return nil
}
