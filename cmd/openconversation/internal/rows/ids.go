package rows

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// CleanID removes invisible text around an id: blanks at the ends, no-break ones included, invisible characters, and
// the ="…" that keeps a spreadsheet from parsing a number. trimmed lists what it removed, apart from ordinary blanks.
func CleanID(cell string) (id string, trimmed Trimmed) {
	if plain(cell) {
		return cell, nil
	}
	var took Trimmed
	note := func(what lang.Format) {
		if len(took) == 0 || took[len(took)-1] != what {
			took = append(took, what)
		}
	}
	id = strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, cell)
	if id != cell && utf8.ValidString(cell) {
		note("invisible characters")
	} else {
		id = cell
	}
	trim := func() {
		short := strings.TrimSpace(id)
		if strings.IndexFunc(strings.Replace(id, short, "", 1), func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			note("no-break blanks")
		}
		id = short
	}
	trim()
	if inner, is := strings.CutPrefix(id, `="`); is && len(inner) > 1 && strings.IndexByte(inner, '"') == len(inner)-1 {
		id = inner[:len(inner)-1]
		note(`="…"`)
		trim()
	}
	return id, took
}

// Trimmed lists what CleanID removed.
type Trimmed []lang.Format

// String returns the list in English.
func (t Trimmed) String() string { return t.Say(lang.English) }

// Say implements lang.Said.
func (t Trimmed) Say(l lang.Language) string {
	parts := make([]lang.Said, len(t))
	for i, part := range t {
		parts[i] = lang.T(part)
	}
	return lang.Join(", ", parts...).Say(l)
}

// plain reports whether a cell has only letters, digits and the like.
func plain(cell string) bool {
	for i := range len(cell) {
		if c := cell[i]; c <= ' ' || c >= 0x7F || c == '=' && i == 0 {
			return false
		}
	}
	return true
}

var (
	rounded        = regexp.MustCompile(`^[0-9]([.,][0-9]+)?[eE]\+?[0-9]+$`)
	worksheetError = regexp.MustCompile(`^#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|####*)$`)
)

// NotAnID returns why a text cleaned by CleanID cannot be a chat id of any form, or "". It does not repeat the checks
// of the SDK's CheckChatID. A call for such a text would be wasted.
func NotAnID(id string) (why lang.Format) {
	switch {
	case strings.Contains(id, "://"):
		return "it is an address of the web"
	case worksheetError.MatchString(id):
		return "it is an error of a spreadsheet's formula"
	case rounded.MatchString(id):
		return "it is a number that a spreadsheet rounded"
	case strings.ContainsAny(id, "/?"):
		return "it holds a / or ?"
	case strings.Contains(id, `\`):
		return `it holds a \`
	case strings.HasPrefix(id, "="):
		return "it is a formula: it begins with ="
	case strings.HasPrefix(id, "+"):
		return "it is a formula: it begins with +"
	case strings.HasPrefix(id, "@"):
		return "it is a formula: it begins with @"
	case strings.ContainsAny(id, ",;|\t，；"):
		return "it holds a separator, like a row of a table"
	case strings.ContainsAny(id, "\"'`“”‘’"):
		return "it holds a quote"
	case strings.ContainsAny(id, "{}[]<>"):
		return "it holds brackets, like JSON or a placeholder"
	case strings.IndexFunc(id, unicode.IsSpace) >= 0:
		return "it holds a blank"
	case usual(id):
		return "it is the name of a column"
	}
	return ""
}
