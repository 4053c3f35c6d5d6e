// Package text makes foreign text fit to show: cut, escaped, without secrets. It also says what a header can carry, and
// what a credential cannot be.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Cut shortens s to at most n bytes, at a character's start.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// Escape makes s safe for a terminal and for one line of a log.
func Escape(s string) string {
	return strings.Map(func(r rune) rune {
		if ' ' <= r && r < utf8.RuneSelf-1 || unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, s)
}

// Show is foreign text as an error may hold it: without the secrets, at most n bytes, safe to print.
func (s Secrets) Show(text string, n int) string { return Escape(Cut(s.Hide(text), n)) }

// Invisible reports whether r shows nothing: control and format characters such as a byte-order mark, a zero-width space
// or a direction mark.
func Invisible(r rune) bool {
	if ' ' <= r && r < utf8.RuneSelf-1 { // most are, and the tables take their time
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
