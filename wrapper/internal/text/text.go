// Package text makes foreign text safe to print: cut, escaped, without secrets. It also checks values for headers and credentials.
package text

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxError is the longest text of an error that is shown, in bytes.
const MaxError = 4 << 10

const ellipsis = "…"

// Cut shortens s to at most n bytes, between characters.
func Cut(s string, n int) string {
	if end := cutAt(s, n); end < len(s) {
		return s[:end] + ellipsis
	}
	return s
}

// cutAt returns where Cut cuts s.
func cutAt(s string, n int) int {
	n = min(n, len(s))
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// Escape makes s safe for a terminal and for one line of a log file.
func Escape(s string) string {
	return strings.Map(func(r rune) rune {
		if ' ' <= r && r < utf8.RuneSelf-1 || strconv.IsPrint(r) {
			return r
		}
		return '·'
	}, s)
}

// Invisible reports whether r is invisible: control and format characters such as a byte-order mark, a zero-width space
// or a direction mark.
func Invisible(r rune) bool {
	if ' ' <= r && r < utf8.RuneSelf-1 { // fast path: the tables are slow
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// Quote reports whether r is a quotation mark of any script.
func Quote(r rune) bool {
	switch r {
	case '"', '\'', '`', '「', '」', '『', '』', '＂', '＇', '´':
		return true
	}
	return unicode.Is(unicode.Pi, r) || unicode.Is(unicode.Pf, r) || r == '„' || r == '‚'
}

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

// MaxWait caps what Seconds returns: no arithmetic on it overflows.
const MaxWait = 24 * time.Hour

// Seconds parses a number of seconds; ok is false if it is none.
func Seconds(s string) (d time.Duration, ok bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n != n {
		return 0, false
	}
	return time.Duration(min(max(n, 0), MaxWait.Seconds()) * float64(time.Second)), true
}

// Timeout reports whether an error is, or wraps, a time-out.
func Timeout(err error) bool {
	return walk(err, func(err error) bool {
		t, is := err.(interface{ Timeout() bool })
		return is && t.Timeout()
	})
}

// Find finds an error of type T in err's tree. errors.As uses reflection, which costs time on every failure, and adds
// 20 KB to an app without other use for it.
//
//go:noinline // a copy, with a closure, stood in each caller
func Find[T error](err error) (found T, ok bool) {
	walk(err, func(err error) bool {
		found, ok = err.(T) //nolint:errorlint // walk unwraps
		return ok
	})
	return found, ok
}

// walk looks for an error in err's tree.
func walk(err error, is func(error) bool) bool {
	if err == nil || is(err) {
		return err != nil
	}
	switch wrapper := err.(type) { //nolint:errorlint // it unwraps
	case interface{ Unwrap() error }:
		return walk(wrapper.Unwrap(), is)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(wrapper.Unwrap(), func(err error) bool { return walk(err, is) })
	}
	return false
}
