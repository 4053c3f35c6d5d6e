package rows

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// table is a table whose header was read.
type table struct {
	names     []string
	own       int  // columns before those with results
	details   bool // the results describe groups
	column    int  // of the chat ids
	grid      grid
	separator byte // 0: a sheet
	header    int  // its row; 0: there is none
	titled    bool // there are rows above it
	begun     bool // a row was read
	width     int  // columns before the results
	widest    int  // cells of the widest row so far
	measures  bool // rows may be wider
	held      *cells
}

// find finds the header. above gets the rows above it, and may refuse them.
func (t *table) find(o Options, above func(c *cells) error) error {
	var wrong error // with the first row
	for rows := 0; ; rows++ {
		c, err := t.grid.next()
		switch {
		case errors.Is(err, io.EOF) && wrong != nil:
			return wrong
		case errors.Is(err, io.EOF) && o.HeaderRow > 0 && rows > 0:
			return settled(PartHeader, 0, "there is no row %d, or it is blank", o.HeaderRow)
		case err != nil:
			return err
		}
		names := slices.Clone(c.texts)
		is, missing, err := t.begins(header{c.line, names, t.separator, added(o.Details)}, o, rows == 0)
		if is {
			t.titled, t.width, t.widest, t.measures = rows > 0, max(t.own, o.Width), t.own, o.Width < 0
			if t.header = c.line; o.NoHeader {
				t.header, t.held = 0, c
			}
			return nil
		}
		if wrong == nil {
			wrong = missing
		}
		if refused := above(c); refused != nil {
			return refused
		}
		if err == nil && (rows == maxTitles || missing != nil && slices.ContainsFunc(names[:t.own], SureID)) {
			err = wrong
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next row.
func (t *table) next() (*cells, error) {
	if c := t.held; c != nil {
		t.held = nil
		return c, nil
	}
	return t.grid.next()
}

// read makes a Row of cells.
func (t *table) read(c *cells) (Row, error) {
	row := Row{Line: c.line, Hidden: c.hidden}
	second := !t.begun && t.header > 0
	t.begun = true
	if at := c.from(t.column); len(at) > 0 {
		row.ChatID, row.Trimmed = CleanID(at[0])
	}
	if c.unsure != nil {
		row.Problem = c.unsure(t.column)
	}
	wrong := t.fits(c)
	if wrong != nil || !row.Problem.Empty() || row.ChatID == "" || NotAnID(row.ChatID) != "" {
		row.None = none(c.texts, t.names, t.column, second)
	}
	if wrong != nil && (t.separator == 0 || !row.None || len(c.texts) > len(t.names)) {
		return row, wrong
	}
	row.Known = kept(resultOf(t.names[t.own:], c.from(t.own)))
	row.cells = c.texts[:min(t.width, len(c.texts))]
	if t.separator == 0 {
		if t.widest = max(t.widest, len(c.texts)); t.own < len(t.names) {
			t.widest = t.own
		}
	} else {
		row.raw = c.rec.Raw[:c.ends[min(t.own, len(c.ends))-1]]
		if missing := t.own - len(c.ends); missing > 0 {
			row.raw = append(bytes.Clone(row.raw), bytes.Repeat([]byte{t.separator}, missing)...)
		}
	}
	row.cells = append(row.cells[:len(row.cells):len(row.cells)], make([]string, max(0, t.width-len(row.cells)))...)
	return row, nil
}

// fits returns an error if a row has more cells than the header, or in a text fewer. Some programs leave out empty ones at the
// end, here of results, or add some.
func (t *table) fits(c *cells) error {
	if t.separator != 0 {
		if len(c.texts) >= t.own && blank(strings.Join(c.from(len(t.names)), "")) {
			return nil
		}
		return broken(c.line, "it has %s, and the header has %d, separated by %s", lang.N(len(c.texts), "%d column", "%d columns", len(c.texts)), len(t.names), delimiterTitle(t.separator))
	}
	limit := len(t.names)
	if t.own == limit {
		if t.measures {
			return nil
		}
		limit = t.width
	}
	for i, text := range c.from(limit) {
		if !blank(text) {
			return broken(c.line, "it has a cell in column %d, and the header ends with column %d", limit+i+1, limit)
		}
	}
	return nil
}

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
