package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// readFirst looks at the first object, which decides what the fields are called.
func (r *Reader) readFirst() error {
	rec, err := r.record()
	if err != nil {
		return err
	}
	rec.Raw = bytes.Clone(rec.Raw)
	r.first = &rec
	fields, err := object(rec)
	if err != nil && r.o.ID != "" {
		r.found.Name = r.o.ID
		return nil // it is told when the row is read
	}
	if err != nil {
		return err
	}
	for name := range fields {
		r.names = append(r.names, name)
	}
	slices.Sort(r.names)
	if r.found.Name = r.o.ID; r.o.ID != "" {
		return nil
	}
	for _, name := range r.names {
		switch {
		case !slices.Contains(usualNames, name):
		case r.found.Name != "":
			return settled(PartField, rec.Line, "both %s and %s may hold the chat ids; name one", r.found.Name, name)
		default:
			r.found.Name = name
		}
	}
	if r.found.Name == "" {
		return settled(PartField, rec.Line, "which field holds the chat ids? there are: %s", strings.Join(r.names, ", "))
	}
	return nil
}

// field is the text of the field that holds the chat id.
func (r *Reader) field(rec record) (id, problem string, err error) {
	fields, err := object(rec)
	if err != nil {
		return "", "", err
	}
	for _, name := range appendedFields {
		if _, has := fields[name]; has {
			return "", "", broken(rec.Line, "it has a field %s already; rename or remove it", name)
		}
	}
	raw, has := lookUp(fields, r.found.Name)
	r.hasField = r.hasField || has || rec.TooLong // it may have been left out
	if !has {
		return "", "there is no field " + r.found.Name, nil
	}
	var value any
	_ = json.Unmarshal(raw, &value) // it has been parsed before
	id, is := value.(string)
	if !is {
		return "", "the field " + r.found.Name + " is no string", nil
	}
	return id, "", nil
}

// lookUp finds a field by its name, or by a path of names like a.b.
func lookUp(fields map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	if raw, has := fields[path]; has {
		return raw, true
	}
	for at := range len(path) {
		if path[at] != '.' {
			continue
		}
		var inner map[string]json.RawMessage
		if raw, has := fields[path[:at]]; has && json.Unmarshal(raw, &inner) == nil {
			if found, has := lookUp(inner, path[at+1:]); has {
				return found, true
			}
		}
	}
	return nil, false
}

func object(rec record) (fields map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(rec.Raw, &fields); err != nil || fields == nil {
		return nil, broken(rec.Line, "it is no JSON object%s", jsonWhy(err))
	}
	return fields, nil
}

// jsonWhy says in words of this package what is wrong with a JSON text.
func jsonWhy(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ": it ends too early"
	case errors.As(err, &kind):
		return " but " + map[string]string{"array": "an array", "string": "a string", "number": "a number", "bool": "true or false"}[kind.Value]
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return ": it ends too early"
	case errors.As(err, &syntax):
		return fmt.Sprintf(": it goes wrong at byte %d", syntax.Offset)
	default:
		return " but null"
	}
}
