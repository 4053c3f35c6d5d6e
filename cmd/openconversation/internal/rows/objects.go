package rows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// objects is the fields of rows that are objects.
type objects struct {
	name  string   // of the field that holds the chat ids, or its path
	names []string // of the first row
	has   bool     // a row had the field
	adds  appended
}

// readFirst looks at the first object, which decides what the field is called. id is as Options.ID has it.
func (o *objects) readFirst(rec record, id string) error {
	fields, err := object(rec)
	if err != nil && id != "" {
		o.name = id
		return nil // it is told when the row is read
	}
	if err != nil {
		return err
	}
	for name := range fields {
		o.names = append(o.names, name)
	}
	slices.Sort(o.names)
	if o.name = id; id != "" {
		return nil
	}
	for _, name := range o.names {
		switch {
		case !slices.Contains(usualNames, name):
		case o.name != "":
			return settled(PartField, rec.Line, "both %s and %s may hold the chat ids; name one", o.name, name)
		default:
			o.name = name
		}
	}
	if o.name == "" {
		return settled(PartField, rec.Line, "which field holds the chat ids? there are: %s", strings.Join(o.names, ", "))
	}
	return nil
}

// field is the text of the field that holds the chat id.
func (o *objects) field(rec record) (id, problem string, err error) {
	fields, err := object(rec)
	if err != nil {
		return "", "", err
	}
	for _, name := range o.adds.fields {
		if _, has := fields[name]; has {
			return "", "", broken(rec.Line, "it has a field %s already; rename or remove it", name)
		}
	}
	raw, has := lookUp(fields, o.name)
	o.has = o.has || has || rec.TooLong // it may have been left out
	if !has {
		return "", "there is no field " + o.name, nil
	}
	var value any
	_ = json.Unmarshal(raw, &value) // it has been parsed before
	id, is := value.(string)
	if !is {
		return "", "the field " + o.name + " is no string", nil
	}
	return id, "", nil
}

// ended is the error after the last row.
func (o *objects) ended(rows int) error {
	if rows > 0 && !o.has {
		return settled(PartField, 0, "no row has a field %s; the first row has: %s", o.name, strings.Join(o.names, ", "))
	}
	return io.EOF
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
