// Package explain describes errors for people and scripts: a text of one line, a hint, a name in JSON and the exit
// code. Sentences are whole format strings, because a catalogue translates them.
package explain

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Error is an error with its exit code.
type Error struct {
	Code     int
	Err      error
	Hint     lang.Text // how to fix it; may be empty
	Reported bool      // it was printed
}

func (e *Error) Error() string { return e.Err.Error() }

// Say implements lang.Said.
func (e *Error) Say(l lang.Language) string { return l.Of(e.Err) }

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// Usage makes the error of a wrong call of the command: wrong arguments, or unreadable input or output.
func Usage(format lang.Format, args ...any) error {
	return &Error{Code: UsageExit, Err: lang.Errorf(format, args...)}
}

// UsageHint is Usage with a hint.
func UsageHint(hint, format lang.Format, args ...any) error {
	return &Error{Code: UsageExit, Err: lang.Errorf(format, args...), Hint: lang.T(hint)}
}

// TimeoutError is the cause of a context that --timeout ended.
type TimeoutError struct{ After time.Duration }

func (e TimeoutError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e TimeoutError) Say(l lang.Language) string {
	return l.Sprintf("stopped by --timeout: %s have passed", Duration(e.After))
}

// Unwrap returns the context's error, for errors.Is.
func (e TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Within returns a context that --timeout ends; 0 is no limit.
func Within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, limit, TimeoutError{After: limit})
}

// ExitCode returns the exit code of a process that ended with err.
func ExitCode(err error) int {
	if err == nil {
		return OK
	}
	var known *Error
	if errors.As(err, &known) {
		return known.Code
	}
	var stopped term.SignalError
	if errors.As(err, &stopped) {
		return signalled + int(stopped.Signal)
	}
	row := find(err)
	if row == nil {
		return Unavailable // a full disk, a port in use: faults of this machine count like the network's
	}
	var e *dingtalk.Error
	if row.exit == SomeFailed && errors.As(err, &e) && e.TokenEndpoint {
		return row.exitToken // without a token no chat can be converted
	}
	return row.exit
}

// ExitCodeOfOne returns the exit code of a command with a single chat: a failure of one chat is a failure of the
// command.
func ExitCodeOfOne(err error) int {
	code := ExitCode(err)
	if row := find(err); code == SomeFailed && row != nil {
		return row.exitToken
	}
	return code
}

// StopCode returns the exit code of a run stopped by an error.
func StopCode(err error) int {
	if code := ExitCode(err); code != SomeFailed {
		return code
	}
	return Unavailable
}

// InFile adds the file's name to an error, unless the error has it.
func InFile(name any, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return lang.Errorf("%s: %w", name, err)
}

// The exit codes. Scripts decide by them: they are part of the command's interface.
const (
	OK          = 0
	SomeFailed  = 1
	UsageExit   = 2
	Credentials = 3
	Limited     = 4
	Unavailable = 5
	signalled   = 128 // plus the signal's number, as in shells
	HungUp      = signalled + 1
	Interrupted = signalled + 2
	Terminated  = signalled + 15
)
