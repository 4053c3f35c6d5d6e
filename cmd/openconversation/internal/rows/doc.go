// Package rows reads files of chats, one chat a row, and writes each row back with its chat's result: in the same
// format, encoding and separator, with three columns or fields appended. All other content of a row is kept. The example
// of NewReader shows it.
//
// # Formats
//
// The table in format.go lists the abilities of each format. Without a given format, Detect uses the file's extension
// and first bytes. Files of other kinds, such as .xls, are refused with the format to save them as.
//
// # Whole outputs
//
// A workbook and a JSON array are not written row by row (see Whole): Assemble makes any output from a second Reader of
// the same input.
//
//	again, err := rows.NewReader(file, o)
//	err = again.Assemble(newOutput, func(row rows.Row) (rows.Result, error) { return known(row.ChatID) })
//
// # Results that the input has
//
// An output is an input, and so is a table that someone has filled in: results that are the last columns or fields, from
// the openConversationId on, are Row.Known. They are cut off and written anew. Elsewhere such a column is refused.
//
// # Headers, and rows that are none
//
// The header is the first of the first twenty rows that names the column of the chat ids. What stands above it, such as a
// title, comes out as it is. A chat id where the header is expected is an *Error: Options.NoHeader says that there is none.
// In a workbook, another sheet is taken if the first has no such column and it is the only one that has.
//
// Row.None is a row that is no chat's: empty cells, a line of dashes, a total, a note, the second row of a header.
//
// # Ids
//
// Row.ChatID is the cell cleaned by CleanID: of blanks, invisible characters, full-width letters and ="…". Before any request,
// NotAnID (its table has the reasons) and dingtalk.CheckChatID check whether it can be an id.
//
// # Encodings
//
// The output has the input's encoding and byte order mark, unless Options.OutputEncoding names another. UTF8 has no
// mark, UTF8BOM has one, and UTF-16 gets one. Detect reads every byte of a file. For a stream, NewReader decides by the
// first bytes; later bytes that do not fit are an *Error.
//
// If the output's encoding lacks a character of the input, Read returns an *Error: reading the file through finds it
// before any call. In an appended cell, the character's code point replaces it, like \u{1F600}.
//
// # Limits
//
// A file with a record longer than MaxRecord is refused.
//
// A workbook keeps all its cells, formats, sheets and pictures. The result columns follow the widest row and get
// the format of the last header cell. References of formulas to whole rows, tables, filters and print ranges are not extended. A signature
// becomes invalid. A new workbook, made from CSV or lines, holds only text. White space between elements of a JSON
// array is lost.
//
// Memory does not grow with the number of rows, apart from 4 bytes for each distinct text of a workbook. A workbook
// from a stream, and the texts of a large workbook, are kept in a temporary file.
package rows
