package rows

import (
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Row is one chat of a file.
type Row struct {
	Line    int       // where it begins, from 1; in a workbook the number of the row
	ChatID  string    // as CleanID made it of the cell
	Trimmed Trimmed   // what CleanID took off, for a notice; empty if nothing
	Start   []byte    // how its record in the output begins: everything that the input holds; see Finish
	Problem lang.Text // why it is not to be sent, if its record says so

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

// String is one line in English, as machines get it.
func (f Found) String() string { return f.Say(lang.English) }

// Say is one line for a notice; it implements lang.Said.
func (f Found) Say(l lang.Language) string {
	parts := []lang.Said{f.Format.Title()}
	if f.Delimiter != 0 && f.Format != TSV {
		parts = append(parts, lang.T("separated by %s", delimiterTitle(f.Delimiter)))
	}
	if f.Encoding != "" {
		parts = append(parts, lang.Foreign(f.Encoding.Title()))
	}
	if f.Sheet != "" {
		parts = append(parts, lang.T("sheet %q", f.Sheet))
	}
	return lang.Join(", ", parts...).Say(l)
}
