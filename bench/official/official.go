// Package official holds methods that openconversation-gen makes from contract.yaml against DingTalk's official Go SDK:
// both send the same values to a recorder, and get the same answer from it. The tests compare what was sent and what
// was read.
package official

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
)

// Token is the access token that both sides use.
const Token = "token-of-the-comparison"

// Side is one of the two that are compared.
type Side interface {
	// Send makes the call of an operation, and returns the answer as the caller gets it: as package encoding/json reads
	// it, with json.Number for numbers; nil if there is none.
	Send(operation string, values Values) (any, error)
}

// Official is DingTalk's own SDK.
type Official struct {
	host     string
	contract *Contract
}

// NewOfficial returns the official SDK, set up to call host. It is not told a protocol, and takes HTTP.
func NewOfficial(host string, contract *Contract) *Official {
	return &Official{host: host, contract: contract}
}

// Send calls the operation with the official SDK's own types, filled by the names on the wire.
func (o *Official) Send(operation string, values Values) (any, error) {
	c, method, err := find(operation)
	if err != nil {
		return nil, err
	}
	client, err := c.client(&openapi.Config{Endpoint: tea.String(o.host), RegionId: tea.String("central")})
	if err != nil {
		return nil, err
	}
	args := []reflect.Value{reflect.ValueOf(client)}
	for _, name := range o.contract.Operation(operation).Path {
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

// argument makes the request, the headers or the options of a call.
func (o *Official) argument(t reflect.Type, operation string, values Values) (reflect.Value, error) {
	switch {
	case t == reflect.TypeFor[*util.RuntimeOptions]():
		return reflect.ValueOf(&util.RuntimeOptions{}), nil
	case t.Kind() == reflect.Map: // the headers of an operation that takes no token
		return reflect.MakeMap(t), nil
	case strings.HasSuffix(t.Elem().Name(), "Headers"):
		headers := map[string]any{"x-acs-dingtalk-access-token": Token}
		for name, value := range values.Header {
			headers[name] = value
		}
		return decodeInto(t, headers)
	}
	request := map[string]any{}
	for name, value := range values.Query {
		request[name] = value
	}
	switch body := values.Body.(type) {
	case map[string]any:
		for name, value := range body {
			request[name] = value
		}
	case []any:
		request["body"] = body
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

func typesOf(operation string) (types, error) {
	_, method, err := find(operation)
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

func find(operation string) (call, reflect.Value, error) {
	for _, c := range calls {
		if c.id == operation {
			return c, reflect.ValueOf(c.method), nil
		}
	}
	return call{}, reflect.Value{}, fmt.Errorf("the official SDK's method for %s is not known", operation)
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
