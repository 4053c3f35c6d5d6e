package rows

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
