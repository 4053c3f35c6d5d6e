package term

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable makes foreign text safe for one line on a terminal: it escapes unprintable characters as in a Go string.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if unprintable(r) {
			quoted := strconv.Quote(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable is also true for U+FFFD, which replaces invalid UTF-8.
func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// PrintableJSON does the same for marshalled JSON, which keeps DEL, C1 controls and direction marks unescaped. They
// occur only in strings, where \u means the same.
func PrintableJSON(raw []byte) []byte {
	if !bytes.ContainsFunc(raw, unprintable) {
		return raw
	}
	out := make([]byte, 0, 2*len(raw))
	for _, r := range string(raw) {
		switch {
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// maxShownID limits a shown chat id, in bytes. Real ones have 36.
const maxShownID = 256

// Shown formats a chat id for messages.
func Shown(chatID string) string {
	if chatID == "" {
		return `""`
	}
	if len(chatID) > maxShownID {
		chatID = strings.ToValidUTF8(chatID[:maxShownID/4], "") + "…"
	}
	return Printable(chatID)
}
