package rows

import (
	"slices"
	"strings"

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

// resultColumns and resultFields are what an output adds to the input's columns or fields: added of them.
var (
	resultColumns = []string{"open_conversation_id", "error_code", "error", "chat_name", "chat_owner", "chat_status"}
	resultFields  = []string{"openConversationId", "errorCode", "error", "chatName", "chatOwner", "chatStatus"}
)

// added returns how many columns and fields are added, with Options.Details or without.
func added(details bool) int {
	if details {
		return 6
	}
	return 3
}

// Result is the result of a row.
type Result struct {
	OpenConversationID string `json:"to,omitempty"`   // empty if it failed
	Code               string `json:"code,omitempty"` // of the error
	Error              string `json:"error,omitempty"`

	// Of the group, with Options.Details.
	Name   string `json:"name,omitempty"`
	Owner  string `json:"owner,omitempty"`
	Status string `json:"status,omitempty"`
}

// values returns a result as cells.
func (r Result) values() []string {
	return []string{r.OpenConversationID, r.Code, r.Error, r.Name, r.Owner, r.Status}
}

// Results that an input has already: those of an earlier output, or of a table that someone has filled in. They are its
// last columns or fields, the first of which is the openConversationId. They are cut off, and written anew.

// resultAt returns which of the columns has a name, or -1.
func resultAt(name string) int { return slices.Index(resultColumns, folded(name)) }

// resultOf reads a result from columns of these names.
func resultOf(names, cells []string) (r Result) {
	var values [6]string
	for i, cell := range cells[:min(len(cells), len(names))] {
		if at := resultAt(names[i]); at >= 0 {
			values[at] = cell
		}
	}
	return Result{values[0], values[1], values[2], values[3], values[4], values[5]}
}

// kept returns an appended cell as it was before the apostrophe that keeps it from being a formula.
func kept(r Result) Result {
	r.OpenConversationID = strings.TrimSpace(r.OpenConversationID)
	for _, text := range []*string{&r.Error, &r.Name, &r.Owner, &r.Status} {
		if rest, is := strings.CutPrefix(*text, "'"); is && rest != "" && strings.IndexByte("=+-@\t\r", rest[0]) >= 0 {
			*text = rest
		}
	}
	return r
}
