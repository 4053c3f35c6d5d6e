package text

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Scalar is a JSON string, or the text of any other JSON scalar: an error whose code is a number keeps its code.
type Scalar string

// UnmarshalJSON never fails for valid JSON.
func (t *Scalar) UnmarshalJSON(raw []byte) error {
	if inner := raw[1:max(len(raw)-1, 1)]; raw[0] == '"' && utf8.Valid(inner) && bytes.IndexByte(inner, '\\') < 0 {
		*t = Scalar(inner) // raw is valid JSON already
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil && raw[0] != '{' && raw[0] != '[' {
		s = string(raw)
	}
	*t = Scalar(s)
	return nil
}
