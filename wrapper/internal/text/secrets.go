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
	return Escape(s.hide(text, n))
}

// hide is Show without escaping.
func (s Secrets) hide(text string, n int) string {
	end := cutAt(text, n)
	window := text
	if end < len(text) { // what begins in the text shown may end behind it
		window = text[:min(len(text), end+maxAuthority+perByte*n)]
	}
	search := search{compared: max(n, wholeWord), cut: len(window) < len(text), forms: s, secrets: len(s)}
	hidden := search.in(window, 0)
	if hidden == nil {
		return Cut(text, n)
	}
	var out strings.Builder
	for i := range end {
		if !hidden[i] {
			out.WriteByte(text[i])
		} else if i == 0 || !hidden[i-1] {
			out.WriteString(Redacted)
		}
	}
	if end < len(text) {
		out.WriteString(ellipsis)
	}
	return out.String()
}

// HideError returns an error with the text of err, at most [MaxError] bytes without secrets, under every verb of fmt:
// a transport's error may hold the request. For [errors.Is] it matches as err does. It wraps err unless its text, or that of
// an error within it, repeats a secret, as a malformed answer may.
func (s Secrets) HideError(err error) error {
	if err == nil {
		return nil
	}
	says := err.Error()
	shown := s.hide(says, MaxError)
	odd := func(err error) bool { return s.hide(err.Error(), MaxError) != err.Error() }
	return &hiddenError{text: shown, odd: shown != says || walk(err, odd), err: func() error { return err }}
}

// hiddenError holds an error in a function: no formatter looks into one.
type hiddenError struct {
	text string
	odd  bool // a text in err's tree holds a secret
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

// search looks for secrets in a text.
type search struct {
	compared int      // so much of a secret: no more is shown
	cut      bool     // the text goes on
	forms    []string // a secret may hold what looks like an escape: with that undone, too, it is another form
	secrets  int      // forms of each layer
}

// in returns which bytes of a text are to be hidden, or nil if none are. It looks at the text as it stands, and then with ever
// more escapes undone.
func (s search) in(text string, layer int) (hidden []bool) {
	hide := func(begin, end int) {
		if hidden == nil {
			hidden = make([]bool, len(text))
		}
		for i := begin; i < end; i++ {
			hidden[i] = true
		}
	}
	for _, form := range s.forms {
		if form = form[:min(len(form), s.compared)]; form != "" && (layer == 0 || len(form) >= wholeWord) {
			find(text, form, hide)
		}
	}
	s.userinfo(text, hide)
	if layer == layers || s.secrets == 0 || !strings.ContainsAny(text, escapes) {
		return hidden
	}
	for _, form := range s.forms[len(s.forms)-s.secrets:] {
		undone, _ := undo(form[:min(len(form), perByte*s.compared)])
		s.forms = append(s.forms[:len(s.forms):len(s.forms)], undone)
	}
	undone, from := undo(text)
	for i, is := range s.in(undone, layer+1) {
		if is {
			hide(from[i].begin, from[i].end)
		}
	}
	return hidden
}

// find hides every place of a secret. A short one is hidden as a whole word.
func find(text, secret string, hide func(begin, end int)) {
	short := len(secret) < wholeWord
	for at, done := 0, 0; ; at++ {
		i := strings.Index(text[at:], secret)
		if i < 0 {
			return
		}
		at += i
		if end := at + len(secret); !short || !inWord(text, at, end) {
			hide(max(at, done), end)
			done = end
		}
	}
}

// inWord reports whether text[at:end] is part of a longer word, such as a host name. A full stop ends a sentence; a dot
// continues a name, and so do a few of them.
func inWord(text string, at, end int) bool {
	joins := func(r rune) bool { return r == '.' || r == '-' }
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(text[max(0, at-wholeWord):at], joins))
	first, _ := utf8.DecodeRuneInString(text[at:])
	last, _ := utf8.DecodeLastRuneInString(text[:end])
	after, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text[end:min(len(text), end+wholeWord)], joins))
	return wordRune(before) && wordRune(first) || wordRune(last) && wordRune(after)
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' || r == '-'
}

