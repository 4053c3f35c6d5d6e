package official

import (
	"fmt"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

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
		add(kind, "", "`"+official.Path+"`", "`"+wrapper.Path+"`")
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
	if theirs, ours := official.Header.Get("Content-Type"), wrapper.Header.Get("Content-Type"); theirs != ours {
		kind := KindHeader
		if sameMediaType(theirs, ours) {
			kind = KindContentType
		}
		add(kind, "Content-Type", "`"+theirs+"`", "`"+ours+"`")
	}
	return append(list, compareBody(official, wrapper)...), nil
}

func sameMediaType(official, wrapper string) bool {
	theirs, _, err := mime.ParseMediaType(official)
	if err != nil {
		return false
	}
	ours, _, err := mime.ParseMediaType(wrapper)
	return err == nil && theirs == ours
}

func compareBody(official, wrapper Recorded) []Difference {
	if len(official.Body) == 0 && len(wrapper.Body) == 0 {
		return nil
	}
	if len(official.Body) == 0 || len(wrapper.Body) == 0 {
		return []Difference{{KindBody, "", fmt.Sprintf("sends %.60q", official.Body), fmt.Sprintf("sends %.60q", wrapper.Body)}}
	}
	a, errA := parse(official.Body)
	b, errB := parse(wrapper.Body)
	if errA != nil || errB != nil {
		return []Difference{{KindBody, "", fmt.Sprintf("sends %.60q (%v)", official.Body, errA), fmt.Sprintf("sends %.60q (%v)", wrapper.Body, errB)}}
	}
	return CompareJSON(KindBody, a, b)
}

// CompareAnswers lists in what two readings of one answer differ. A field that is null is like one that is not there: a
// field of type *string has one word for both.
func (c *Contract) CompareAnswers(operation string, official, wrapper any) []Difference {
	if text, ok := official.(string); ok && c.Operation(operation).anyAnswer() {
		value, err := parse([]byte(text))
		if err == nil && len(CompareJSON(KindAnswer, value, wrapper)) == 0 {
			return []Difference{{KindAnyAnswer, "", "returns its text", "returns its value"}}
		}
	}
	return CompareJSON(KindAnswer, withoutNulls(official), withoutNulls(wrapper))
}

func withoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, v := range value {
			if v != nil {
				kept[name] = withoutNulls(v)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i, v := range value {
			kept[i] = withoutNulls(v)
		}
		return kept
	}
	return value
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
		switch same := sameParameter(op.Query[name], name, rawTheirs, rawOurs); {
		case same && jsonText(op.Query[name].Schema.Value): // spelt in another order
			continue
		case same && isList(op.Query[name]):
			kind = KindList
		case isList(op.Query[name]) && rawTheirs.Get(name) == "" && len(rawTheirs) < 2 && len(rawOurs) == 0:
			kind = KindEmptyList
		}
		list = append(list, Difference{kind, name, "sends " + show(rawTheirs), "sends " + show(rawOurs)})
	}
	if len(theirs)+len(ours) > 0 {
		list = append(list, Difference{KindQuery, "what the contract does not have", "sends " + show(theirs), "sends " + show(ours)})
	}
	return list, nil
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
