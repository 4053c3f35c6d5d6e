package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes are the bytes that begin an escape.
const escapes = `\%&+`

// undo undoes one layer of escapes, in one pass. from tells where each byte comes from, and the length of s at its end.
func undo(s string) (undone string, from []int) {
	out := make([]byte, 0, len(s))
	from = make([]int, 0, len(s)+1)
	for at := 0; at < len(s); {
		r, raw, size := unescape(s[at:])
		if raw {
			out = append(out, byte(r))
		} else {
			out = utf8.AppendRune(out, r)
		}
		for len(from) < len(out) {
			from = append(from, at)
		}
		at += size
	}
	return string(out), append(from, len(s))
}

// unescape decodes the escape at the start of s, of size bytes, or else its first byte. raw: the result is one byte.
func unescape(s string) (r rune, raw bool, size int) {
	switch s[0] {
	case '+':
		return ' ', true, 1
	case '%':
		if n, ok := number(s, 1, 3, 16); ok {
			return n, true, 3
		}
	case '&':
		if i := strings.IndexByte(s[:min(len(s), len("&#x10ffff;"))], ';'); i > 0 {
			if n, ok := entity(s[1:i]); ok {
				return n, false, i + 1
			}
		}
	case '\\':
		if len(s) == 1 {
			break
		}
		if n, character, rest, err := strconv.UnquoteChar(s[:min(len(s), len(`\U0010ffff`))], 0); err == nil { // as Go and C
			return n, !character, min(len(s), len(`\U0010ffff`)) - len(rest)
		}
		high, isHigh := number(s, 2, 6, 16)
		low, isLow := number(s, 8, 12, 16)
		if isHigh && isLow && s[1] == 'u' && s[6:8] == `\u` { // a character beyond U+FFFF in JSON
			return utf16.DecodeRune(high, low), false, 12
		}
		if c := rune(s[1]); c < utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsDigit(c) { // such as \/
			return c, true, 2
		}
	}
	return rune(s[0]), true, 1
}

// entity decodes the name of a character reference in HTML or XML.
func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, numeric := strings.CutPrefix(strings.ToLower(name), "#")
	if hex, is := strings.CutPrefix(digits, "x"); is {
		n, ok := number(hex, 0, len(hex), 16)
		return n, ok && numeric
	}
	n, ok := number(digits, 0, len(digits), 10)
	return n, ok && numeric
}

// number parses the digits s[from:to].
func number(s string, from, to, base int) (n rune, ok bool) {
	if to > len(s) || from >= to {
		return 0, false
	}
	for _, c := range []byte(s[from:to]) {
		digit := strings.IndexByte("0123456789abcdef"[:base], c|('a'-'A')) // ParseUint would allocate an error
		if n = n*rune(base) + rune(digit); digit < 0 || n > utf8.MaxRune {
			return 0, false
		}
	}
	return n, true
}