// userinfo hides the user and password in the authority of a URL: usually a proxy's password.
func (s search) userinfo(text string, hide func(begin, end int)) {
	for at := 0; ; {
		_, after, found := strings.Cut(text[at:], "://")
		if !found {
			return
		}
		at = len(text) - len(after)
		end := strings.IndexAny(after, "/?#\"'`<> \t\r\n")
		user := len(after)
		if end >= 0 {
			user = strings.LastIndexByte(after[:end], '@')
		} else if !s.cut { // otherwise the @ may follow
			user = strings.LastIndexByte(after, '@')
		}
		if user > 0 {
			hide(at, at+user)
		}
	}
}

// escapes are the bytes that begin an escape.
const escapes = `\%&+`

// span is the place of an escape in a text.
type span struct{ begin, end int }

// undo undoes one layer of escapes, in one pass. from tells where each byte comes from.
func undo(s string) (undone string, from []span) {
	out := make([]byte, 0, len(s))
	from = make([]span, 0, len(s))
	for at := 0; at < len(s); {
		size := 0
		out, size = unescape(out, s[at:])
		for len(from) < len(out) { // one escape may stand for several bytes
			from = append(from, span{at, at + size})
		}
		at += size
	}
	return string(out), from
}

// unescape appends what the escape at the start of s stands for, of size bytes, or else its first byte.
func unescape(out []byte, s string) (_ []byte, size int) {
	switch s[0] {
	case '+':
		return append(out, ' '), 1
	case '%':
		if n, ok := number(s, 1, 3, 16); ok {
			return append(out, byte(n)), 3
		}
	case '&':
		if i := strings.IndexByte(s[:min(len(s), perByte)], ';'); i > 0 {
			if n, ok := entity(s[1:i]); ok {
				return utf8.AppendRune(out, n), i + 1
			}
		}
	case '\\':
		whole := s[:min(len(s), len(`\U0010ffff`))]
		n, character, rest, err := strconv.UnquoteChar(whole, 0) // as Go and C
		switch {
		case err == nil && character:
			return utf8.AppendRune(out, n), len(whole) - len(rest)
		case err == nil:
			return append(out, byte(n)), len(whole) - len(rest)
		}
		high, isHigh := number(s, 2, 6, 16)
		low, isLow := number(s, 8, 12, 16)
		if isHigh && isLow && s[1] == 'u' && s[6:8] == `\u` { // a character beyond U+FFFF in JSON
			return utf8.AppendRune(out, utf16.DecodeRune(high, low)), 12
		}
		if len(s) > 1 && s[1] < utf8.RuneSelf && !unicode.IsLetter(rune(s[1])) && !unicode.IsDigit(rune(s[1])) { // such as \/
			return append(out, s[1]), 2
		}
	}
	return append(out, s[0]), 1
}

// entities are the character references of XML that have a name.
var entities = [...]struct {
	name string
	r    rune
}{{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}

// entity decodes the name of a character reference in HTML or XML.
func entity(name string) (r rune, ok bool) {
	for i := range entities {
		if entities[i].name == name {
			return entities[i].r, true
		}
	}
	digits, numeric := strings.CutPrefix(strings.ToLower(name), "#")
	base := 10
	if hex, is := strings.CutPrefix(digits, "x"); is {
		digits, base = hex, 16
	}
	r, ok = number(digits, 0, len(digits), base)
	return r, ok && numeric
}

// number parses the digits s[from:to].
func number(s string, from, to, base int) (n rune, ok bool) {
	if to > len(s) {
		return 0, false
	}
	parsed, err := strconv.ParseUint(s[from:to], base, 31)
	return rune(parsed), err == nil && parsed <= utf8.MaxRune
}
