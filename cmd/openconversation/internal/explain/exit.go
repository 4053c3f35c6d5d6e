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

// Error is an error that knows its exit code.
type Error struct {
	Code     int
	Err      error
	Hint     lang.Text // what to do about it; may be empty
	Reported bool      // it has been printed
}

func (e *Error) Error() string { return e.Err.Error() }

// Say implements lang.Said.
func (e *Error) Say(l lang.Language) string { return l.Of(e.Err) }

// Unwrap is what the error is about.
func (e *Error) Unwrap() error { return e.Err }

// Usage is the error of a command that was called wrongly, or given what it cannot read or write.
func Usage(format lang.Format, args ...any) error {
	return &Error{Code: UsageExit, Err: lang.Errorf(format, args...)}
}

// UsageHint is the same with what to do about it.
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

// Unwrap lets errors.Is find what contexts say.
func (e TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// ExitCode is what a process that ended with err tells its parent.
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
		return Unavailable // a full disk, a port in use: this machine's failures stop a run as the network's do
	}
	var e *dingtalk.Error
	if row.exit == SomeFailed && errors.As(err, &e) && e.TokenEndpoint {
		return row.exitToken // no chat can be converted without a token
	}
	return row.exit
}

// ExitCodeOfOne is the exit code where a failure is that of the only chat there is: what would concern one chat in a run
// concerns every call here.
func ExitCodeOfOne(err error) int {
	code := ExitCode(err)
	if row := find(err); code == SomeFailed && row != nil {
		return row.exitToken
	}
	return code
}

// StopCode is the exit code of a run that an error stopped.
func StopCode(err error) int {
	if code := ExitCode(err); code != SomeFailed {
		return code
	}
	return Unavailable
}

// InFile names the file that an error is about, once.
func InFile(name any, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return lang.Errorf("%s: %w", name, err)
}
