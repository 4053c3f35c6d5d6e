// Package official holds methods that openconversation-gen makes of imported operations against DingTalk's official Go SDK:
// both send the same values to a recorder, and get the same answer from it. What was sent and what was read is compared.
package official

//go:generate go run ./draw

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
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
	o := &Official{client: client, token: token, contract: contract, args: map[string][]string{}}
	for _, operation := range source.Operations {
		o.args[operation.ID()] = operation.Args
	}
	return o, err
}

// Send calls the operation with the official SDK's own types, filled by the names on the wire.
func (o *Official) Send(operation string, values Values) (any, error) {
	method, err := o.method(operation)
	if err != nil {
		return nil, err
	}
	var args []reflect.Value
	for _, name := range o.args[operation] {
		args = append(args, reflect.ValueOf(tea.String(values.Path[name])))
	}
	for i := len(args); i < method.Type().NumIn(); i++ {
		arg, err := o.argument(method.Type().In(i), operation, values)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	out := method.Call(args)
	if err, _ := out[1].Interface().(error); err != nil {
		return nil, err
	}
	return body(out[0].Elem())
}

func (o *Official) method(operation string) (reflect.Value, error) {
	method := reflect.ValueOf(o.client).MethodByName(strings.ToUpper(operation[:1]) + operation[1:] + "WithOptions")
	if !method.IsValid() {
		return method, fmt.Errorf("the official SDK has no method for %s", operation)
	}
	return method, nil
}

// argument makes the request, the headers or the options of a call.
func (o *Official) argument(t reflect.Type, operation string, values Values) (reflect.Value, error) {
	switch {
	case t == reflect.TypeFor[*util.RuntimeOptions]():
		return reflect.ValueOf(&util.RuntimeOptions{}), nil
	case t.Kind() == reflect.Map: // the headers of an operation that takes no token
		return reflect.MakeMap(t), nil
	case strings.HasSuffix(t.Elem().Name(), "Headers"):
		headers := map[string]any{"x-acs-dingtalk-access-token": o.token}
		for name, value := range values.Header {
			headers[name] = value
		}
		return decodeInto(t, headers)
	}
	request := map[string]any{}
	maps.Copy(request, values.Query)
	if body, ok := values.Body.(map[string]any); ok {
		maps.Copy(request, body)
	} else if values.Body != nil {
		request["body"] = values.Body
	}
	return decodeInto(t, request)
}

// body is what the official SDK read of the answer.
func body(response reflect.Value) (any, error) {
	field := response.FieldByName("Body")
	if !field.IsValid() {
		return nil, nil
	}
	return asJSON(field.Interface())
}

// types are what the official SDK's method takes and answers; nil where it has none.
type types struct{ request, headers, answer reflect.Type }

func (o *Official) typesOf(operation string) (types, error) {
	method, err := o.method(operation)
	if err != nil {
		return types{}, err
	}
	var t types
	for i := range method.Type().NumIn() {
		in := method.Type().In(i)
		if in.Kind() != reflect.Pointer || in.Elem().Kind() != reflect.Struct {
			continue
		}
		switch name := in.Elem().Name(); {
		case strings.HasSuffix(name, "Request"):
			t.request = in.Elem()
		case strings.HasSuffix(name, "Headers"):
			t.headers = in.Elem()
		}
	}
	if field, ok := method.Type().Out(0).Elem().FieldByName("Body"); ok {
		t.answer = field.Type
	}
	return t, nil
}

// decodeInto fills a new *T, or T, from a value by its names in JSON. A name that T does not have is an error.
func decodeInto(t reflect.Type, value any) (reflect.Value, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return reflect.Value{}, err
	}
	target := reflect.New(t)
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(target.Interface()); err != nil {
		return reflect.Value{}, fmt.Errorf("%s: %w", t, err)
	}
	return target.Elem(), nil
}

// asJSON is what a value says in JSON, its numbers as they are spelt.
func asJSON(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// parse reads one JSON value.
func parse(text []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}
