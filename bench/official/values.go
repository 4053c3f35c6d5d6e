package official

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Values are what is sent with one call, by the names on the wire: JSON values as package encoding/json reads them, with
// json.Number for numbers.
type Values struct {
	Path          map[string]string
	Query, Header map[string]any
	Body          any // nil for none
}

// Fill says which values a call gets.
type Fill string

// The fills.
const (
	Full     Fill = "full"     // every field that the official SDK knows; two elements in lists and maps
	Least    Fill = "least"    // of these, what the contract requires
	Zero     Fill = "zero"     // every field, with "", 0, false and empty lists and maps
	Escaping Fill = "escaping" // Full, with a path that must be escaped
)

// depth is how often a type that contains itself is filled within itself.
const depth = 2

// values are the values for an operation: made from the official SDK's types, and sorted into query and body by the contract.
func (o *Official) values(operation string, fill Fill) (Values, error) {
	m, err := o.method(operation)
	if err != nil {
		return Values{}, err
	}
	op := o.contract.operations[operation]
	v := Values{Path: map[string]string{}, Query: map[string]any{}, Header: map[string]any{}}
	for _, name := range op.Path {
		v.Path[name] = "the-" + name + "_1"
		if fill == Escaping { // more than one segment if nobody escapes it
			v.Path[name] = "a/b c"
		}
	}
	if m.headers != nil && fill != Least {
		for field := range m.headers.Fields() {
			if name := wireName(field); field.Type.Kind() == reflect.Pointer && name != "x-acs-dingtalk-access-token" {
				v.Header[name] = "the " + name // a header cannot carry every character
			}
		}
	}
	if m.request == nil {
		return v, nil
	}
	rest := newFiller(fill).value(m.request, "").(map[string]any)
	if op.whole() {
		v.Body = rest["body"]
		delete(rest, "body")
	}
	for name, p := range op.Query {
		value, ok := rest[name]
		delete(rest, name)
		switch {
		case ok && fill != Least:
			v.Query[name] = value
		case ok && p.Required:
			v.Query[name] = least(value, p.Schema.Value)
		}
	}
	if len(rest) > 0 && (op.Body == nil || op.whole()) {
		return v, fmt.Errorf("the contract has no place for %s", strings.Join(sortedKeys(rest), ", "))
	}
	if op.Body != nil && v.Body == nil {
		v.Body = rest
	}
	if fill == Least && v.Body != nil {
		v.Body = least(v.Body, op.Body)
	}
	return v, nil
}

// answer is an answer of an operation with every field that the official SDK knows, or with Least null in each. It is nil for
// an operation without one.
func (o *Official) answer(operation string, fill Fill) (any, error) {
	m, err := o.method(operation)
	if err != nil || m.answer == nil {
		return nil, err
	}
	value := newFiller(Full).value(m.answer, "answer")
	if object, ok := value.(map[string]any); ok && fill == Least {
		for name := range object {
			object[name] = nil
		}
	}
	return value, nil
}

// least is what the contract requires of a value.
func least(value any, s *openapi3.Schema) any {
	if jsonText(s) { // of which the contract says no more
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, v := range value {
			if each := s.AdditionalProperties.Schema; each != nil {
				kept[name] = least(v, each.Value)
			} else if slices.Contains(s.Required, name) {
				kept[name] = least(v, s.Properties[name].Value)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i, v := range value {
			kept[i] = least(v, s.Items.Value)
		}
		return kept
	}
	return value
}

// filler makes values. No two numbers or texts are the same, so that what went into the wrong field shows.
type filler struct {
	fill Fill
	n    int64
	in   map[reflect.Type]int // how often a type is being filled
}

func newFiller(fill Fill) *filler { return &filler{fill: fill, in: map[reflect.Type]int{}} }

func (f *filler) value(t reflect.Type, name string) any {
	f.n++
	if f.fill == Zero {
		switch t.Kind() {
		case reflect.Slice:
			return []any{}
		case reflect.Map, reflect.Interface:
			return map[string]any{}
		case reflect.String:
			return ""
		case reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
			return json.Number("0")
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return f.value(t.Elem(), name)
	case reflect.Struct:
		return f.object(t)
	case reflect.Slice:
		return []any{f.value(t.Elem(), name), f.value(t.Elem(), name)}
	case reflect.Map:
		return map[string]any{"key one": f.value(t.Elem(), name), "ключ/2": f.value(t.Elem(), name)}
	case reflect.Interface:
		return map[string]any{"text": f.text(name), "number": f.beyondFloat(), "list": []any{true, nil, "x"}}
	case reflect.String:
		return f.text(name)
	case reflect.Bool:
		return f.fill != Zero && f.n%2 == 0 || name == "success" // an answer that says false is a failure
	case reflect.Int32:
		return json.Number(strconv.FormatInt(2147480000+f.n%3000, 10))
	case reflect.Int64:
		return f.beyondFloat()
	case reflect.Float32, reflect.Float64:
		return json.Number(strconv.FormatInt(f.n, 10) + ".25")
	}
	panic(fmt.Sprintf("%s of type %s", name, t)) // a type that the contract does not have yet
}

// beyondFloat is an integer that no float64 holds.
func (f *filler) beyondFloat() json.Number {
	return json.Number(strconv.FormatInt(1<<53+1+2*f.n, 10))
}

// text has characters that JSON, a query or HTML spells otherwise.
func (f *filler) text(name string) string {
	return fmt.Sprintf(`%s %d: "a"&b=c+d%%20<é>钉`, name, f.n)
}

func (f *filler) object(t reflect.Type) any {
	object := map[string]any{}
	f.in[t]++
	defer func() { f.in[t]-- }()
	for field := range t.Fields() {
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		// The official SDK cannot read an io.Reader of an answer.
		if inner != reflect.TypeFor[io.Reader]() && f.in[inner] < depth {
			object[wireName(field)] = f.value(field.Type, wireName(field))
		}
	}
	return object
}

func wireName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
