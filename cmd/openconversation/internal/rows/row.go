package rows

import (
	"fmt"
	"strings"
)

// Row is one chat of a file.
type Row struct {
	Line    int    // where it begins, from 1; in a workbook the number of the row
	ChatID  string // as CleanID made it of the cell
	Trimmed string // what CleanID took off, for a notice; empty if nothing
	Start   []byte // how its record in the output begins: everything that the input holds; see Finish
	Problem string // why it is not to be sent, if its record says so

	key   int      // what the journal calls it: its place among the rows, in a workbook its row
	raw   []byte   // the record's text
	cells []string // of a workbook, where they are asked for
}

// Found is what a Reader found out about its input.
type Found struct {
	Format    Format
	Encoding  Encoding // empty for a workbook
	Mark      bool     // it begins with a byte order mark
	Delimiter byte     // 0 if it has none
	Sheet     string   // of a workbook
	Name      string   // of the column or field that holds the chat ids
	Column    int      // its number, from 1; 0 if it is none
}

// String is one line for a notice.
func (f Found) String() string {
	parts := []string{f.Format.Title()}
	if f.Delimiter != 0 && f.Format != TSV {
		parts = append(parts, "separated by "+delimiterTitle(f.Delimiter))
	}
	if f.Encoding != "" {
		parts = append(parts, f.Encoding.Title())
	}
	if f.Sheet != "" {
		parts = append(parts, fmt.Sprintf("sheet %q", f.Sheet))
	}
	return strings.Join(parts, ", ")
}
