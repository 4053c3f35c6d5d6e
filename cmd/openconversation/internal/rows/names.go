package rows

import (
	"slices"
	"strings"
	"unicode"
)

// usualNames are what a chat id's column or field is called, where nobody says.
var usualNames = []string{"chat_id", "chatId", "chatid"}

// visible is a header cell as a reader sees it.
func visible(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, name))
}

// folded is what header cells are compared by.
func folded(name string) string { return strings.ToLower(visible(name)) }

// usual reports whether a name is one that chat ids usually have.
func usual(name string) bool {
	return slices.ContainsFunc(usualNames, func(u string) bool { return folded(u) == folded(name) })
}

// invisible reports whether a character takes no room: zero-width blanks, marks of direction, byte order marks.
func invisible(r rune) bool {
	return r >= 0xAD && (unicode.Is(unicode.Cf, r) || r == 0x034F || r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 ||
		r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF)
}

// blank reports whether a cell shows nothing.
func blank(cell string) bool {
	return strings.IndexFunc(cell, func(r rune) bool { return !unicode.IsSpace(r) && !invisible(r) }) < 0
}
