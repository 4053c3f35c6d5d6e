package generated

import (
	"bytes"
	"encoding/json"
)

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
func (n *Nullable[T]) UnmarshalJSON(raw []byte) error {
	n.set = true
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(&n.value)
}
