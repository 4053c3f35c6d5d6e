package official

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// Generated is a package of methods that openconversation-gen made.
type Generated struct {
	client   reflect.Value
	contract *Contract
}

// NewGenerated drives the methods of client, which is what the generated package's New returns.
func NewGenerated(client any, contract *Contract) *Generated {
	return &Generated{client: reflect.ValueOf(client), contract: contract}
}

// Send calls the operation's method. Its arguments get the values by their names on the wire: each text is the next
// parameter of the path, a type called …Params takes the query's and the header's, and any other type is the body.
func (g *Generated) Send(operation string, values Values) (any, error) {
	method, err := g.method(operation)
	if err != nil {
		return nil, err
	}
	path := g.contract.Operation(operation).Path
	args := []reflect.Value{reflect.ValueOf(context.Background())}
	for i := 1; i < method.Type().NumIn(); i++ {
		t := method.Type().In(i)
		if method.Type().IsVariadic() && i == method.Type().NumIn()-1 {
			break
		}
		var arg reflect.Value
		switch {
		case t.Kind() == reflect.String:
			if len(path) == 0 {
				return nil, fmt.Errorf("%s takes more texts than its path has parameters", operation)
			}
			arg, path = reflect.ValueOf(values.Path[path[0]]).Convert(t), path[1:]
		case strings.HasSuffix(named(t), "Params"):
			params := maps.Clone(values.Header)
			maps.Copy(params, values.Query)
			arg, err = decodeInto(t, params)
		default:
			arg, err = decodeInto(t, values.Body)
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
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return nil, err
	}
	if len(out) == 1 {
		return nil, nil
	}
	return asJSON(out[0].Interface())
}

// method is the operation's method. Go's name of an operation differs from the contract's in the case of its letters.
func (g *Generated) method(operation string) (reflect.Value, error) {
	for i := range g.client.NumMethod() {
		if name := g.client.Type().Method(i).Name; strings.EqualFold(name, strings.ReplaceAll(operation, "_", "")) {
			return g.client.Method(i), nil
		}
	}
	return reflect.Value{}, fmt.Errorf("%s has no method for %s", g.client.Type(), operation)
}

func named(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
