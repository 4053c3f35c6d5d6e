package dingtalk

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// checkMethod refuses methods that no operation has: net/http would send some of them, and refuse others as late as an
// outage.
func checkMethod(method string) error {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return nil
	}
	return fmt.Errorf("its method is %q: give one such as GET or POST, in capitals", method)
}

// checkIn refuses values whose JSON is not what their owner means: a reader becomes {}, bytes become base64, and a nil
// pointer becomes null.
func checkIn(in any) error {
	if in == nil {
		return nil
	}
	_, encodes := in.(json.Marshaler)
	_, reads := in.(io.Reader)
	raw, err := json.Marshal(in)
	if !encodes && (reads || isSealed(reflect.TypeOf(in))) || err == nil && !strings.HasPrefix(string(raw), "{") && !strings.HasPrefix(string(raw), "[") {
		return fmt.Errorf("the body is a %T, which becomes neither an object nor a list: give its JSON as a json.RawMessage, and nil for no body", in)
	}
	return nil
}

// checkOut refuses values that no answer can be decoded into. It is nil if the answer is not wanted.
func checkOut(out any) error {
	v := reflect.ValueOf(out)
	for v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Interface && v.Elem().Elem().Kind() == reflect.Pointer && !v.Elem().Elem().IsNil() {
		v = v.Elem().Elem() // as encoding/json does
	}
	switch {
	case out == nil:
		return nil
	case v.Kind() != reflect.Pointer || v.IsNil():
		return fmt.Errorf("the answer cannot be decoded into a %T: give a pointer that is not nil", out)
	}
	return checkType(v.Type().Elem())
}

// checkType refuses types that JSON cannot be decoded into.
func checkType(t reflect.Type) (err error) {
	for ; ; t = t.Elem() {
		p := reflect.PointerTo(t)
		if p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			break
		}
	}
	// encoding/json refuses an empty value of a wrong kind, but takes text for bytes, and nothing for hidden fields.
	zero, bytes := reflect.New(t).Interface(), (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
	for _, sample := range []string{"{}", "[]", "0", `""`, "true"} {
		if json.Unmarshal([]byte(sample), zero) == nil && !bytes && !isSealed(t) {
			return nil
		}
	}
	return fmt.Errorf("the answer cannot be decoded into a %s: use a struct, or json.RawMessage for its JSON", t)
}

// isSealed reports whether a type is a struct, or a pointer to one, whose fields JSON does not see.
func isSealed(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() || f.Anonymous {
			return false
		}
	}
	return true
}
