package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// spelt returns where a spelling of secret that begins at text[at] ends; -1 if none does. Each character may be spelt as
// it is or in any way that a formatter escapes it, whatever the ones beside it are.
func spelt(text string, at int, secret string) (end int) {
	if secret == "" {
		return at
	}
	if at >= len(text) {
		return -1
	}
	r, size := utf8.DecodeRuneInString(secret)
	raw, rest := secret[:size], secret[size:]
	if again, escapes := doubled(r); escapes { // an escape character is escaped itself, once more by each text that quotes another
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

// doubled is what an escape character is written as where it stands for itself.
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

// escaped returns where an escape for r, whose bytes are raw, ends that begins at text[at]; -1 if there is none.
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

// backslashed knows \" \/ \n, \xHH for each byte, \uHHHH with surrogates and \UHHHHHHHH. The backslash itself may be
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

// unicodeEscape reads what follows the backslash at text[at-1], of a pair of surrogates both.
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

// percented knows the percent encoding of each byte, also where it was encoded twice.
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

// entities are the characters that HTML and XML escape by name.
var entities = [...]struct {
	name string
	is   rune
}{{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}}

// entity knows those, and characters by their number.
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
