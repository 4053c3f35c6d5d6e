package generated

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encode encodes a value without the escapes for HTML, which would count as six bytes each. Text must be UTF-8:
// encoding/json would replace what is not by an escape.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	raw := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if _, given := value.(json.RawMessage); err == nil && (!utf8.Valid(raw) || !given && bytes.Contains(bytes.ReplaceAll(raw, []byte(`\\`), nil), []byte(`\ufffd`))) {
		err = errNotText
	}
	return raw, err
}

var errNotText = errors.New("it holds text that is not UTF-8")

// decode decodes JSON. In a value of type any, numbers keep their digits.
func decode[T any](raw []byte) (value T, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}

// fitBody checks a body, and returns it as it is sent.
func (f *Field) fitBody(raw []byte, given bool) ([]byte, error) {
	value, err := decode[any](raw)
	if _, is := value.(map[string]any); err == nil && !is && !f.List && slices.ContainsFunc(f.Fields, func(inner Field) bool { return inner.Required }) {
		err = errors.New("the body is no object, and has none of its required fields")
	}
	if err == nil {
		value, err = f.fit(value, "", given)
	}
	if err != nil {
		return nil, err
	}
	sent, err := encode(value)
	if odd := []byte("\ufffd"); err == nil && bytes.Contains(sent, odd) && !bytes.Contains(raw, odd) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) {
		err = errNotText // half a surrogate pair
	}
	return sent, err
}

// fit checks a value as decode returns it, and returns it as it is sent. It leaves values of a wrong type to the service. at
// names the field; it is empty for the body. Of a given text, nothing is made up.
func (f *Field) fit(value any, at string, given bool) (any, error) {
	if f.JSON && value != nil {
		text := texts(value, false)[0]
		return text, named(at, f.check(text))
	}
	switch v := value.(type) {
	case nil:
		switch {
		case given || f.Nullable:
		case f.List:
			return []any{}, nil
		case f.Type == "object" && len(f.Fields) == 0:
			return map[string]any{}, nil
		}
	case []any:
		if f.List {
			return v, f.fitItems(v, at, given)
		}
	case map[string]any:
		if !f.List {
			return v, f.fitFields(v, at, given)
		}
	case string:
		if f.Type == "string" && !f.List {
			return v, named(at, f.check(v))
		}
	case json.Number:
		if f.Type != "string" && !f.List {
			return v, named(at, f.check(v.String()))
		}
	}
	return value, nil
}

func (f *Field) fitItems(items []any, at string, given bool) (err error) {
	if len(items) < f.MinItems || f.MaxItems > 0 && len(items) > f.MaxItems {
		return named(at, fmt.Errorf("has %d items, and %s are allowed", len(items), span(f.MinItems, f.MaxItems)))
	}
	item := *f
	item.List, item.Nullable = false, true
	for i := range items {
		if items[i], err = item.fit(items[i], at+"["+strconv.Itoa(i)+"]", given); err != nil {
			return err
		}
	}
	return nil
}

func (f *Field) fitFields(object map[string]any, at string, given bool) (err error) {
	for i := range f.Fields {
		inner := &f.Fields[i]
		place := strings.TrimPrefix(at+"."+inner.Name, ".")
		value, found := object[inner.Name]
		switch {
		case inner.ReadOnly:
			delete(object, inner.Name)
			continue
		case value == nil && (!inner.Required || found && inner.Nullable):
			continue
		}
		if value, err = inner.fit(value, place, given); err != nil {
			return err
		}
		if value == nil {
			return named(place, errors.New("is not set"))
		}
		object[inner.Name] = value
	}
	return nil
}

// check holds the text of a value to the limits of the contract.
func (f *Field) check(text string) error {
	n := utf8.RuneCountInString(text)
	switch {
	case f.JSON && !json.Valid([]byte(text)):
		return errors.New("is a text that is not JSON")
	case f.JSON && f.MaxBytes > 0 && len(text) > f.MaxBytes:
		return fmt.Errorf("is %d bytes of JSON, and at most %d are allowed", len(text), f.MaxBytes)
	case f.JSON:
	case f.Type == "string" && n == 0 && f.MinLength > 0:
		return errors.New("is empty")
	case f.Type == "string" && (n < f.MinLength || f.MaxLength > 0 && n > f.MaxLength):
		return fmt.Errorf("has %d characters, and %s are allowed", n, span(f.MinLength, f.MaxLength))
	case f.Minimum != "" && less(text, f.Minimum):
		return fmt.Errorf("is %s, and at least %s is allowed", text, f.Minimum)
	case f.Maximum != "" && less(f.Maximum, text):
		return fmt.Errorf("is %s, and at most %s is allowed", text, f.Maximum)
	}
	return nil
}

// less compares numbers as JSON writes them, whole ones of 64 bits with all their digits; a text that is no number is never less.
func less(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if no := errors.Is(cmp.Or(errX, errY), strconv.ErrSyntax); no || x != y {
		return !no && x < y
	}
	n, errN := strconv.ParseInt(a, 10, 64)
	m, errM := strconv.ParseInt(b, 10, 64)
	return errN == nil && errM == nil && n < m
}

func span(least, most int) string {
	switch {
	case most == 0:
		return "at least " + strconv.Itoa(least)
	case least == 0:
		return "at most " + strconv.Itoa(most)
	}
	return strconv.Itoa(least) + " to " + strconv.Itoa(most)
}

// named puts the field of the body before what is wrong with it; at is empty for the body itself.
func named(at string, err error) error {
	switch {
	case err == nil:
		return nil
	case at == "":
		return fmt.Errorf("the body %w", err)
	}
	return fmt.Errorf("the field %s of the body %w", strings.TrimPrefix(at, "."), err)
}

// Nullable is an optional field that may be null: absent, which is its zero value, null, or a value.
type Nullable[T any] struct {
	value *T
	set   bool
}

// Null is the field as null.
func Null[T any]() Nullable[T] { return Nullable[T]{set: true} }

// Value is the field with a value.
func Value[T any](value T) Nullable[T] { return Nullable[T]{value: &value, set: true} }

// Get returns the value; ok is false if the field is absent or null.
func (n Nullable[T]) Get() (value T, ok bool) {
	if n.value == nil {
		return value, false
	}
	return *n.value, true
}

// IsNull reports whether the field is null, and not absent.
func (n Nullable[T]) IsNull() bool { return n.set && n.value == nil }

// IsZero reports whether the field is absent, for encoding/json's omitzero.
func (n Nullable[T]) IsZero() bool { return !n.set }

// MarshalJSON implements [json.Marshaler].
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.value) }

// UnmarshalJSON implements [json.Unmarshaler]. Whole numbers keep their digits.
func (n *Nullable[T]) UnmarshalJSON(raw []byte) (err error) {
	n.set = true
	n.value, err = decode[*T](raw)
	return err
}

// texts returns the text of a decoded value, or of a list's items.
func texts(value any, list bool) (all []string) {
	items, is := value.([]any)
	switch {
	case value == nil:
		return nil
	case !is || !list:
		items = []any{value}
	}
	for _, item := range items {
		text, is := item.(string)
		if !is {
			raw, _ := encode(item) // which was decoded
			text = string(raw)
		}
		all = append(all, text)
	}
	return all
}
