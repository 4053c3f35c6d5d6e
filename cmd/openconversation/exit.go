package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// The exit codes. Scripts decide by them: they are part of the command's interface.
const (
	exitOK          = 0
	exitSomeFailed  = 1
	exitUsage       = 2
	exitCredentials = 3
	exitLimited     = 4
	exitUnavailable = 5
	exitSignal      = 128 // plus the signal's number, as shells say it
	exitInterrupted = exitSignal + 2
	exitTerminated  = exitSignal + 15
)

// exitCodes says what each code means, for people.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "everything was converted"},
	{exitSomeFailed, "some chats could not be converted, all others were; or a code is not in the catalogue"},
	{exitUsage, "wrong usage or unreadable input; nothing was sent, except for what a stream held before it could not be read"},
	{exitCredentials, "credentials or a permission are missing or wrong; the run stopped"},
	{exitLimited, "throttled, out of the month's quota or the calls of --monthly-budget or --max-calls, or banned; the run stopped and can be continued later"},
	{exitUnavailable, "the network, the service or this machine failed, or --timeout passed; the run stopped and can be continued"},
	{exitInterrupted, "stopped by SIGINT (Ctrl-C); can be continued"},
	{exitTerminated, "stopped by SIGTERM; can be continued"},
}

// exitText is the table as --help shows it.
func exitText() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, row := range exitCodes {
		fmt.Fprintf(&b, "  %-3d  %s\n", row.code, row.meaning)
	}
	return b.String()
}

// exitError is an error that knows its exit code.
type exitError struct {
	code     int
	err      error
	hint     string // what to do about it; may be empty
	reported bool   // it has been printed
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// timeoutError is the cause of a context that --timeout ended.
type timeoutError struct{ after string }

func (e timeoutError) Error() string { return "stopped by --timeout: " + e.after + " have passed" }
func (e timeoutError) Unwrap() error { return context.DeadlineExceeded }

// exitCode is what a process that ended with err tells its parent.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	var known *exitError
	if errors.As(err, &known) {
		return known.code
	}
	var signalled signalError
	if errors.As(err, &signalled) {
		return exitSignal + int(signalled.signal)
	}
	row := failureOf(err)
	if row == nil {
		return exitUnavailable // a full disk, a port in use: this machine's failures stop a run as the network's do
	}
	var e *dingtalk.Error
	if row.exit == exitSomeFailed && errors.As(err, &e) && e.TokenEndpoint {
		return row.exitToken // no chat can be converted without a token
	}
	return row.exit
}
