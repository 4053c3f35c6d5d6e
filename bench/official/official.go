// Package official holds methods that openconversation-gen makes of imported operations against DingTalk's official Go SDK:
// both send the same values to a recorder, and get the same answer from it. What was sent and what was read is compared.
package official

//go:generate go run ./draw

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/tea/tea"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/official"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Token is the access token that both sides use.
const Token = "token-of-the-comparison"

// Side is one of the two that are compared.
type Side interface {
	// Send makes the call of an operation, and returns the answer as the caller gets it: as package encoding/json reads
	// it, with json.Number for numbers; nil if there is none.
	Send(operation string, values Values) (any, error)
}

// Drawn is a package that is compared.
type Drawn struct {
	Name     string
	Official func(*openapi.Config) (any, error)
	Ours     func(*dingtalk.Client) any
	Routes   []generated.Route
}

// client makes the official SDK's function for a new client one of any package.
func client[C any](create func(*openapi.Config) (*C, error)) func(*openapi.Config) (any, error) {
	return func(config *openapi.Config) (any, error) { return create(config) }
}

// Official is DingTalk's own SDK.
type Official struct {
	client   any
	token    string
	contract *Contract
	args     map[string][]string // names of an operation's arguments for the path, in the method's order
}

// NewOfficial returns a package of the official SDK, set up to call host. It is not told a protocol, and takes HTTP.
func NewOfficial(host, token string, d Drawn, contract *Contract, source *official.Package) (*Official, error) {
	client, err := d.Official(&openapi.Config{Endpoint: tea.String(host), RegionId: tea.String("central")})
	o := &Official{client, token, contract, map[string][]string{}}
	for _, operation := range source.Operations {
		o.args[operation.ID()] = operation.Args
	}
	return o, err
}

// method is one of the official SDK's, and the types of what it takes and answers, nil where it has none.
type method struct {
	reflect.Value
	request, headers, answer reflect.Type
}

func (o *Official) method(operation string) (m method, err error) {
	m.Value = reflect.ValueOf(o.client).MethodByName(strings.ToUpper(operation[:1]) + operation[1:] + "WithOptions")
	if !m.IsValid() {
		return m, fmt.Errorf("the official SDK has no method for %s", operation)
	}
	for t := range m.Type().Ins() {
		if t.Kind() != reflect.Pointer {
			continue
		}
		switch name := t.Elem().Name(); {
		case strings.HasSuffix(name, "Request"):
			m.request = t.Elem()
		case strings.HasSuffix(name, "Headers"):
			m.headers = t.Elem()
		}
	}
	if field, ok := m.Type().Out(0).Elem().FieldByName("Body"); ok {
		m.answer = field.Type
	}
	return m, nil
}

// Send calls the operation with the official SDK's own types, filled by the names on the wire.
func (o *Official) Send(operation string, values Values) (any, error) {
	m, err := o.method(operation)
	if err != nil {
		return nil, err
	}
	headers, request := map[string]any{"x-acs-dingtalk-access-token": o.token}, map[string]any{}
	maps.Copy(headers, values.Header)
	maps.Copy(request, values.Query)
	if body, ok := values.Body.(map[string]any); ok {
		maps.Copy(request, body)
	} else if values.Body != nil {
		request["body"] = values.Body
	}
	var args []reflect.Value
	for _, name := range o.args[operation] {
		args = append(args, reflect.ValueOf(tea.String(values.Path[name])))
	}
	for i := len(args); i < m.Type().NumIn(); i++ {
		fields := map[string]any{} // options, and the headers of an operation that takes no token, are a map
		if t := m.Type().In(i); t.Kind() == reflect.Pointer && t.Elem() == m.request {
			fields = request
		} else if t.Kind() == reflect.Pointer && t.Elem() == m.headers {
			fields = headers
		}
		arg, err := made(m.Type().In(i), fields)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	out := m.Call(args)
	if err, _ := out[1].Interface().(error); err != nil || m.answer == nil {
		return nil, err
	}
	return asJSON(out[0].Elem().FieldByName("Body").Interface())
}

// Generated is a package of methods that openconversation-gen made: client is what its New returns.
type Generated struct {
	client   any
	contract *Contract
}

// Send calls the operation's method. Its arguments get the values by their names on the wire: each text is the next
// parameter of the path, a type called …Params takes the query's and the header's, and any other type is the body.
func (g Generated) Send(operation string, values Values) (any, error) {
	var method reflect.Value
	for m, bound := range reflect.ValueOf(g.client).Methods() { // Go's name differs from the contract's in the case of its letters
		if strings.EqualFold(m.Name, strings.ReplaceAll(operation, "_", "")) {
			method = bound
		}
	}
	if !method.IsValid() {
		return nil, fmt.Errorf("%T has no method for %s", g.client, operation)
	}
	params := map[string]any{}
	maps.Copy(params, values.Header)
	maps.Copy(params, values.Query)
	path := g.contract.operations[operation].Path
	args := []reflect.Value{reflect.ValueOf(context.Background())}
	for i := 1; i < method.Type().NumIn() && (i < method.Type().NumIn()-1 || !method.Type().IsVariadic()); i++ {
		var arg reflect.Value
		var err error
		switch t := method.Type().In(i); {
		case t.Kind() == reflect.String && len(path) == 0:
			err = fmt.Errorf("%s takes more texts than its path has parameters", operation)
		case t.Kind() == reflect.String:
			arg, path = reflect.ValueOf(values.Path[path[0]]).Convert(t), path[1:]
		case strings.HasSuffix(t.String(), "Params"):
			arg, err = made(t, params)
		default:
			arg, err = made(t, values.Body)
		}
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if len(path) > 0 {
		return nil, fmt.Errorf("%s does not take %q", operation, path)
	}
	out := method.Call(args)
	if err, _ := out[len(out)-1].Interface().(error); err != nil || len(out) == 1 {
		return nil, err
	}
	return asJSON(out[0].Interface())
}

// made is a new T that has a value by its names in JSON. A name that T does not have is an error.
func made(t reflect.Type, value any) (reflect.Value, error) {
	target := reflect.New(t)
	text, err := json.Marshal(value)
	if err == nil {
		err = decode(text, target.Interface())
	}
	return target.Elem(), err
}

// asJSON is what a value says in JSON, its numbers as they are spelt.
func asJSON(value any) (any, error) {
	read, err := made(reflect.TypeFor[any](), value)
	return read.Interface(), err
}

// parse reads one JSON value.
func parse(text []byte) (any, error) {
	var value any
	if err := decode(text, &value); err != nil {
		return nil, err
	}
	return value, nil
}

func decode(text []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(target); err != nil {
		return fmt.Errorf("%T: %w", target, err)
	}
	if d.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}
