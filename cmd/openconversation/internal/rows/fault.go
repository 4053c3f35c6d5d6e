package rows

import (
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Part is the part of Options that would settle an Error.
type Part string

// The parts.
const (
	PartNone     Part = ""
	PartFormat   Part = "format"
	PartEncoding Part = "encoding"
	PartOutput   Part = "output encoding"
	PartSheet    Part = "sheet"
	PartColumn   Part = "column" // ID, of a table
	PartField    Part = "field"  // ID, of objects
)

// Error is something wrong with the input as a whole, after which it cannot be read on.
type Error struct {
	Line int       // from 1, in a workbook the row; 0 if it is about no line
	Text lang.Text // says what to do, but for the option: that is Part
	Part Part      // what to name so that the file can be read
}

func (e *Error) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e *Error) Say(l lang.Language) string {
	if e.Line == 0 {
		return e.Text.Say(l)
	}
	return l.Sprintf("line %d: %s", e.Line, e.Text)
}

func broken(line int, format lang.Format, args ...any) error {
	return &Error{Line: line, Text: lang.T(format, args...)}
}

// settled is an error that a part of the options would settle.
func settled(part Part, line int, format lang.Format, args ...any) error {
	return &Error{Line: line, Text: lang.T(format, args...), Part: part}
}
