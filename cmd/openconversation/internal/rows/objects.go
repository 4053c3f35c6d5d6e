package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// objects describes rows that are objects.
type objects struct {
	name  string   // name or path of the field of chat ids
	names []string // of the first row
	has   bool     // some row had the field
	adds  int
}

// readFirst reads the first object, which decides the field's name. id is Options.ID.
func (o *objects) readFirst(rec record, id string) error {
	fields, err := object(rec)
	if err != nil && id != "" {
		o.name = id
		return nil // Read reports it with the row
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
	at, err := header{line: rec.Line, names: o.names}.pick("")
	var two *Error
	switch {
	case errors.As(err, &two):
		two.Part = PartField
		return two
	case at < 0:
		return settled(PartField, rec.Line, "which field holds the chat ids? there are: %s", strings.Join(o.names, ", "))
	}
	o.name = o.names[at]
	return nil
}

// cut cuts the fields with results off an object. details reports whether they describe a group.
func (o *objects) cut(raw []byte) (own []byte, r Result, details bool) {
	if !bytes.Contains(raw, []byte(`"`+resultFields[0]+`"`)) {
		return raw, r, false
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	if _, err := in.Token(); err != nil {
		return raw, r, false
	}
	end, begins := in.InputOffset(), int64(-1)
	var values [6]string
	for in.More() {
		name, err := in.Token()
		var value json.RawMessage
		if err != nil || in.Decode(&value) != nil {
			return raw, Result{}, false // Read says what is wrong with it
		}
		key, _ := name.(string)
		at := slices.Index(resultFields, key)
		switch {
		case at == 0:
			begins, values = end, [6]string{}
		case at < 0:
			begins = -1
		}
		if begins >= 0 {
			_ = json.Unmarshal(value, &values[at]) // what is no text is no result
			details = details || at >= 3
		}
		end = in.InputOffset()
	}
	if begins < 0 {
		return raw, r, false
	}
	own = append(bytes.Clone(raw[:begins]), '}')
	return own, Result{values[0], values[1], values[2], values[3], values[4], values[5]}, details
}

// field returns the text of the chat id's field.
func (o *objects) field(rec record) (id string, problem lang.Text, err error) {
	fields, err := object(rec)
	if err != nil {
		return "", problem, err
	}
	for _, name := range resultFields[:o.adds] {
		if _, has := fields[name]; has {
			return "", problem, broken(rec.Line, "it has a field %s already; rename or remove it", name)
		}
	}
	raw, has := lookUp(fields, o.name)
	o.has = o.has || has
	if !has {
		return "", lang.T("there is no field %s", o.name), nil
	}
	var value any
	_ = json.Unmarshal(raw, &value) // it was parsed before
	id, is := value.(string)
	if !is {
		return "", lang.T("the field %s is no string", o.name), nil
	}
	return id, problem, nil
}

// ended returns the error after the last row.
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
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(rec.Raw, &fields); {
	case errors.As(err, &syntax):
		return nil, broken(rec.Line, "it is no JSON object: it goes wrong at byte %d", syntax.Offset)
	case err != nil, fields == nil:
		return nil, broken(rec.Line, "it is no JSON object but another value, such as an array or null")
	}
	return fields, nil
}
