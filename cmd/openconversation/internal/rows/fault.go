package rows

import (
	"errors"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/xlsx"
)

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

// inWorkbook is an error of package xlsx, which knows no language.
type inWorkbook struct{ err error }

// Say implements lang.Said.
func (w inWorkbook) Say(l lang.Language) string {
	var wrong *xlsx.Error
	switch {
	case !errors.As(w.err, &wrong):
		return l.Of(w.err)
	case wrong.Of != nil:
		return l.Sprintf("%s: %s", inWorkbook{wrong.Of}, l.Sprintf(lang.Format(wrong.Fault), wrong.Args...))
	default:
		return l.Sprintf(lang.Format(wrong.Fault), wrong.Args...)
	}
}
