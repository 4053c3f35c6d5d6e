package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// nextObject is Next for rows that are objects.
func (o *Old) nextObject(row Row) (Result, error) {
	var rec record
	var err error
	for err == nil && len(bytes.TrimSpace(rec.Raw)) == 0 {
		rec, err = o.object()
	}
	if err != nil {
		return Result{}, err
	}
	input := map[string]any{}
	raw := append(bytes.TrimSuffix(objectStart(row.raw), []byte(",")), '}')
	if o.in.o.Format == JSONLines { // of which the end was taken off
		raw = append(bytes.TrimSuffix(bytes.Clone(row.raw), []byte(",")), '}')
	}
	if err := decodeObject(raw, &input); err != nil {
		return Result{}, notObject(row.Line, err)
	}
	result, err := o.objectResult(rec.Raw, rec.Line, input, row.Line)
	if other := o.otherwise(string(rec.Raw)); err != nil && other != nil {
		if again, wrong := o.objectResult([]byte(other[0]), rec.Line, input, row.Line); wrong == nil {
			return again, nil
		}
	}
	return result, err
}

// objectResult is the result in an old object, whose other fields are those of the input's object.
func (o *Old) objectResult(raw []byte, line int, input map[string]any, inputLine int) (Result, error) {
	old := map[string]any{}
	if err := decodeObject(raw, &old); err != nil {
		return Result{}, notObject(line, err)
	}
	values := make([]string, len(o.in.adds.fields))
	for i, name := range o.in.adds.fields {
		text, is := old[name].(string)
		if !is {
			return Result{}, broken(line, "it has no field %s", name)
		}
		values[i] = text
		delete(old, name)
	}
	for _, name := range slices.Sorted(mapKeys(old, input)) {
		if !reflect.DeepEqual(old[name], input[name]) {
			return Result{}, broken(line, "it is of another row than the input's line %d: field %s is %.60s, and the input has %.60s", inputLine, name, fmt.Sprint(old[name]), fmt.Sprint(input[name]))
		}
	}
	return o.in.adds.result(values), nil
}

func decodeObject(raw []byte, into *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

func mapKeys(maps ...map[string]any) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, m := range maps {
			for name := range m {
				if !yield(name) {
					return
				}
			}
		}
	}
}
