// Package data reads JSON into the emulator's exported structs. It refuses what they do not have, and says so in the words
// of JSON, not of Go.
//
// A field's tags bound it: min and max are of a number, or of a text's characters, also of the texts in a list or a map and of
// a map's keys; required says that a field must be there; a field of pointer type or with the tag nullable takes null; one with
// readOnly cannot be set.
package data

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Decode reads one JSON value into what into points to. If it is wrong, into stays as it is. Lists are replaced, and entries
// are added to maps.
func Decode(raw []byte, into any) error {
	var syntax *json.SyntaxError
	if err := json.Unmarshal(raw, new(json.RawMessage)); errors.As(err, &syntax) {
		return fmt.Errorf("this is not one JSON value: see byte %d", syntax.Offset)
	}
	if err := check(reflect.TypeOf(into).Elem(), bytes.TrimSpace(raw), "", ""); err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// Encode is the JSON of a value that holds nothing which JSON has not.
func Encode(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return raw
}

var (
	ownJSON = reflect.TypeFor[json.Unmarshaler]()
	ownText = reflect.TypeFor[encoding.TextUnmarshaler]()
	moment  = reflect.TypeFor[time.Time]()
)

// check compares a value with a type. at is its place, and tags are those of the field that it is in.
func check(t reflect.Type, raw json.RawMessage, at string, tags reflect.StructTag) error {
	pointer := reflect.PointerTo(t)
	switch {
	case string(raw) == "null":
		if t.Kind() == reflect.Pointer {
			return nil
		}
		return wrong(at, "null says nothing here")
	case t == moment:
		if json.Unmarshal(raw, new(time.Time)) != nil {
			return wrong(at, "this is not a time such as 2030-01-31T23:59:00Z")
		}
	case pointer.Implements(ownJSON):
		if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
			return wrong(at, "%s", err)
		}
	case pointer.Implements(ownText):
		if raw[0] != '"' {
			return wrong(at, "this is not a text")
		}
		if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
			return wrong(at, "%s", err)
		}
	case t.Kind() == reflect.Pointer:
		return check(t.Elem(), raw, at, tags)
	case t.Kind() == reflect.Struct:
		return checkFields(t, raw, at)
	case t.Kind() == reflect.Map:
		return checkEntries(t, raw, at, tags)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return wrong(at, "this is not a list")
		}
		for i, item := range items {
			if err := check(t.Elem(), item, fmt.Sprintf("%s[%d]", at, i), tags); err != nil {
				return err
			}
		}
	default:
		return checkValue(t, raw, at, tags)
	}
	return nil
}

func checkFields(t reflect.Type, raw json.RawMessage, at string) error {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return wrong(at, "this is not an object")
	}
	fields := map[string]reflect.StructField{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "-" && t.Field(i).Tag.Get("readOnly") == "" {
			fields[name] = t.Field(i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name].Tag.Get("required") != "" && given[name] == nil {
			return wrong(at, "%s is missing", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field, ok := fields[name]
		if !ok {
			return wrong(at, "there is no field %s: there are %s", strconv.Quote(name), strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		if err := check(field.Type, given[name], strings.TrimPrefix(at+"."+name, "."), field.Tag); err != nil {
			return err
		}
	}
	return nil
}

func checkEntries(t reflect.Type, raw json.RawMessage, at string, tags reflect.StructTag) error {
	var entries map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		return wrong(at, "this is not an object")
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if err := bounded(at, tags, utf8.RuneCountInString(key), "%q is not a name of %d to %d characters", key); err != nil {
			return err
		}
		if string(entries[key]) == "null" && tags.Get("nullable") != "" {
			continue
		}
		if err := check(t.Elem(), entries[key], at+"."+key, tags); err != nil {
			return err
		}
	}
	return nil
}

// words are what a value of a kind is called.
var words = map[reflect.Kind]string{
	reflect.String: "a text", reflect.Bool: "true or false", reflect.Slice: "base64", reflect.Int: "a whole number", reflect.Int32: "a whole number",
}

func checkValue(t reflect.Type, raw json.RawMessage, at string, tags reflect.StructTag) error {
	value := reflect.New(t)
	if json.Unmarshal(raw, value.Interface()) != nil {
		return wrong(at, "this is not %s", words[t.Kind()])
	}
	switch t.Kind() {
	case reflect.String:
		return bounded(at, tags, utf8.RuneCountInString(value.Elem().String()), "this is not a text of %d to %d characters")
	case reflect.Int:
		return bounded(at, tags, int(value.Elem().Int()), "this is not a number from %d to %d")
	}
	return nil
}

func bounded(at string, tags reflect.StructTag, n int, format string, args ...any) error {
	most, err := strconv.Atoi(tags.Get("max"))
	if least, _ := strconv.Atoi(tags.Get("min")); err == nil && (n < least || n > most) {
		return wrong(at, format, append(args, least, most)...)
	}
	return nil
}

func wrong(at, format string, args ...any) error {
	if at != "" {
		at += ": "
	}
	return errors.New(at + fmt.Sprintf(format, args...))
}

// Duration reads a time such as 50ms, of up to a year.
func Duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 365*24*time.Hour {
		return 0, fmt.Errorf("%q is not a time from 0s to 8760h, such as 50ms", text)
	}
	return d, nil
}
