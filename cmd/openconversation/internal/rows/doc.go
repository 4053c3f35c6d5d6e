// Package rows reads files of chats, one chat a row, and writes each row back with its chat's result: in the same
// format, encoding and separator, with three columns or fields appended. All other content of a row is kept. The example
// of NewReader shows it.
//
// # Formats
//
// The table in format.go lists the abilities of each format. Without a given format, Detect uses the file's extension
// and first bytes. Files of other kinds, such as .xls, are refused with the format to save them as.
//
// # Continuing a run
//
// Header and Finish return whole records of a text file: the file can be cut after the last whole one and continued.
// Written reads them back, in step with the input:
//
//	done, err := in.Written(file) // an *Error if the file begins otherwise
//	for done.Next() == nil {      // io.EOF after the last whole record
//		row, err := in.Read()
//		result, ok := done.Result(row) // ok is false if the record is another row's
//	}
//	file.Truncate(done.End())     // drops an incomplete record
//
// A workbook and a JSON array cannot be written like that. For them (see Journaled) Header is empty and Finish returns
// lines of a journal: JSON Lines, UTF-8, one line a row, which Written reads back in the same way. The caller keeps the
// journal next to the output until the run is complete. At the end, or to show the rows so far, Assemble makes the
// output from a second Reader of the same input and the journal. Rows missing from the journal get no result.
//
//	again, err := rows.NewReader(file, o)
//	err = again.Assemble(newOutput, journal)
//
// # Rows of an older output
//
// Old reads a complete output, unchanged or saved by a spreadsheet program with another separator, encoding or line
// end, other quotes, or empty columns at the end. It matches the rows with the input's cell by cell.
//
//	old, err := in.Old(oldFile)
//	result, err := old.Next(row) // *Error: another row, with the first different cell; io.EOF: fewer rows
//	err = old.End()              // *Error: more rows
//
// # Ids
//
// Row.ChatID is the cell cleaned by CleanID. Before any request, NotAnID and dingtalk.CheckChatID check whether it can
// be an id.
//
//	cell                                             handling
//	blanks at the ends, no-break ones included       trimmed by CleanID
//	invisible characters, anywhere                   removed by CleanID
//	="chat…", a spreadsheet's form of text           unwrapped by CleanID
//	an address (https://…), a path (chat/create)     refused by NotAnID
//	\ or ? in it                                     refused by NotAnID
//	blanks, commas, semicolons, bars, tabs in it     refused by NotAnID: a whole row, or a sentence
//	quotes, brackets and braces in it                refused by NotAnID: part of CSV or JSON
//	= + @ at its beginning                           refused by NotAnID: a formula
//	#N/A and the like, 1.2E+15                       refused by NotAnID: an id damaged by a spreadsheet
//	chat_id and the like                             refused by NotAnID: a header
//	empty, . and .., too long, control characters    refused by dingtalk.CheckChatID
//	an openConversationId                            refused by dingtalk.CheckChatID
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
// A record longer than MaxRecord becomes a row with a Problem: it keeps the cells that fit, and leaves out the others.
//
// A workbook keeps all its cells, formats, sheets and pictures. The result columns follow the last header cell and get
// its format. References of formulas to whole rows, tables, filters and print ranges are not extended. A signature
// becomes invalid. A new workbook, made from CSV or lines, holds only text. White space between elements of a JSON
// array is lost.
//
// Memory does not grow with the number of rows, apart from 4 bytes for each distinct text of a workbook. A workbook
// from a stream, and the texts of a large workbook, are kept in a temporary file.
package rows
