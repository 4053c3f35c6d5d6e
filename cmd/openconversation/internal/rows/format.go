// Package rows reads files of chats, one chat a row, and writes each row back with what became of its chat. What a row
// holds besides its chat id is kept byte by byte.
package rows

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Format is how a file holds its rows.
type Format string

// The formats.
const (
	Lines     Format = "lines" // one chat id a line; blank lines and lines that begin with # do not count
	CSV       Format = "csv"   // with a header
	TSV       Format = "tsv"   // the same with tabs, and CSV's quotes
	JSONLines Format = "jsonl" // one JSON object a line
)

// Formats are all formats.
var Formats = []Format{Lines, CSV, TSV, JSONLines}

var extensions = map[string]Format{".txt": Lines, ".csv": CSV, ".tsv": TSV, ".jsonl": JSONLines, ".ndjson": JSONLines}

// FormatOf tells a file's format by the end of its name.
func FormatOf(name string) (format Format, known bool) {
	format, known = extensions[strings.ToLower(filepath.Ext(name))]
	return format, known
}

// Output is the format in which rows of this format are written back: plain lines become CSV.
func (f Format) Output() Format {
	if f == Lines {
		return CSV
	}
	return f
}

// comma is what separates the cells of a table; 0 if it is none.
func (f Format) comma() byte {
	switch f {
	case CSV:
		return ','
	case TSV:
		return '\t'
	default:
		return 0
	}
}

// The names of the columns and fields that are appended.
var (
	appendedColumns = []string{"open_conversation_id", "error_code", "error"}
	appendedFields  = []string{"openConversationId", "errorCode", "error"}
)

// usualNames are what a chat id's column or field is called, where nobody says.
var usualNames = []string{"chat_id", "chatId", "chatid"}

// Error is something wrong with the input as a whole, after which it cannot be read on.
type Error struct {
	Line int // from 1; 0 if it is about no line
	Text string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

func broken(line int, format string, args ...any) error {
	return &Error{Line: line, Text: fmt.Sprintf(format, args...)}
}

// pick finds the one of names that holds chat ids. what is "column" or "field", and flag what selects it.
func pick(names []string, wanted, what, flag string) (int, error) {
	if wanted != "" {
		at := slices.Index(names, wanted)
		switch {
		case at < 0:
			return 0, fmt.Errorf("there is no %s %q; there are: %s", what, wanted, strings.Join(names, ", "))
		case slices.Contains(names[at+1:], wanted):
			return 0, fmt.Errorf("there are two %ss %q", what, wanted)
		}
		return at, nil
	}
	found := -1
	for i, name := range names {
		if slices.Contains(usualNames, name) {
			if found >= 0 {
				return 0, fmt.Errorf("both %s and %s may hold the chat ids; name one with %s", names[found], name, flag)
			}
			found = i
		}
	}
	if found < 0 {
		return 0, errors.New("which " + what + " holds the chat ids? name it with " + flag + "; there are: " + strings.Join(names, ", "))
	}
	return found, nil
}
