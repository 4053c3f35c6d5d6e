package dingtalk

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
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
	if _, reads := in.(io.Reader); !encodes && (reads || isSealed(reflect.TypeOf(in))) {
		return fmt.Errorf("the body is a %T, which JSON does not hold: give its content as a json.RawMessage", in)
	}
	if raw, err := json.Marshal(in); err == nil && !bytes.HasPrefix(raw, []byte("{")) && !bytes.HasPrefix(raw, []byte("[")) {
		return fmt.Errorf("the body is a %T that becomes neither an object nor a list: give text as a json.RawMessage, and nil for no body", in)
	}
	return nil
}

// checkOut refuses values that no answer can be decoded into. It is nil if the answer is not wanted.
func checkOut(out any) error {
	if out == nil {
		return nil
	}
	v := reflect.ValueOf(out)
	switch {
	case v.Kind() != reflect.Pointer:
		return fmt.Errorf("the answer cannot be decoded into a %T: give a pointer", out)
	case v.IsNil():
		return fmt.Errorf("the answer cannot be decoded into a %T that is nil", out)
	case v.Elem().Kind() == reflect.Interface && v.Elem().Elem().Kind() == reflect.Pointer && !v.Elem().Elem().IsNil():
		return checkOut(v.Elem().Elem().Interface())
	}
	return checkType(v.Type().Elem())
}

var (
	decoders     = reflect.TypeFor[json.Unmarshaler]()
	textDecoders = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// checkType refuses types that JSON cannot be decoded into.
func checkType(t reflect.Type) error {
	bad := false
	switch p := reflect.PointerTo(t); {
	case p.Implements(decoders), p.Implements(textDecoders):
		return nil
	case t.Kind() == reflect.Pointer && t.Elem().Kind() != reflect.Pointer:
		return checkType(t.Elem())
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		bad = true
	case reflect.Interface:
		bad = t.NumMethod() > 0
	case reflect.Slice, reflect.Array:
		bad = t.Elem().Kind() == reflect.Uint8
	case reflect.Map:
		key := t.Key().Kind()
		bad = key != reflect.String && (key < reflect.Int || key > reflect.Uintptr) && !reflect.PointerTo(t.Key()).Implements(textDecoders)
	case reflect.Struct:
		bad = isSealed(t)
	}
	if bad {
		return fmt.Errorf("the answer cannot be decoded into a %s: use a struct, or json.RawMessage for its JSON", t)
	}
	return nil
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
