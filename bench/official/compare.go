package official

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Compare lists in what two requests for the operation differ, as values.
func (o *Operation) Compare(official, wrapper Recorded) (list []Difference) {
	compare := func(kind Kind, where, theirs, ours string) {
		if theirs != ours {
			list = append(list, Difference{kind, where, "sends " + brief(theirs), "sends " + brief(ours)})
		}
	}
	compare(KindMethod, "", official.Method, wrapper.Method)
	kind := KindPath
	if official.Unescaped == wrapper.Unescaped {
		kind = KindEscaping
	}
	compare(kind, "", official.Path, wrapper.Path)
	theirs, ours := maps.Clone(official.Query), maps.Clone(wrapper.Query)
	for _, name := range sortedKeys(o.Query) {
		// Each is read as its schema has it, so that two spellings of a value are the same.
		p, a, b := o.Query[name], take(theirs, name), take(ours, name)
		kind := KindQuery
		switch same := sameParameter(p, name, a, b); {
		case same && jsonText(p.Schema.Value): // spelt in another order
			continue
		case same && isList(p):
			kind = KindList
		case isList(p) && a.Get(name) == "" && len(a) < 2 && len(b) == 0:
			kind = KindEmptyList
		}
		compare(kind, name, a.Encode(), b.Encode())
	}
	if len(theirs)+len(ours) > 0 { // even if both send it
		list = append(list, Difference{KindQuery, "what the contract does not have", "sends " + theirs.Encode(), "sends " + ours.Encode()})
	}
	for _, name := range append([]string{"x-acs-dingtalk-access-token"}, sortedKeys(o.Header)...) {
		compare(KindHeader, name, fmt.Sprintf("%q", official.Header.Values(name)), fmt.Sprintf("%q", wrapper.Header.Values(name)))
	}
	a, b := official.Header.Get("Content-Type"), wrapper.Header.Get("Content-Type")
	kind = KindHeader
	if typeA, _, err := mime.ParseMediaType(a); err == nil {
		if typeB, _, err := mime.ParseMediaType(b); err == nil && typeA == typeB {
			kind = KindContentType
		}
	}
	compare(kind, "Content-Type", a, b)
	return append(list, CompareJSON(KindBody, official.Body, wrapper.Body)...)
}

func brief(text string) string {
	if text == "" {
		return "nothing"
	}
	return fmt.Sprintf("`%.80s`", text)
}

func isList(p *openapi3.Parameter) bool { return p.Schema.Value.Type.Is("array") }

func sameParameter(p *openapi3.Parameter, name string, official, wrapper url.Values) bool {
	a, b := read(p, name, official), read(p, name, wrapper)
	return a != nil && b != nil && !slices.ContainsFunc(CompareJSON(KindBody, a, b), func(d Difference) bool { return d.Kind != KindEmptyInside })
}

// take removes a parameter from a query, with its numbered names.
func take(query url.Values, name string) url.Values {
	taken := url.Values{}
	for key, values := range query {
		number, found := strings.CutPrefix(key, name+".")
		if _, err := strconv.Atoi(number); key == name || found && err == nil {
			taken[key] = values
			delete(query, key)
		}
	}
	return taken
}

// read is the value that a parameter has: a list, or of JSON text what it says. It is nil if it cannot be read.
func read(p *openapi3.Parameter, name string, query url.Values) any {
	if !isList(p) {
		value, _ := parse([]byte(query.Get(name)))
		return value
	}
	list := []any{}
	for _, text := range query[name] {
		list = append(list, text)
	}
	for i := 1; query.Has(name + "." + strconv.Itoa(i)); i++ {
		list = append(list, query.Get(name+"."+strconv.Itoa(i)))
	}
	return list
}

// CompareAnswers lists in what two readings of one answer differ. A field that is null is like one that is not there: a
// field of type *string has one word for both.
func (o *Operation) CompareAnswers(official, wrapper any) []Difference {
	if text, ok := official.(string); ok && o.Answer != nil && o.Answer.Type == nil {
		if value, err := parse([]byte(text)); err == nil && len(CompareJSON(KindAnswer, value, wrapper)) == 0 {
			return []Difference{{KindAnyAnswer, "", "returns its text", "returns its value"}}
		}
	}
	return CompareJSON(KindAnswer, official, wrapper)
}

// absent stands for a body or a field that one side lacks.
var absent any = struct{}{}

// CompareJSON lists in what two JSON values differ. Numbers are compared as numbers, however long.
func CompareJSON(kind Kind, official, wrapper any) (list []Difference) {
	field := func(object map[string]any, name string) any {
		value, ok := object[name]
		if !ok || value == nil && kind == KindAnswer {
			return absent
		}
		return value
	}
	var compare func(where string, a, b any)
	compare = func(where string, a, b any) {
		switch x := a.(type) {
		case map[string]any:
			if y, ok := b.(map[string]any); ok {
				names := sortedKeys(x)
				for _, name := range sortedKeys(y) {
					if _, ok := x[name]; !ok {
						names = append(names, name)
					}
				}
				for _, name := range names {
					compare(where+"."+name, field(x, name), field(y, name))
				}
				return
			}
		case []any:
			if y, ok := b.([]any); ok && len(x) == len(y) {
				for i := range x {
					compare(fmt.Sprintf("%s[%d]", where, i), x[i], y[i])
				}
				return
			}
		case json.Number:
			if y, ok := b.(json.Number); ok && sameNumber(x, y) {
				return
			}
		}
		if reflect.DeepEqual(a, b) {
			return
		}
		kind := kind
		if kind == KindBody && where != "" && a == absent && empty(b) {
			kind = KindEmptyInside
		}
		list = append(list, Difference{kind, where, "has " + spelt(a), "has " + spelt(b)})
	}
	compare("", official, wrapper)
	return list
}

func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0
}

func empty(value any) bool {
	v := reflect.ValueOf(value)
	return (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0
}

func spelt(value any) string {
	if value == absent {
		return brief("")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return brief(string(text))
}
