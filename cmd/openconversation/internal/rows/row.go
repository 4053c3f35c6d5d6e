package rows

import (
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Row is one chat of a file.
type Row struct {
	Line    int       // of its start, from 1; in a workbook the row's number
	ChatID  string    // the cell, cleaned by CleanID
	Trimmed Trimmed   // what CleanID removed, for a notice
	Start   []byte    // start of its output record, with all content of the input; see Finish
	Problem lang.Text // why it must not be sent, if its record is faulty
	Known   Result    // what the input has as its result
	None    bool      // it is no chat's, such as a total: it comes out as it is
	Hidden  bool      // in a workbook

	raw   []byte   // the record's text
	cells []string // if the output is another kind of table
}

// Found is what a Reader detected about its input.
type Found struct {
	Format    Format
	Encoding  Encoding // empty: a workbook
	Mark      bool     // begins with a byte order mark
	Delimiter byte     // 0: none
	Sheet     string   // of a workbook
	Name      string   // of the column or field of chat ids; empty: plain lines
	Column    int      // its number, from 1; 0: none
	Header    int      // the header's row, if others are above it
	Width     int      // cells of the widest row so far
	Output    Format   // that of the output
	Details   bool     // the output describes groups
}

// String returns one line in English, for machines.
func (f Found) String() string { return f.Say(lang.English) }

// Say returns one line for a notice. It implements lang.Said.
func (f Found) Say(l lang.Language) string {
	parts := []lang.Said{f.Format.Title()}
	if f.Delimiter != 0 && f.Format != TSV {
		parts = append(parts, lang.T("separated by %s", delimiterTitle(f.Delimiter)))
	}
	if f.Encoding != "" {
		parts = append(parts, lang.Literal(f.Encoding.Title()))
	}
	if f.Sheet != "" {
		parts = append(parts, lang.T("sheet %q", f.Sheet))
	}
	if f.Header > 0 {
		parts = append(parts, lang.T("the header is in row %d", f.Header))
	}
	return lang.Join(", ", parts...).Say(l)
}

// Options describe how to read a file. Empty fields are detected.
type Options struct {
	Format         Format
	Encoding       Encoding
	OutputEncoding Encoding // empty: the input's
	Output         Format   // output format; empty: Format.Output
	Delimiter      byte     // of CSV and TSV, one of Delimiters
	Sheet          string   // of a workbook; empty: the first
	Details        bool     // append three more columns or fields: the group's name, owner and status; also if the input has them already

	HeaderRow int  // number of the header's row, from 1; 0: it is found
	NoHeader  bool // there is no header
	Width     int  // columns before the results: the widest row's, see Found; 0: those of the header

	// ID is the column or field of the chat ids: a header cell (ignoring case, surrounding blanks and invisible
	// characters), a column's number from 1 or its letters, a field, or a path of nested fields like a.b. Empty means the only one
	// with a usual name: chat_id, chatId or chatid.
	ID string
}
