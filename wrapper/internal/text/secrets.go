package text

import (
	"strings"
	"unicode"
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
