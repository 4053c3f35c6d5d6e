package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
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

// findSeparator returns the separator of a text table, and a line sep=, which it reads. A header's separator is the one that
// gives the wanted column, else the one that gives most columns.
func findSeparator(in *bufio.Reader, o Options) (separator byte, named string, err error) {
	ahead := peekLine(in)
	first, _, _ := strings.Cut(ahead, "\n")
	if separator = separatorLine(first); separator != 0 {
		if named, err = in.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
			return 0, "", err
		}
	}
	if o.Delimiter != 0 {
		separator = o.Delimiter
	}
	if separator != 0 {
		return separator, named, nil
	}
	separator = formats[o.Format].separator
	if o.Format != CSV {
		return separator, named, nil
	}
	most, hit := 1, false
	for _, candidate := range []byte(Delimiters) {
		cells := firstRecord(ahead, candidate)
		at, err := header{names: cells}.pick(o.ID)
		hits := at >= 0 && err == nil
		if hits == hit && len(cells) > most || hits && !hit && len(cells) > 1 {
			separator, most, hit = candidate, len(cells), hits
		}
	}
	return separator, named, nil
}

// peekLine returns the upcoming text, up to a header after blank lines and a line sep=, as far as the buffer has room.
func peekLine(in *bufio.Reader) string {
	for {
		text, _ := in.Peek(max(1, in.Buffered())) // an error comes again when the text is read
		rest := bytes.TrimLeft(text, "\r\n ")
		if line, more, _ := bytes.Cut(rest, []byte("\n")); separatorLine(string(line)) != 0 {
			rest = bytes.TrimLeft(more, "\r\n ")
		}
		inQuotes := false
		end := bytes.IndexFunc(rest, func(c rune) bool {
			inQuotes = inQuotes != (c == '"')
			return c == '\n' && !inQuotes
		})
		if end >= 0 || len(text) == in.Size() {
			return string(text)
		}
		if _, err := in.Peek(len(text) + 1); err != nil {
			return string(text)
		}
	}
}
