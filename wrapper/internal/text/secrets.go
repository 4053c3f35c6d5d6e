package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Redacted replaces a secret.
const Redacted = "REDACTED"

// wholeWord is the length below which a secret is hidden only as a whole word: "test" must not be cut out of a host
// name. Real secrets are far longer.
const wholeWord = 8

// Secrets are the secrets of a request, which no text may repeat even if the server does. Empty ones are ignored.
type Secrets [2]string

// Hide replaces the secrets in text, whether plain or escaped character by character as in JSON, Go, HTML or a URL. It
// also hides the user and password of URLs.
func (s Secrets) Hide(text string) string {
	for _, secret := range s {
		if secret != "" {
			text = hide(text, secret)
		}
	}
	return hideUserinfo(text)
}

func hide(text, secret string) string {
	first, _ := utf8.DecodeRuneInString(secret)
	var out strings.Builder
	done := 0 // bytes of text already in out
	for at := 0; at < len(text); {
		// One byte rules out most places: a match begins with the secret's first character or with an escape.
		if c := text[at]; c != secret[0] && c != '\\' && c != '%' && c != '&' && c != '+' {
			at++
			continue
		}
		end := spelt(text, at, secret)
		if end < 0 || len(secret) < wholeWord && inWord(text, at, end, first) {
			at++
			continue
		}
		out.WriteString(text[done:at])
		out.WriteString(Redacted)
		at, done = end, end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// inWord reports whether text[at:end] is part of a longer word, such as a host name.
func inWord(text string, at, end int, first rune) bool {
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

// hideUserinfo hides the user and password in the authority of a URL: usually a proxy's password.
func hideUserinfo(text string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return text
		}
		from += i + len("://")
		end := strings.IndexAny(text[from:], "/?#\"'`<> \t\r\n")
		if end < 0 {
			end = len(text) - from
		}
		if at := strings.LastIndexByte(text[from:from+end], '@'); at > 0 {
			text = text[:from] + Redacted + text[from+at:]
			from += len(Redacted)
		}
	}
}
