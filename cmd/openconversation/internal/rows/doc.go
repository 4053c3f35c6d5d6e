// Package rows reads files of chats, one chat a row, and writes each row back with its chat's result: in the same
// format, encoding and separator, with three columns or fields appended. All other content of a row is kept.
//
// The table in format.go lists the abilities of each format; Detect finds out a file's. A Reader reads the rows and makes their
// records for a stream. A workbook and a JSON array are not written row by row (see Whole): Assemble makes any output from a
// second Reader of the same input.
//
// An output is an input, and so is a table that someone has filled in: results that are the last columns or fields, from
// the openConversationId on, are Row.Known. They are cut off and written anew. Elsewhere such a column is refused.
//
// The header is the first of the first twenty rows that names the column of the chat ids. What stands above it, such as a
// title, comes out as it is. In a workbook, another sheet is taken if the first has no such column and it is the only one that has.
//
// The output has the input's encoding and byte order mark, unless Options.OutputEncoding names another. UTF8 has no
// mark, UTF8BOM has one, and UTF-16 gets one. If it lacks a character of the input, Read returns an *Error: reading the file
// through finds it before any call. In an appended cell, the character's code point replaces it, like \u{1F600}.
//
// A file with a record longer than MaxRecord is refused. A workbook keeps all its cells, formats, sheets and pictures. The result
// columns follow the widest row and get the format of the last header cell. References of formulas to whole rows, tables, filters
// and print ranges are not extended. A signature becomes invalid. A new workbook, made from CSV or lines, holds only text. White
// space between elements of a JSON array is lost.
//
// Memory does not grow with the number of rows, apart from 4 bytes for each distinct text of a workbook; the texts of a large
// one are kept in a temporary file.
package rows
