package dingtalk

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// object is the text of a JSON object, or empty. It is the one reader of fields that no type declares: it decodes nothing
// that nobody asks for, whatever a body holds.
type object string

// objectOf returns a body that is an object; any other is empty.
func objectOf(body []byte) object {
	if body = bytes.TrimSpace(body); !bytes.HasPrefix(body, []byte("{")) || !json.Valid(body) {
		return ""
	}
	return object(body)
}

// fields yields the fields as they stand there.
func (o object) fields(yield func(name, value string) bool) {
	rest, ok := strings.CutPrefix(string(o), "{")
	for ok {
		var name, value string
		name, rest = split(rest)
		value, rest = split(rest)
		ok = name != "" && yield(scalar(name), value)
	}
}

// split splits valid JSON after its first value.
func split(s string) (value, rest string) {
	s = strings.TrimLeft(s, " \t\r\n,:}")
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case depth == 0 && strings.IndexByte(" \t\r\n,:}]", c) >= 0:
			return s[:i], s[i:]
		case c == '}' || c == ']':
			depth--
		}
	}
	return s, ""
}

// field returns a field as it stands there, or nothing if it is absent or null. Names match as in encoding/json. A field of
// an object is object.field.
func (o object) field(name string) (value string) {
	if name == "" {
		return ""
	}
	exact := false
	for other, found := range o.fields {
		if other == name || !exact && strings.EqualFold(other, name) {
			value, exact = found, exact || other == name
		}
	}
	if outer, inner, nested := strings.Cut(name, "."); nested && value == "" {
		return object(o.field(outer)).field(inner)
	}
	if value == "null" {
		return ""
	}
	return value
}

// scalar returns the text of a JSON string, or of any other scalar; it is empty for null, an object and a list.
func scalar(raw string) string {
	switch {
	case raw == "" || raw == "null" || raw[0] == '{' || raw[0] == '[':
		return ""
	case raw[0] != '"':
		return raw
	}
	if inner := raw[1 : len(raw)-1]; strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
		return inner
	}
	var text string // on the heap, so only here
	_ = json.Unmarshal([]byte(raw), &text)
	return text
}

// decodeJSON decodes a whole text, and keeps every digit of a number in a value of type any.
func decodeJSON(body []byte, value any) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	return json.Valid(body) && decoder.Decode(value) == nil
}
