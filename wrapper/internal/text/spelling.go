package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// spelt returns the end of a spelling of secret that begins at text[at], or -1. Each character may be plain or escaped
// in any formatter's way, independently of its neighbours.
func spelt(text string, at int, secret string) (end int) {
	if secret == "" {
		return at
	}
	if at >= len(text) {
		return -1
	}
	r, size := utf8.DecodeRuneInString(secret)
	raw, rest := secret[:size], secret[size:]
	if again, escapes := doubled(r); escapes { // each level of quoting escapes the escape character once more
		for plain, n := raw, 0; n < 4; plain, n = strings.ReplaceAll(plain, raw, again), n+1 {
			if strings.HasPrefix(text[at:], plain) {
				if end := spelt(text, at+len(plain), rest); end >= 0 {
					return end
				}
			}
		}
	} else if strings.HasPrefix(text[at:], raw) {
		return spelt(text, at+size, rest)
	}
	end = escaped(text, at, r, raw)
	if end < 0 {
		return -1
	}
	return spelt(text, end, rest)
}

// doubled returns an escape character's own escape.
func doubled(r rune) (again string, escapes bool) {
	switch r {
	case '\\':
		return `\\`, true
	case '%':
		return "%25", true
	case '&':
		return "&amp;", true
	}
	return "", false
}

// escaped returns the end of an escape of r (whose bytes are raw) that begins at text[at], or -1.
func escaped(text string, at int, r rune, raw string) (end int) {
	switch text[at] {
	case '\\':
		return backslashed(text, at, r, raw)
	case '%':
		return percented(text, at, raw)
	case '&':
		return entity(text, at, r)
	case '+':
		if r == ' ' {
			return at + 1
		}
	}
	return -1
}

// backslashed matches \" \/ \n, \xHH for each byte, \uHHHH with surrogates and \UHHHHHHHH. The backslash itself may be
// escaped any number of times, as in JSON within JSON.
func backslashed(text string, at int, r rune, raw string) (end int) {
	start := at
	for at < len(text) && text[at] == '\\' {
		at++
	}
	if at == len(text) {
		return -1
	}
	switch c := text[at]; {
	case c == 'u' || c == 'U':
		if value, end := unicodeEscape(text, at); end > 0 && value == r {
			return end
		}
	case c == 'x':
		prefix := text[start : at+1]
		at = start
		for i := range len(raw) {
			value, end := hex(text, at+len(prefix), 2)
			if !strings.HasPrefix(text[at:], prefix) || end < 0 || byte(value) != raw[i] {
				return -1
			}
			at = end
		}
		return at
	case c == 'n' && r == '\n', c == 'r' && r == '\r', c == 't' && r == '\t':
		return at + 1
	case rune(c) == r && r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r):
		return at + 1
	}
	return -1
}

// unicodeEscape decodes the escape after the backslash at text[at-1]; a surrogate pair is one character.
func unicodeEscape(text string, at int) (r rune, end int) {
	digits := 4
	if text[at] == 'U' {
		digits = 8
	}
	value, end := hex(text, at+1, digits)
	if end < 0 || value < 0xd800 || value >= 0xdc00 {
		return rune(value), end
	}
	next := end
	for next < len(text) && text[next] == '\\' {
		next++
	}
	if next == end || next == len(text) || text[next] != 'u' {
		return 0, -1
	}
	low, end := hex(text, next+1, 4)
	if end < 0 || low < 0xdc00 || low >= 0xe000 {
		return 0, -1
	}
	return rune(0x10000 + (value-0xd800)<<10 + (low - 0xdc00)), end
}

// percented matches the percent encoding of each byte, also encoded twice.
func percented(text string, at int, raw string) (end int) {
	for i := range len(raw) {
		if at >= len(text) || text[at] != '%' {
			return -1
		}
		value, end := hex(text, at+1, 2)
		if end > 0 && byte(value) != raw[i] && value == '%' {
			value, end = hex(text, end, 2)
		}
		if end < 0 || byte(value) != raw[i] {
			return -1
		}
		at = end
	}
	return at
}

// entities lists the characters with a named escape in HTML and XML.
var entities = [...]struct {
	name string
	is   rune
}{{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}}

// entity matches named and numeric character references.
func entity(text string, at int, r rune) (end int) {
	at++
	for _, e := range entities {
		if e.is == r && strings.HasPrefix(text[at:], e.name) {
			return at + len(e.name)
		}
	}
	if !strings.HasPrefix(text[at:], "#") {
		return -1
	}
	at++
	base := 10
	if at < len(text) && (text[at] == 'x' || text[at] == 'X') {
		at, base = at+1, 16
	}
	value := 0
	for ; at < len(text) && text[at] != ';'; at++ {
		d := hexDigit(text[at])
		if d < 0 || d >= base || value > unicode.MaxRune {
			return -1
		}
		value = value*base + d
	}
	if at == len(text) || rune(value) != r {
		return -1
	}
	return at + 1
}

func hex(text string, at, digits int) (value, end int) {
	if at+digits > len(text) {
		return 0, -1
	}
	for _, c := range []byte(text[at : at+digits]) {
		d := hexDigit(c)
		if d < 0 {
			return 0, -1
		}
		value = value<<4 + d
	}
	return value, at + digits
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
