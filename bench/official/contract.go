package official

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// Contract is the contract of a package.
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
	Answer               *openapi3.Schema // nil without one
	Anonymous            bool             // sent without a token
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

// ReadContract reads a contract and validates it.
func ReadContract(text []byte) (*Contract, error) {
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(text)
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
		o.Body = op.RequestBody.Value.Content["application/json"].Schema.Value
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

// whole says whether the body is the official SDK's field Body itself.
func (o *Operation) whole() bool { return o.Body != nil && o.Body.Type.Is("array") }

// anyAnswer says whether the contract leaves the type of the answer open.
func (o *Operation) anyAnswer() bool { return o.Answer != nil && o.Answer.Type == nil }

// jsonText says whether a value is JSON in a string.
func jsonText(s *openapi3.Schema) bool { return s.Extensions["x-json-string"] != nil }
