// Package text makes foreign text safe to print: cut, escaped, without secrets. It also checks values for headers and
// credentials.
package text

import (
	"strings"
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
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// Escape makes s safe for a terminal and for one line of a log file.
func Escape(s string) string {
	return strings.Map(func(r rune) rune {
		if ' ' <= r && r < utf8.RuneSelf-1 || unicode.IsPrint(r) {
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
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
		r == '\u115F' || r == '\u1160' || r == '\u3164' || r == '\uFFA0' || // Hangul fillers
		unicode.Is(unicode.Variation_Selector, r)
}

// Quote reports whether r is a quotation mark of any script.
func Quote(r rune) bool {
	switch r {
	case '"', '\'', '`', '「', '」', '『', '』', '＂', '＇', '´':
		return true
	}
	return unicode.Is(unicode.Pi, r) || unicode.Is(unicode.Pf, r) || r == '„' || r == '‚'
}
