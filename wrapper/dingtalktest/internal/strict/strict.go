// Package strict reads JSON that says what is meant and nothing else.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// MaxText is how many characters an id, a key or a name may have.
const MaxText = 1000

// ErrNull says that there is a null where it means nothing.
var ErrNull = errors.New("null says nothing")

// Decode reads one JSON value and nothing after it, and refuses fields that into does not have.
func Decode(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the JSON value")
	}
	return nil
}

// HasNull reports whether there is a null anywhere in a JSON value, which encoding/json would read as an empty text.
func HasNull(raw []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if token == nil {
			return true
		}
	}
}

// IsText reports whether a text has 1 to [MaxText] characters.
func IsText(text string) bool { return text != "" && utf8.RuneCountInString(text) <= MaxText }

// Duration reads a time such as 50ms.
func Duration(text string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("%q is not a time from %s to %s, such as 50ms", text, least, most)
	}
	return d, nil
}
