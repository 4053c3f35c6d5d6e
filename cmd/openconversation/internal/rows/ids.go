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
	id = stripped(cell)
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
	if half := narrow(id); half != id && word.MatchString(half) {
		id = half
		note("full-width characters")
	}
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
	word           = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	rounded        = regexp.MustCompile(`^[0-9]([.,][0-9]+)?[eE]\+?[0-9]+$`)
	fraction       = regexp.MustCompile(`^-?[0-9]*[.,][0-9]+$`)
	date           = regexp.MustCompile(`^[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([ T]|$)|^[0-9]{1,2}:[0-9]{2}`)
	worksheetError = regexp.MustCompile(`^#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|####*)$`)
	// reserved are words of programs and of totals.
	reserved = regexp.MustCompile(`(?i)^(true|false|yes|no|null|nil|none|nan|undefined|eof|end|total|subtotal|sum)$`)
	// number is too small for an id: it counts something.
	small = regexp.MustCompile(`^[0-9]{1,3}$`)
)

// notIDs are the reasons why a text is no chat id, the first that holds. The service documents no form of ids, but each
// one that was seen has letters and digits of ASCII alone.
var notIDs = []struct {
	is  func(id string) bool
	why lang.Format
}{
	{worksheetError.MatchString, "it is an error of a spreadsheet's formula"},
	{rounded.MatchString, "it is a number that a spreadsheet rounded"},
	{date.MatchString, "it is a date or a time"},
	{fraction.MatchString, "it is a number with a fraction"},
	{reserved.MatchString, "it is a word, such as TRUE or total"},
	{small.MatchString, "it is a small number, such as a count"},
	{FileName, "it is the name of a file"},
	{has("/?"), "it holds a / or ?"},
	{has(`\`), `it holds a \`},
	{begins("+@="), "it is a formula: it begins with +, @ or ="},
	{begins("-"), "it begins with -, like a list, a line or a formula"},
	{has(",;|\t，；"), "it holds a separator, like a row of a table"},
	{has("\"'`“”‘’"), "it holds a quote"},
	{has("{}[]<>()（）【】"), "it holds brackets, like JSON or a placeholder"},
	{func(id string) bool { return strings.ContainsAny(strings.TrimRight(id, "="), ":=") }, "it holds a : or =, like a name with its value"},
	{func(id string) bool { return strings.IndexFunc(id, unicode.IsSpace) >= 0 }, "it holds a blank"},
	{usual, "it is the name of a column"},
	{func(id string) bool { return utf8.ValidString(id) && len(id) > utf8.RuneCountInString(id) }, "it holds characters that no chat id has"},
	{has("#$%&*!^~@"), "it holds characters that no chat id has"},
}

// has makes a check for any of some characters, and begins for one at the start.
func has(chars string) func(id string) bool {
	return func(id string) bool { return strings.ContainsAny(id, chars) }
}

func begins(chars string) func(id string) bool {
	return func(id string) bool { return id != "" && strings.IndexByte(chars, id[0]) >= 0 }
}

func alphanumeric(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// FileName reports whether a text is the name of a file with rows, rather than an id.
func FileName(text string) bool {
	_, known := FormatOf(text)
	return known || other(text)
}

// NotAnID returns why a text cleaned by CleanID cannot be a chat id of any form, or "". It does not repeat the checks
// of the SDK's CheckChatID. A call for such a text would be wasted.
func NotAnID(id string) (why lang.Format) {
	if len(id) > len("chat_id") && strings.HasPrefix(id, "chat") && alphanumeric(id) { // nearly all ids: lists are long
		return ""
	}
	for i := range notIDs {
		if notIDs[i].is(id) {
			return notIDs[i].why
		}
	}
	return ""
}

// idOf matches what surely is a chat id.
var idOf = regexp.MustCompile(`(?i)^chat[0-9a-f]*[0-9][0-9a-f]*$`)

// SureID reports whether a text surely is a chat id, and so no name of a column.
func SureID(text string) bool {
	id, _ := CleanID(text)
	return idOf.MatchString(id)
}

// usualNames are the default names of the column or field of chat ids, as they are written. See usual for the others.
var usualNames = []string{"chat_id", "chatId", "chatid"}

// stripped returns a text without its invisible characters.
func stripped(text string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, text)
}

// visible returns a header cell's visible text.
func visible(name string) string { return strings.TrimSpace(stripped(name)) }

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
