package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// separatorLine returns the separator named by a spreadsheet's first line sep=, or 0.
func separatorLine(line string) byte {
	line = strings.Trim(strings.TrimRight(line, "\r\n"), `"`)
	name, separator, is := strings.Cut(line, "=")
	if !is || !strings.EqualFold(name, "sep") || len(separator) != 1 || strings.ContainsAny(separator, "\"\r\n=") {
		return 0
	}
	return separator[0]
}

// firstRecord returns the cells of a text's first non-blank record, or nil if it is malformed.
func firstRecord(start string, separator byte) []string {
	table := &lines{text: newText(strings.NewReader(start)), separator: separator}
	for {
		rec, err := table.next()
		if err != nil {
			return nil
		}
		if len(bytes.TrimSpace(rec.Raw)) == 0 {
			continue
		}
		cells, err := splitCells(rec, separator)
		if err != nil {
			return nil
		}
		return cells
	}
}

// guessSeparator guesses a header's separator: the one that gives the wanted column, else the one that gives most
// columns.
func guessSeparator(start, wanted string, standard byte) byte {
	best, bestCells, bestHit := standard, 1, false
	for _, separator := range []byte(Delimiters) {
		cells := firstRecord(start, separator)
		at, err := header{names: cells}.pick(wanted)
		hit := at >= 0 && err == nil
		if hit == bestHit && len(cells) > bestCells || hit && !bestHit && len(cells) > 1 {
			best, bestCells, bestHit = separator, len(cells), hit
		}
	}
	return best
}

// splitCells splits a table's record into its cells.
func splitCells(rec record, separator byte) ([]string, error) {
	table := csv.NewReader(bytes.NewReader(rec.Raw))
	table.Comma, table.FieldsPerRecord = rune(separator), -1
	cells, err := table.Read()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		if cells, ok := splitFormulas(rec, separator); ok {
			return cells, nil
		}
		return nil, broken(rec.Line+wrong.Line-1, "at byte %d: %s", wrong.Column, quoteError(wrong.Err))
	}
	if errors.Is(err, io.EOF) { // an empty record or line
		return []string{""}, nil
	}
	return cells, err
}

// quotedCell returns one cell of a well-formed record, and the number of cells. Unlike encoding/csv, it allocates no
// other cells.
func quotedCell(raw []byte, separator byte, column int) (cell string, count int, well bool) {
	for ; ; count++ {
		var value []byte
		quoted := len(raw) > 0 && raw[0] == '"'
		end := 0
		if quoted {
			for end = 1; ; end++ {
				quote := bytes.IndexByte(raw[end:], '"')
				if quote < 0 {
					return "", 0, false
				}
				if end += quote + 1; end == len(raw) || raw[end] != '"' {
					break
				}
			}
			value = raw[1 : end-1]
			if end < len(raw) && raw[end] != separator {
				return "", 0, false
			}
		} else {
			if end = bytes.IndexByte(raw, separator); end < 0 {
				end = len(raw)
			}
			if value = raw[:end]; bytes.IndexByte(value, '"') >= 0 {
				return "", 0, false
			}
		}
		if count == column {
			if cell = string(value); quoted {
				cell = strings.ReplaceAll(strings.ReplaceAll(cell, `""`, `"`), "\r\n", "\n")
			}
		}
		if end == len(raw) {
			return cell, count + 1, true
		}
		raw = raw[end+1:]
	}
}

func quoteError(err error) lang.Text {
	if errors.Is(err, csv.ErrBareQuote) {
		return lang.T("a quote stands within a cell that does not begin with one; write the cell in quotes, and its own quotes doubled")
	}
	return lang.T("a quote that closes a cell is not followed by the separator; double the quotes within a cell")
}

// splitFormulas splits a record with cells like ="007", whose quotes many programs do not escape.
func splitFormulas(rec record, separator byte) ([]string, bool) {
	if !bytes.Contains(rec.Raw, []byte(`="`)) {
		return nil, false
	}
	table := csv.NewReader(bytes.NewReader(rec.Raw))
	table.Comma, table.FieldsPerRecord, table.LazyQuotes = rune(separator), -1, true
	cells, err := table.Read()
	if err != nil {
		return nil, false
	}
	for _, cell := range cells {
		inner, formula := strings.CutPrefix(cell, `="`)
		if formula {
			inner, formula = strings.CutSuffix(inner, `"`)
		}
		if formula && strings.Contains(inner, `"`) || !formula && strings.Contains(cell, `"`) {
			return nil, false
		}
	}
	return cells, true
}
