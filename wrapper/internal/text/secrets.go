package text

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Redacted replaces a secret.
const Redacted = "REDACTED"

const (
	// wholeWord is the length below which a secret is hidden only as a whole word: "test" must not be cut out of a host
	// name. Real secrets are far longer.
	wholeWord = 8
	// layers is how many escapes within each other are undone, as of JSON in JSON in a URL.
	layers = 4
	// perByte is how many bytes of text the escape of one byte of a secret may take, such as "\\\\u003c".
	perByte = 12
	// maxAuthority is how far beyond the text shown the end of a URL's user and password is looked for.
	maxAuthority = 256
)

// Secrets are texts that no output may repeat even if a server does. Empty ones are ignored.
type Secrets []string

// Show returns foreign text for an error or a log: at most its first n bytes, escaped, without the secrets, and without
// the users and passwords of URLs. Each character of a secret may be plain or escaped as in JSON, Go, HTML or a URL, up
// to four times over. n is at most [MaxError]; the work grows with n and the secrets, not with the text.
func (s Secrets) Show(text string, n int) string {
	shown, _ := s.hide(text, n)
	return Escape(shown)
}

// hide is Show without escaping. changed reports whether anything was left out.
func (s Secrets) hide(text string, n int) (shown string, changed bool) {
	end := cutAt(text, n)
	window := text
	if end < len(text) { // what begins in the text shown may end behind it
		longest := 0
		for _, secret := range s {
			longest = max(longest, len(secret))
		}
		window = text[:min(len(text), end+maxAuthority+perByte*min(longest, n))]
	}
	m := marks{limit: max(n, wholeWord), size: len(window), cut: len(window) < len(text)}
	m.search(window, s)
	if m.hidden == nil {
		return Cut(text, n), end < len(text)
	}
	var out strings.Builder
	for i := range end {
		if !m.hidden[i] {
			out.WriteByte(text[i])
		} else if i == 0 || !m.hidden[i-1] {
			out.WriteString(Redacted)
		}
	}
	if end < len(text) {
		out.WriteString(ellipsis)
	}
	return out.String(), true
}

// HideError returns an error with the text of err, at most [MaxError] bytes without secrets, under every verb of fmt:
// a transport's error may hold the request. For [errors.Is] it matches as err does. It wraps err unless its text repeats a
// secret, as a malformed answer may.
func (s Secrets) HideError(err error) error {
	if err == nil {
		return nil
	}
	shown, changed := s.hide(err.Error(), MaxError)
	return &hiddenError{text: shown, odd: changed, err: func() error { return err }}
}

// hiddenError holds an error in a function: no formatter looks into one.
type hiddenError struct {
	text string
	odd  bool // the text of err holds a secret
	err  func() error
}

func (h *hiddenError) Error() string { return h.text }

// Format writes the text for every verb of fmt.
func (h *hiddenError) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, h.text) }

// Unwrap returns an error whose text holds no secret.
func (h *hiddenError) Unwrap() error {
	if h.odd {
		return nil
	}
	return h.err()
}

// Is lets errors.Is find what Unwrap does not return.
func (h *hiddenError) Is(target error) bool { return h.odd && errors.Is(h.err(), target) }

// Timeout reports whether the error is a time-out.
func (h *hiddenError) Timeout() bool { return Timeout(h.err()) }

// marks records which bytes of a text are hidden. It looks at the text with ever more escapes undone.
type marks struct {
	size   int    // of the text
	limit  int    // so much of a secret is compared: no more is shown
	cut    bool   // the text goes on
	hidden []bool // by byte of the text; nil: none is
	layer  string // the text with escapes undone
	from   []int  // where each byte of layer comes from, and the length of the text; nil: layer is the text
}

func (m *marks) search(text string, secrets Secrets) {
	m.layer = text
	// A secret may hold what looks like an escape: with that undone, too, it is another form.
	forms := secrets
	for depth := 0; ; depth++ {
		for _, form := range forms {
			m.find(form)
		}
		m.userinfo()
		if depth == layers || len(secrets) == 0 || !strings.ContainsAny(m.layer, escapes) {
			return
		}
		undone, from := undo(m.layer)
		for i, at := range from {
			if m.from != nil {
				from[i] = m.from[at]
			}
		}
		m.layer, m.from = undone, from
		for _, form := range forms[max(0, len(forms)-len(secrets)):] {
			undone, _ := undo(form)
			forms = append(forms[:len(forms):len(forms)], undone)
		}
	}
}

// find hides every place of a secret. A short one is hidden as a whole word of the text itself. Of a text that goes on,
// the end may be the beginning of a secret.
func (m *marks) find(secret string) {
	secret = secret[:min(len(secret), m.limit)]
	short := len(secret) < wholeWord
	if secret == "" || short && m.from != nil {
		return
	}
	for at, done := 0, 0; ; at++ {
		i := strings.Index(m.layer[at:], secret)
		if i < 0 {
			break
		}
		at += i
		if end := at + len(secret); !short || !inWord(m.layer, at, end) {
			m.hide(max(at, done), end)
			done = end
		}
	}
	for n := len(secret) - 1; m.cut && n >= wholeWord; n-- {
		if strings.HasSuffix(m.layer, secret[:n]) {
			m.hide(len(m.layer)-n, len(m.layer))
			return
		}
	}
}

// hide hides what became the layer's bytes from begin to end.
func (m *marks) hide(begin, end int) {
	if m.hidden == nil {
		m.hidden = make([]bool, m.size)
	}
	if m.from != nil {
		for end < len(m.layer) && m.from[end] == m.from[end-1] { // one escape may stand for several bytes
			end++
		}
		begin, end = m.from[begin], m.from[end]
	}
	for i := begin; i < end; i++ {
		m.hidden[i] = true
	}
}

// inWord reports whether text[at:end] is part of a longer word, such as a host name.
func inWord(text string, at, end int) bool {
	first, _ := utf8.DecodeRuneInString(text[at:])
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, size := utf8.DecodeRuneInString(text[end:])
	if at > 0 && wordRune(before) && wordRune(first) {
		return true
	}
	if end == len(text) {
		return false
	}
	if after == '.' || after == '-' { // a full stop ends a sentence; a dot continues a name
		next, _ := utf8.DecodeRuneInString(text[end+size:])
		return end+size < len(text) && wordRune(next)
	}
	return wordRune(after)
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' || r == '-'
}

// userinfo hides the user and password in the authority of a URL: usually a proxy's password.
func (m *marks) userinfo() {
	const scheme = "://"
	for at := 0; ; {
		i := strings.Index(m.layer[at:], scheme)
		if i < 0 {
			return
		}
		at += i + len(scheme)
		end := strings.IndexAny(m.layer[at:], "/?#\"'`<> \t\r\n")
		switch {
		case end >= 0:
		case m.cut: // the @ may follow
			m.hide(at, len(m.layer))
			return
		default:
			end = len(m.layer) - at
		}
		if last := strings.LastIndexByte(m.layer[at:at+end], '@'); last > 0 {
			m.hide(at, at+last)
		}
	}
}

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
