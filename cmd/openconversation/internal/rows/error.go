package rows

import "github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"

// Part is the field of Options that would fix an Error.
type Part string

// The parts.
const (
	PartNone     Part = ""
	PartFormat   Part = "format"
	PartEncoding Part = "encoding"
	PartOutput   Part = "output encoding"
	PartSheet    Part = "sheet"
	PartHeader   Part = "header" // HeaderRow and NoHeader
	PartColumn   Part = "column" // ID, of a table
	PartField    Part = "field"  // ID, of objects
)

// Error is a fault of the whole input, after which reading ends.
type Error struct {
	Line int       // from 1; in a workbook the row; 0: no line
	Text lang.Text // the fault and the fix, without the option's name: see Part
	Part Part      // option that would make the file readable
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

// settled makes an error that a field of the options would fix.
func settled(part Part, line int, format lang.Format, args ...any) error {
	return &Error{Line: line, Text: lang.T(format, args...), Part: part}
}
