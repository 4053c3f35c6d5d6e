package text

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckHeader refuses values that a header cannot carry, such as a line break, which injects another header. The error
// does not repeat the value, which may be a secret.
func CheckHeader(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	for i := range len(s) {
		if s[i] <= ' ' && (s[i] != ' ' || i == 0 || i == len(s)-1) || s[i] >= 0x7f {
			return errors.New("it holds a character that a header cannot carry")
		}
	}
	return nil
}

// CheckCredential refuses values that cannot be a key, a secret or a token: the service would answer them with "wrong
// credentials". The error names the fault, not the value.
func CheckCredential(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8 text")
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	switch {
	case first == '\uFEFF':
		return errors.New("it begins with a byte-order mark (U+FEFF), as some editors write at the start of a file")
	case last == '\n' || last == '\r':
		return errors.New("it ends with a line break")
	case unicode.IsSpace(first):
		return fmt.Errorf("it begins with white space (%U)", first)
	case unicode.IsSpace(last):
		return fmt.Errorf("it ends with white space (%U)", last)
	case Quote(first) || Quote(last):
		return errors.New("it begins or ends with a quotation mark: leave the quotes out")
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || Invisible(r) }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Errorf("it holds white space or an invisible character (%U)", r)
	}
	return nil
}
