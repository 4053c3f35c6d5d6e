package rows

// Options say how a file is to be read. What is left empty is found out.
type Options struct {
	Format         Format
	Encoding       Encoding
	OutputEncoding Encoding // empty is the input's
	Output         Format   // what the rows are written as; empty is Format.Output
	Delimiter      byte     // of CSV and TSV: one of the bytes of Delimiters
	Sheet          string   // of a workbook; empty is the first
	Details        bool     // three more columns or fields are appended: the group's name, owner and status

	// ID is the column or field that holds the chat ids: a header cell, without regard to case, blanks around it and
	// invisible characters; a column's number from 1; a field, or a path of nested ones like a.b. Empty is the only one
	// with a usual name: chat_id, chatId or chatid.
	ID string

	// Shard is which rows are read. A workbook that is appended to keeps the others, without results.
	Shard Shard
}
