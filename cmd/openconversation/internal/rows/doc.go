// Package rows reads files of chats, one chat a row, and writes each row back with what became of its chat: in the same
// format, encoding and separator, with three columns or fields appended. What a row holds besides is kept.
//
//	o, err := rows.Detect(file, "chats.csv", rows.Options{})  // reads the file through: its format and encoding
//	in, err := rows.NewReader(file, o)                         // once to check every row, and again for the run
//	notice := in.Found().String()                              // "CSV, separated by semicolons, GB18030"
//	_, err = out.Write(in.Header())                            // may be empty
//	for row, err := in.Read(); err == nil; row, err = in.Read() {
//		result := rows.Result{Code: "invalid", Error: row.Problem}
//		if row.Problem == "" {
//			result = convert(row.ChatID)
//		}
//		_, err = out.Write(in.Finish(row.Start, result)) // one whole record; at io.EOF the file is complete
//	}
//
// # Formats
//
// The table of formats in format.go says what each can do. Where nobody says which, Detect goes by the end of the name
// and by what the file begins with. A kind of file that is none of them, such as .xls, is refused with what to save it as.
//
// # Taking up a run
//
// Header and Finish give whole records of a text file, so that a file of them can be cut at the last whole one and
// continued. Written reads them back, in step with the input:
//
//	done, err := in.Written(file) // an *Error if the file begins otherwise
//	for done.Next() == nil {      // io.EOF after the last whole record
//		row, err := in.Read()
//		result, ok := done.Result(row) // ok is false if the record is another row's
//	}
//	file.Truncate(done.End())     // what stands after it is torn
//
// A workbook and a JSON array cannot be written like that. For them, where Journaled says so, Header is empty and
// Finish gives the lines of a journal: JSON Lines, UTF-8, one line a row, which Written reads back alike. The caller keeps the
// journal beside the output as long as the run is not complete; at the end, or to show what there is so far, Assemble
// makes the output of a second Reader of the same input and the journal. Rows that the journal lacks get no result.
//
//	again, err := rows.NewReader(file, o)
//	err = again.Assemble(newOutput, journal)
//
// # Rows of an older output
//
// Old reads a complete output, as it was written or as a spreadsheet saved it again: with another separator, encoding
// or line end, other quotes, empty columns at the end. Its rows are matched with the input's cell by cell.
//
//	old, err := in.Old(oldFile, o.Shard)
//	result, err := old.Next(row) // *Error: the row is another, with the first cell that differs; io.EOF: there are fewer
//	err = old.End()              // *Error: there are more
//
// # Parts
//
// Options.Shard reads a part of the rows, which the ids decide. FindShard tells which part an output holds.
//
// # What is an id
//
// Row.ChatID is what CleanID made of the cell. Whether it can be an id at all is asked of NotAnID and of
// dingtalk.CheckChatID, before anything is sent.
//
//	shape of the cell                                what becomes of it
//	blanks at the ends, no-break ones included       trimmed by CleanID
//	invisible characters, anywhere                   removed by CleanID
//	="chat…", a spreadsheet's way to keep a text     unwrapped by CleanID
//	an address (https://…), a path (chat/create)     refused by NotAnID
//	\ or ? in it                                     refused by NotAnID
//	blanks, commas, semicolons, bars, tabs in it     refused by NotAnID: a whole row, or a sentence
//	quotes, brackets and braces in it                refused by NotAnID: a piece of CSV or JSON
//	= + @ at its beginning                           refused by NotAnID: a formula
//	#N/A and its kind, 1.2E+15                       refused by NotAnID: what a spreadsheet left of an id
//	chat_id and its kind                             refused by NotAnID: a header
//	empty, . and .., too long, control characters    refused by dingtalk.CheckChatID
//	an openConversationId                            refused by dingtalk.CheckChatID
//
// # Encodings
//
// The output has the encoding of the input and its byte order mark, unless Options.OutputEncoding names another. UTF-8
// is named without a mark, UTF8BOM is the same with one, and UTF-16 gets one. Of a file, Detect reads every byte; of a
// stream, NewReader goes by the first bytes, and what does not fit later is an *Error.
//
// A cell of the input that the output's encoding lacks is an *Error of Read, so that reading the file through finds it
// before anything is spent. In an appended cell such a character is written as its code point, like \u{1F600}.
//
// # What cannot be held
//
// A record longer than MaxRecord is a row with a Problem: cells that do not fit are left out, the others are kept.
//
// A workbook keeps every cell, format, sheet and picture that it has; the result columns stand right of the last header
// cell, and take its format. Formulas that refer to whole rows are not told of them, and neither tables, filters nor
// print ranges are widened. A signature does not hold any more. A workbook that is made new, of CSV or lines, holds
// texts alone. The spaces between the elements of a JSON array are not kept.
//
// Memory does not grow with the number of rows, except 4 bytes for each distinct text of a workbook. A workbook that
// comes as a stream, and the texts of a large one, lie in a temporary file meanwhile.
package rows
