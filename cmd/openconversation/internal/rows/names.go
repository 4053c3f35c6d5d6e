package rows

import (
	"regexp"
	"strings"
	"unicode"
)

// usualNames are the default names of the column or field of chat ids, as they are written. See usual for the others.
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

// remark is what people put around a name in a header: a mark of a required column, a note in brackets, a colon.
var remark = regexp.MustCompile(`[*_:\s-]|\([^)]*\)|\[[^\]]*\]|【[^】]*】`)

// bare returns a name's letters and digits without case, width, separators and remarks: chatid for *Chat-ID（必填）.
func bare(name string) string {
	return remark.ReplaceAllString(strings.ToLower(narrow(visible(name))), "")
}

// usual reports whether a name is that of chat ids, such as chat_id, chatId, Chat-ID or *chat_id(必填).
func usual(name string) bool { return bare(name) == "chatid" }

// likely reports whether a name ends like that of chat ids, such as dept_group_chat_id or 群chatId.
func likely(name string) bool { return ofChatID.MatchString(bare(name)) }

var ofChatID = regexp.MustCompile(`^[\pL\pN]+chatid$`)

// narrow returns a text with full-width letters, digits and signs made half-width.
func narrow(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			return r - 0xFEE0
		case r == 0x3000:
			return ' '
		}
		return r
	}, text)
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
