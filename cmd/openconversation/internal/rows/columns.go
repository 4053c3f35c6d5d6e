package rows

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Delimiters are the possible delimiters of CSV and TSV.
const Delimiters = ",;\t|"

var delimiterTitles = map[byte]lang.Format{',': "commas", ';': "semicolons", '\t': "tabs", '|': "bars"}

// ParseDelimiter parses a delimiter, or its name: tab, comma, semicolon, pipe.
func ParseDelimiter(name string) (byte, bool) {
	switch strings.ToLower(name) {
	case ",", "comma":
		return ',', true
	case ";", "semicolon":
		return ';', true
	case "\t", `\t`, "tab":
		return '\t', true
	case "|", "pipe", "bar":
		return '|', true
	}
	return 0, false
}

func delimiterTitle(separator byte) lang.Text {
	if title := delimiterTitles[separator]; title != "" {
		return lang.T(title)
	}
	return lang.T("%q", string(separator))
}

// header holds the names of a table's columns.
type header struct {
	line      int
	names     []string
	separator byte // 0: a workbook
	adds      appended
}

// seen lists the columns for an error: they reveal a wrong separator.
func (h header) seen() lang.Text {
	names := make([]string, len(h.names))
	for i, name := range h.names {
		if names[i] = visible(name); names[i] == "" {
			names[i] = `""`
		}
	}
	switch {
	case h.separator == 0:
		return lang.T("there are: %s", strings.Join(names, ", "))
	case len(names) == 1:
		return lang.T("there is one column, as no separator was found: %s", names[0])
	default:
		return lang.T("there are, separated by %s: %s", delimiterTitle(h.separator), strings.Join(names, ", "))
	}
}

// pick finds the column of chat ids. wanted is Options.ID.
func (h header) pick(wanted string) (int, error) {
	if wanted == "" {
		return h.pickUsual()
	}
	alike := func(same func(name string) bool) (at, count int) {
		for i, name := range slices.Backward(h.names) {
			if same(name) {
				at, count = i, count+1
			}
		}
		return at, count
	}
	at, count := alike(func(name string) bool { return visible(name) == visible(wanted) })
	if count == 0 {
		at, count = alike(func(name string) bool { return folded(name) == folded(wanted) })
	}
	switch {
	case count == 1:
		return at, nil
	case count > 1:
		return 0, settled(PartColumn, h.line, "there are %d columns %q; name the one by its number, such as %d", count, wanted, at+1)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(wanted)); err == nil && n > 0 {
		if n <= len(h.names) {
			return n - 1, nil
		}
		return 0, settled(PartColumn, h.line, "there is no column number %d; %s", n, h.seen())
	}
	return 0, settled(PartColumn, h.line, "there is no column %q; %s", wanted, h.seen())
}

func (h header) pickUsual() (int, error) {
	found := -1
	for i, name := range h.names {
		if !usual(name) {
			continue
		}
		if found >= 0 && visible(h.names[found]) == visible(name) {
			return 0, settled(PartColumn, h.line, "there are two columns %s; name the one by its number, %d or %d", visible(name), found+1, i+1)
		}
		if found >= 0 {
			return 0, settled(PartColumn, h.line, "both %s and %s may hold the chat ids; name one", visible(h.names[found]), visible(name))
		}
		found = i
	}
	if found < 0 {
		return 0, settled(PartColumn, h.line, "which column holds the chat ids? %s", h.seen())
	}
	return found, nil
}
