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
	Path   map[string]string
	Query  map[string]any
	Header map[string]any
	Body   any // nil for none
}

// Fill says which values a call gets.
type Fill int

// The fills.
const (
	Full     Fill = iota // every field that the official SDK knows; two elements in lists and maps
	Least                // of these, what the contract requires
	Zero                 // every field, with "", 0, false and empty lists and maps
	Escaping             // Full, with a path that must be escaped
)

func (f Fill) String() string { return [...]string{"full", "least", "zero", "escaping"}[f] }

// depth is how often a type that contains itself is filled within itself.
const depth = 2

// values are the values for an operation: made from the official SDK's types, and sorted into query and body by the
// contract.
func (o *Official) values(operation string, fill Fill) (Values, error) {
	t, err := o.typesOf(operation)
	if err != nil {
		return Values{}, err
	}
	op := o.contract.Operation(operation)
	v := Values{Path: map[string]string{}, Query: map[string]any{}, Header: map[string]any{}}
	for _, name := range op.Path {
		v.Path[name] = "the-" + name + "_1"
		if fill == Escaping { // more than one segment if nobody escapes it
			v.Path[name] = "a/b c"
		}
	}
	if t.headers != nil {
		for i := range t.headers.NumField() {
			field := t.headers.Field(i)
			if name := wireName(field); field.Type.Kind() == reflect.Pointer && name != "x-acs-dingtalk-access-token" && fill != Least {
				v.Header[name] = "the " + name // a header cannot carry every character
			}
		}
	}
	if t.request == nil {
		return v, nil
	}
	all := (&filler{fill: fill}).value(t.request, "").(map[string]any)
	if op.whole() {
		v.Body = all["body"]
		delete(all, "body")
	}
	rest := map[string]any{}
	for name, value := range all {
		if p := op.Query[name]; p == nil {
			rest[name] = value
		} else if fill != Least || p.Required {
			if fill == Least {
				value = least(value, p.Schema.Value)
			}
			v.Query[name] = value
		}
	}
	if len(rest) > 0 && (op.Body == nil || op.whole()) {
		return v, fmt.Errorf("the contract has no place for %s", strings.Join(sortedKeys(rest), ", "))
	}
	if len(rest) > 0 || v.Body == nil && op.Body != nil {
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
	t, err := o.typesOf(operation)
	if err != nil || t.answer == nil {
		return nil, err
	}
	value := (&filler{}).value(t.answer, "answer")
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
		if each := s.AdditionalProperties.Schema; each != nil {
			for name, v := range value {
				kept[name] = least(v, each.Value)
			}
		}
		for _, name := range s.Required {
			if v, ok := value[name]; ok {
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
	in   []reflect.Type
}

func (f *filler) value(t reflect.Type, name string) any {
	f.n++
	zero := f.fill == Zero
	switch t.Kind() {
	case reflect.Pointer:
		return f.value(t.Elem(), name)
	case reflect.Struct:
		return f.object(t)
	case reflect.Slice:
		if zero {
			return []any{}
		}
		return []any{f.value(t.Elem(), name), f.value(t.Elem(), name)}
	case reflect.Map:
		if zero {
			return map[string]any{}
		}
		return map[string]any{"key one": f.value(t.Elem(), name), "ключ/2": f.value(t.Elem(), name)}
	case reflect.Interface:
		if zero {
			return map[string]any{}
		}
		return map[string]any{"text": f.text(name), "number": f.beyondFloat(), "list": []any{true, nil, "x"}}
	case reflect.String:
		if zero {
			return ""
		}
		return f.text(name)
	case reflect.Bool:
		return !zero && f.n%2 == 0 || name == "success" // an answer that says false is a failure
	case reflect.Int32:
		if zero {
			return json.Number("0")
		}
		return json.Number(strconv.FormatInt(2147480000+f.n%3000, 10))
	case reflect.Int64:
		if zero {
			return json.Number("0")
		}
		return f.beyondFloat()
	case reflect.Float32, reflect.Float64:
		if zero {
			return json.Number("0")
		}
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
	f.in = append(f.in, t)
	defer func() { f.in = f.in[:len(f.in)-1] }()
	for i := range t.NumField() {
		field := t.Field(i)
		// The official SDK cannot read an io.Reader of an answer.
		if inner := innermost(field.Type); inner != reflect.TypeFor[io.Reader]() && (!slices.Contains(f.in, inner) || f.times(inner) < depth) {
			object[wireName(field)] = f.value(field.Type, wireName(field))
		}
	}
	return object
}

func (f *filler) times(t reflect.Type) int {
	n := 0
	for _, in := range f.in {
		if in == t {
			n++
		}
	}
	return n
}

func innermost(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func wireName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
