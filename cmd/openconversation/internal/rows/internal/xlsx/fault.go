package xlsx

import "fmt"

// ErrNotWorkbook is the error of a file that is not an xlsx workbook.
var ErrNotWorkbook = fault("it is no xlsx workbook, or a damaged one")

// Fault is a format of fmt that says in English what is wrong with a file. Callers may translate it.
type Fault string

// Error is a fault of a file.
type Error struct {
	Fault Fault
	Args  []any
	Of    error // ErrNotWorkbook, or nil
}

func (e *Error) Error() string {
	text := fmt.Errorf(string(e.Fault), e.Args...).Error()
	if e.Of != nil {
		return e.Of.Error() + ": " + text
	}
	return text
}

// Unwrap returns ErrNotWorkbook and the errors among the arguments.
func (e *Error) Unwrap() []error {
	var all []error
	for _, arg := range append([]any{e.Of}, e.Args...) {
		if err, is := arg.(error); is {
			all = append(all, err)
		}
	}
	return all
}

func fault(text Fault, args ...any) error { return &Error{Fault: text, Args: args} }
func damaged(text Fault, args ...any) error {
	return &Error{Fault: text, Args: args, Of: ErrNotWorkbook}
}
