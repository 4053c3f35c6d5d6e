package official

import (
	"encoding/json"
	"fmt"
	"math/big"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Difference is something in which two requests, or what was read of two answers, differ.
type Difference struct {
	Kind              Kind
	Where             string // a parameter's name, or a place in the body
	Official, Wrapper string // what either side sent or read
}

func (d Difference) String() string {
	return fmt.Sprintf("%s %s: the official SDK %s; ours %s", d.Kind, d.Where, d.Official, d.Wrapper)
}

// Kind is what a difference is about.
type Kind string

// The kinds. Those that ByDesign lists are meant.
const (
	KindMethod      Kind = "method"
	KindPath        Kind = "path"
	KindEscaping    Kind = "escaping in the path"
	KindQuery       Kind = "query"
	KindArray       Kind = "a list in the query"
	KindHeader      Kind = "header"
	KindContentType Kind = "content type"
	KindAccept      Kind = "accept"
	KindBody        Kind = "body"
	KindNoBody      Kind = "a body with nothing in it"
	KindAnswer      Kind = "answer"
	KindProtocol    Kind = "protocol, if none is named"
)

// ByDesign says of the differences that are meant why they are.
var ByDesign = map[Kind]string{
	KindEscaping:    "a parameter is one segment of the path, whatever it holds; unescaped, it names another operation",
	KindArray:       "OpenAPI has no style for numbered names; the values agree",
	KindContentType: "JSON is UTF-8 by definition (RFC 8259), and `application/json` has no parameter",
	KindProtocol:    "the access token is a secret",
}

// Compare lists in what two requests for an operation differ, as values.
func (c *Contract) Compare(operation string, official, wrapper Recorded) ([]Difference, error) {
	op := c.Operation(operation)
	var list []Difference
	add := func(kind Kind, where, official, wrapper string) {
		list = append(list, Difference{kind, where, "sends " + official, "sends " + wrapper})
	}
	if official.Method != wrapper.Method {
		add(KindMethod, "", official.Method, wrapper.Method)
	}
	if official.Path != wrapper.Path {
		kind := KindPath
		if theirs, err := url.PathUnescape(official.Path); err == nil {
			if ours, err := url.PathUnescape(wrapper.Path); err == nil && theirs == ours {
				kind = KindEscaping
			}
		}
		add(kind, "", official.Path, wrapper.Path)
	}
	query, err := compareQuery(op, official, wrapper)
	if err != nil {
		return nil, err
	}
	list = append(list, query...)
	for _, name := range append([]string{"x-acs-dingtalk-access-token"}, sortedKeys(op.Header)...) {
		if theirs, ours := official.Header.Values(name), wrapper.Header.Values(name); !slices.Equal(theirs, ours) {
			add(KindHeader, name, fmt.Sprintf("%q", theirs), fmt.Sprintf("%q", ours))
		}
	}
	if theirs, ours := official.Header.Get("Accept"), wrapper.Header.Get("Accept"); theirs != ours {
		add(KindAccept, "", fmt.Sprintf("%q", theirs), fmt.Sprintf("%q", ours))
	}
	return append(list, compareBody(official, wrapper)...), nil
}

func compareBody(official, wrapper Recorded) []Difference {
	if len(official.Body) == 0 && len(wrapper.Body) == 0 {
		return nil
	}
	if len(official.Body) == 0 || len(wrapper.Body) == 0 {
		kind := KindBody
		if theirs, ours := string(official.Body), string(wrapper.Body); theirs+ours == "{}" {
			kind = KindNoBody
		}
		return []Difference{{kind, "", fmt.Sprintf("sends %.60q", official.Body), fmt.Sprintf("sends %.60q", wrapper.Body)}}
	}
	var list []Difference
	theirs, ours := official.Header.Get("Content-Type"), wrapper.Header.Get("Content-Type")
	if theirs != ours {
		kind := KindHeader
		if a, _, err := mime.ParseMediaType(theirs); err == nil {
			if b, _, err := mime.ParseMediaType(ours); err == nil && a == b {
				kind = KindContentType
			}
		}
		list = append(list, Difference{kind, "Content-Type", fmt.Sprintf("sends %q", theirs), fmt.Sprintf("sends %q", ours)})
	}
	a, errA := parse(official.Body)
	b, errB := parse(wrapper.Body)
	if errA != nil || errB != nil {
		return append(list, Difference{KindBody, "", fmt.Sprintf("sends %.60q (%v)", official.Body, errA), fmt.Sprintf("sends %.60q (%v)", wrapper.Body, errB)})
	}
	return append(list, CompareJSON(KindBody, a, b)...)
}

// compareQuery reads each parameter as its schema has it, so that two spellings of a value are the same.
func compareQuery(op *Operation, official, wrapper Recorded) ([]Difference, error) {
	theirs, err := official.Values()
	if err != nil {
		return nil, err
	}
	ours, err := wrapper.Values()
	if err != nil {
		return nil, err
	}
	var list []Difference
	for _, name := range sortedKeys(op.Query) {
		rawTheirs, rawOurs := take(theirs, name), take(ours, name)
		if reflect.DeepEqual(rawTheirs, rawOurs) {
			continue
		}
		kind := KindQuery
		if a, b := read(op.Query[name], name, rawTheirs), read(op.Query[name], name, rawOurs); a != nil && len(CompareJSON(KindQuery, a, b)) == 0 {
			if op.Query[name].Content != nil {
				continue // two spellings of one JSON value
			}
			if schemaOf(op.Query[name]).Type.Is("array") {
				kind = KindArray
			}
		}
		list = append(list, Difference{kind, name, "sends " + show(rawTheirs), "sends " + show(rawOurs)})
	}
	if len(theirs)+len(ours) > 0 {
		list = append(list, Difference{KindQuery, "what the contract does not have", "sends " + show(theirs), "sends " + show(ours)})
	}
	return list, nil
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

// read is the value that a parameter has, nil if it cannot be read.
func read(p *openapi3.Parameter, name string, query url.Values) any {
	if p.Content != nil {
		value, err := parse([]byte(query.Get(name)))
		if err != nil {
			return nil
		}
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

func show(query url.Values) string {
	if len(query) == 0 {
		return "nothing"
	}
	text := query.Encode()
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return "`" + text + "`"
}

// CompareJSON lists in what two JSON values differ. Numbers are compared as numbers, however long.
func CompareJSON(kind Kind, official, wrapper any) []Difference {
	var list []Difference
	compareAt("", official, wrapper, func(where string, official, wrapper any) {
		list = append(list, Difference{kind, where, "has " + brief(official), "has " + brief(wrapper)})
	})
	return list
}

// absent stands for a field or an element that one side lacks.
type absent struct{}

func brief(value any) string {
	if value == (absent{}) {
		return "nothing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.80s", text)
}

func compareAt(where string, a, b any, differ func(where string, a, b any)) {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			break
		}
		for _, name := range sortedKeys(a) {
			if value, ok := b[name]; ok {
				compareAt(where+"."+name, a[name], value, differ)
			} else {
				differ(where+"."+name, a[name], absent{})
			}
		}
		for _, name := range sortedKeys(b) {
			if _, ok := a[name]; !ok {
				differ(where+"."+name, absent{}, b[name])
			}
		}
		return
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			break
		}
		for i := range a {
			compareAt(fmt.Sprintf("%s[%d]", where, i), a[i], b[i], differ)
		}
		return
	case json.Number:
		if b, ok := b.(json.Number); ok && sameNumber(a, b) {
			return
		}
	default:
		if reflect.DeepEqual(a, b) {
			return
		}
	}
	differ(where, a, b)
}

func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0
}
