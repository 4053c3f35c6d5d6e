package official

import (
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
)

// Contract is the contract of a package, and its operations by their ids.
type Contract struct {
	document   *openapi3.T
	operations map[string]*Operation
}

// Operation is what the contract says of one operation.
type Operation struct {
	Method, Template string
	Path             []string // the parameters in the path, in its order
	Query, Header    map[string]*openapi3.Parameter
	Body, Answer     *openapi3.Schema // nil without one
	Anonymous        bool             // sent without a token
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

// ReadContract reads a contract and validates it.
func ReadContract(text []byte) (*Contract, error) {
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(text)
	if err == nil {
		err = document.Validate(loader.Context) // it finds an id that two operations have
	}
	if err != nil {
		return nil, err
	}
	c := &Contract{document: document, operations: map[string]*Operation{}}
	for template, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			c.operations[op.OperationID] = newOperation(method, template, op)
		}
	}
	return c, nil
}

func newOperation(method, template string, op *openapi3.Operation) *Operation {
	o := &Operation{Method: method, Template: template, Anonymous: op.Security != nil && len(*op.Security) == 0}
	for _, m := range inBraces.FindAllStringSubmatch(template, -1) {
		o.Path = append(o.Path, m[1])
	}
	in := map[string]map[string]*openapi3.Parameter{"path": {}, "query": {}, "header": {}}
	for _, p := range op.Parameters {
		in[p.Value.In][p.Value.Name] = p.Value
	}
	o.Query, o.Header = in["query"], in["header"]
	if op.RequestBody != nil {
		o.Body = op.RequestBody.Value.Content["application/json"].Schema.Value
	}
	if media := op.Responses.Status(200).Value.Content["application/json"]; media != nil {
		o.Answer = media.Schema.Value
	}
	return o
}

// whole says whether the body is the official SDK's field Body itself.
func (o *Operation) whole() bool { return o.Body != nil && o.Body.Type.Is("array") }

// jsonText says whether a value is JSON in a string.
func jsonText(s *openapi3.Schema) bool { return s.Extensions["x-json-string"] != nil }
