package rows

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// header holds the names of a table's columns.
type header struct {
	line      int
	names     []string
	separator byte // 0: a workbook
	adds      int  // columns with results that the output has at least
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

// pick finds the column of chat ids. wanted is Options.ID. Without an error, -1 means that no name is that of the column.
func (h header) pick(wanted string) (at int, err error) {
	if wanted == "" {
		for _, is := range []func(string) bool{usual, likely} {
			if at, err := h.only(is); at >= 0 || err != nil {
				return at, err
			}
		}
		return -1, nil
	}
	for _, form := range []func(string) string{visible, folded, bare} {
		of := form(wanted)
		at, count := -1, 0
		for i, name := range slices.Backward(h.names) {
			if of != "" && form(name) == of {
				at, count = i, count+1
			}
		}
		if count > 1 {
			return at, settled(PartColumn, h.line, "there are %d columns %q; name the one by its number, such as %d", count, wanted, at+1)
		}
		if count == 1 {
			return at, nil
		}
	}
	return -1, nil
}

// only finds the only column whose name fits.
func (h header) only(fits func(name string) bool) (at int, err error) {
	at = -1
	for i, name := range h.names {
		switch {
		case !fits(name):
		case at < 0:
			at = i
		case visible(h.names[at]) == visible(name):
			return at, settled(PartColumn, h.line, "there are two columns %s; name the one by its number, %d or %d", visible(name), at+1, i+1)
		default:
			return at, settled(PartColumn, h.line, "both %s and %s may hold the chat ids; name one", visible(h.names[at]), visible(name))
		}
	}
	return at, nil
}

// earlier returns where the columns with results begin, or the number of columns if there are none. details reports
// whether they describe groups.
func (h header) earlier() (own int, details bool, err error) {
	own = len(h.names)
	for i, name := range slices.Backward(h.names) {
		at := resultAt(name)
		if at < 0 && !blank(name) { // a program may have added empty columns
			break
		}
		if details = details || at >= 3; at == 0 {
			own = i
			break
		}
	}
	adds := max(h.adds, added(details && own < len(h.names)))
	for _, name := range h.names[:own] {
		if slices.Contains(resultColumns[:adds], visible(name)) {
			return 0, false, broken(h.line, "it has a column %s already; rename or remove it", visible(name))
		}
	}
	return own, details && own < len(h.names), nil
}

// missing makes the error of a row that does not name the column of chat ids, where a header is expected.
func (h header) missing(wanted string) error {
	n, _ := strconv.Atoi(wanted)
	switch at := slices.IndexFunc(h.names, SureID); {
	case at >= 0:
		return settled(PartHeader, h.line, "it holds a chat id, %s, and a header is expected", visible(h.names[at]))
	case n > 0:
		return settled(PartColumn, h.line, "there is no column number %d; %s", n, h.seen())
	case wanted == "":
		return settled(PartColumn, h.line, "which column holds the chat ids? %s", h.seen())
	default:
		return settled(PartColumn, h.line, "there is no column %q; %s", wanted, h.seen())
	}
}

// columnNumber reads a column's number, from 1, or its letters as a spreadsheet shows them.
func columnNumber(name string) (n int, is bool) {
	name = strings.ToUpper(strings.TrimSpace(name))
	if n, err := strconv.Atoi(name); err == nil {
		return n, n > 0
	}
	for _, r := range name {
		if r < 'A' || r > 'Z' || len(name) > 3 {
			return 0, false
		}
		n = 26*n + int(r-'A') + 1
	}
	return n, name != ""
}

// maxTitles is how many rows above the header are looked through.
const maxTitles = 20

// begins decides whether a row is the header. Without an error, missing says why it is not.
func (t *table) begins(h header, o Options, first bool) (is bool, missing, err error) {
	n, numbered := columnNumber(o.ID)
	if o.NoHeader {
		t.names, t.own = make([]string, len(h.names)), len(h.names)
		t.column, err = h.unnamed(n-1, o.ID)
		return err == nil, nil, err
	}
	given := o.HeaderRow > 0
	if h.line < o.HeaderRow {
		return false, nil, nil
	}
	t.names = h.names
	if t.own, t.details, err = h.earlier(); err != nil {
		return false, nil, err
	}
	h.names = h.names[:t.own]
	if t.column, err = h.pick(o.ID); err != nil {
		return false, nil, err
	}
	if t.column < 0 && numbered && n <= t.own && (given || first) {
		t.column = n - 1
	}
	switch {
	case t.column < 0 && given, t.column >= 0 && !given && SureID(t.names[t.column]):
		return false, nil, h.missing(o.ID)
	case t.column < 0:
		return false, h.missing(o.ID), nil
	}
	return true, nil, nil
}

// unnamed finds the column of a table without a header: the one that is given, or else the only one with a chat id.
func (h header) unnamed(at int, wanted string) (column int, err error) {
	if wanted != "" {
		if at < 0 || at >= len(h.names) {
			err = settled(PartColumn, h.line, "without a header, a column has only a number or letters; there are %d", len(h.names))
		}
		return at, err
	}
	at, err = h.only(SureID)
	switch {
	case err == nil && at >= 0:
		return at, nil
	case err == nil && len(h.names) == 1:
		return 0, nil
	}
	return 0, settled(PartColumn, h.line, "which column holds the chat ids? there are %d, without names", len(h.names))
}

// remarks begin a row that is none of a chat's: a total, or a note below the table.
var remarks = regexp.MustCompile(`(?i)^(合计|总计|小计|共计|汇总|总数|备注|说明|注|制表|导出|共\s*[0-9]+|total|subtotal|grand total|sum|note|remark)s?(\s|[:：(（、，,。]|$|[0-9]|\p{Han})`)

// rule matches a line between rows, such as that of a table in Markdown.
var rule = regexp.MustCompile(`^\s*:?[-=_]+:?\s*$`)

// none reports whether a row whose cell holds no chat id is none of a chat's. first is the row behind the header, which may
// be the header's second row: it names what the first one does not.
func none(cells, names []string, column int, first bool) bool {
	leading := true
	for i, cell := range cells {
		switch {
		case blank(cell), rule.MatchString(cell):
			continue
		case leading && remarks.MatchString(visible(cell)):
			return true
		case first && i != column && i < len(names) && blank(names[i]) && (column >= len(cells) || blank(cells[column])):
			return true
		}
		leading = false
	}
	return leading
}
