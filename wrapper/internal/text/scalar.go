package text

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Scalar takes a JSON string, or the text of any other scalar: an error whose code is a number is still that error.
type Scalar string

// UnmarshalJSON never fails for valid JSON.
func (t *Scalar) UnmarshalJSON(raw []byte) error {
	if inner := raw[1:max(len(raw)-1, 1)]; raw[0] == '"' && utf8.Valid(inner) && bytes.IndexByte(inner, '\\') < 0 {
		*t = Scalar(inner) // raw is valid JSON, so nothing in it is left to decode
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil && raw[0] != '{' && raw[0] != '[' {
		s = string(raw)
	}
	*t = Scalar(s)
	return nil
}
