package generated

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// encode encodes a value without the escapes for HTML, which would count as six bytes each.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// encodeText is encode for a value whose text must be UTF-8: encoding/json would replace what is not by an escape.
func encodeText(value any) ([]byte, error) {
	raw, err := encode(value)
	if _, given := value.(json.RawMessage); err == nil && (!utf8.Valid(raw) || !given && bytes.Contains(raw, []byte(`\ufffd`))) {
		err = errors.New("it holds text that is not UTF-8")
	}
	return raw, err
}

// fit checks a value, and returns it as it is sent. It leaves values of a wrong type to the service. at names the field;
// it is empty for the body. Of a given text, nothing is made up.
func (f *Field) fit(raw json.RawMessage, at string, given bool) (json.RawMessage, error) {
	switch raw = bytes.TrimSpace(raw); {
	case f.JSON:
		text, err := jsonText(raw, f.MaxBytes)
		if err != nil {
			return nil, named(at, err)
		}
		return encode(text)
	case len(raw) == 0 || string(raw) == "null":
		if at == "" && !given && !f.Nullable && f.empty() != nil {
			return f.empty(), nil
		}
		return raw, nil
	case f.List && raw[0] == '[':
		return f.fitItems(raw, at, given)
	case !f.List && len(f.Fields) > 0 && raw[0] == '{':
		return f.fitFields(raw, at, given)
	case !f.List:
		return raw, named(at, f.limit(raw))
	}
	return raw, nil
}

// empty is what a nil list or map is sent as; nil: the value is neither.
func (f *Field) empty() json.RawMessage {
	switch {
	case f.List:
		return json.RawMessage("[]")
	case f.Type == "object" && len(f.Fields) == 0:
		return json.RawMessage("{}")
	}
	return nil
}

func (f *Field) fitItems(raw json.RawMessage, at string, given bool) (json.RawMessage, error) {
	if !f.limits() {
		return raw, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, err
	}
	if len(items) < f.MinItems || f.MaxItems > 0 && len(items) > f.MaxItems {
		return nil, named(at, fmt.Errorf("has %d items, and %s are allowed", len(items), span(f.MinItems, f.MaxItems)))
	}
	item := *f
	item.List = false
	for i := range items {
		var err error
		if items[i], err = item.fit(items[i], fmt.Sprintf("%s[%d]", at, i), given); err != nil {
			return nil, err
		}
	}
	return encode(items)
}

func (f *Field) fitFields(raw json.RawMessage, at string, given bool) (json.RawMessage, error) {
	if !f.limits() {
		return raw, nil
	}
	object := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	for i := range f.Fields {
		inner := &f.Fields[i]
		place := strings.TrimPrefix(at+"."+inner.Name, ".")
		value, found := object[inner.Name]
		switch {
		case inner.ReadOnly:
			delete(object, inner.Name)
			continue
		case found && (string(value) != "null" || inner.Nullable):
		case !inner.Required:
			continue
		case !given && inner.empty() != nil:
			value = inner.empty()
		default:
			return nil, named(place, errors.New("is not set"))
		}
		var err error
		if object[inner.Name], err = inner.fit(value, place, given); err != nil {
			return nil, err
		}
	}
	return encode(object)
}

// limits reports whether fit may change or refuse a value.
func (f *Field) limits() bool {
	return f.JSON || f.ReadOnly || f.Required || f.MinLength > 0 || f.MaxLength > 0 || f.MinItems > 0 || f.MaxItems > 0 || f.Minimum != "" || f.Maximum != "" ||
		slices.ContainsFunc(f.Fields, func(inner Field) bool { return inner.limits() })
}

// limit checks a string's length, or a number.
func (f *Field) limit(raw json.RawMessage) error {
	if text := ""; f.Type == "string" && json.Unmarshal(raw, &text) == nil {
		return f.limitText(text)
	}
	if f.Type == "integer" || f.Type == "number" {
		return f.limitNumber(string(raw))
	}
	return nil
}

func (f *Field) limitText(text string) error {
	n := utf8.RuneCountInString(text)
	switch {
	case n == 0 && f.MinLength > 0:
		return errors.New("is empty")
	case n < f.MinLength || f.MaxLength > 0 && n > f.MaxLength:
		return fmt.Errorf("has %d characters, and %s are allowed", n, span(f.MinLength, f.MaxLength))
	}
	return nil
}

func (f *Field) limitNumber(text string) error {
	if f.Minimum != "" && less(text, f.Minimum) {
		return fmt.Errorf("is %s, and at least %s is allowed", text, f.Minimum)
	}
	if f.Maximum != "" && less(f.Maximum, text) {
		return fmt.Errorf("is %s, and at most %s is allowed", text, f.Maximum)
	}
	return nil
}

// less compares numbers as JSON writes them, with all their digits; a text that is no number is never less.
func less(a, b string) bool {
	x, _, errX := big.ParseFloat(a, 10, 256, big.ToNearestEven)
	y, _, errY := big.ParseFloat(b, 10, 256, big.ToNearestEven)
	return errX == nil && errY == nil && x.Cmp(y) < 0
}

func span(least, most int) string {
	switch {
	case most == 0:
		return fmt.Sprintf("at least %d", least)
	case least == 0:
		return fmt.Sprintf("at most %d", most)
	default:
		return fmt.Sprintf("%d to %d", least, most)
	}
}

// named puts the field before what is wrong with it.
func named(at string, err error) error {
	switch {
	case err == nil:
		return nil
	case at == "":
		return fmt.Errorf("the body %w", err)
	default:
		return fmt.Errorf("the field %s of the body %w", strings.TrimPrefix(at, "."), err)
	}
}

// jsonText returns a value as the JSON that a string holds. A string is JSON already.
func jsonText(raw json.RawMessage, maxBytes int) (text string, err error) {
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	} else if !json.Valid([]byte(text)) {
		return "", errors.New("is a text that is not JSON")
	}
	if maxBytes > 0 && len(text) > maxBytes {
		return "", fmt.Errorf("is %d bytes of JSON, and at most %d are allowed", len(text), maxBytes)
	}
	return text, nil
}
