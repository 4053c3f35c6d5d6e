package rows

import (
	"slices"
	"strings"
	"unicode"
)

// usualNames are the default names of the column or field of chat ids.
var usualNames = []string{"chat_id", "chatId", "chatid"}

// visible returns a header cell's visible text.
func visible(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, name))
}

// folded returns the form of a header cell for comparison.
func folded(name string) string { return strings.ToLower(visible(name)) }

// usual reports whether a name is one of usualNames.
func usual(name string) bool {
	return slices.ContainsFunc(usualNames, func(u string) bool { return folded(u) == folded(name) })
}

// invisible reports whether a character has no width: zero-width blanks, direction marks, byte order marks.
func invisible(r rune) bool {
	return r >= 0xAD && (unicode.Is(unicode.Cf, r) || r == 0x034F || r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 ||
		r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF)
}

// blank reports whether a cell has no visible text.
func blank(cell string) bool {
	return strings.IndexFunc(cell, func(r rune) bool { return !unicode.IsSpace(r) && !invisible(r) }) < 0
}
