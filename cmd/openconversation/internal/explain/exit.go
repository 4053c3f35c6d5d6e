// Package explain describes errors for people and scripts: a text of one line, a hint, a name in JSON and the exit
// code. Sentences are whole format strings, because a catalogue translates them.
package explain

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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

// ExitCodeOfOne returns the exit code of a command with a single chat: a failure of one chat is a failure of the command.
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

// The environment variables. A secret is never a flag: other users of the machine can read a process's arguments.
const (
	EnvAppKey    = "DINGTALK_APP_KEY"
	EnvAppSecret = "DINGTALK_APP_SECRET"
	EnvBaseURL   = "DINGTALK_BASE_URL"
	EnvRedisURL  = "DINGTALK_REDIS_URL"
)

// line is a line of a table at the end of a command's help.
type line struct {
	name, of string // of: the commands that have it
	meaning  lang.Format
}

var environment = []line{
	{EnvAppKey, "convert call doctor budget", "the app's key (Client ID in newer consoles)"},
	{EnvAppSecret, "convert call doctor budget", "the app's secret (Client Secret); --app-secret-file comes first"},
	{EnvBaseURL, "convert call doctor budget", "the host to call; --region and --base-url come first"},
	{EnvRedisURL, "convert budget", "the Redis that shares the app's limits; --redis comes first; it may hold a password"},
	{"HTTPS_PROXY, ALL_PROXY, NO_PROXY", "convert call doctor", "proxy to the host, as usual"},
	{"SSL_CERT_FILE", "convert call doctor", "PEM file of the authorities to trust, such as that of a company's proxy; Windows and macOS have stores of their own"},
	{"NO_COLOR", "convert doctor", "set to anything: no colours on a terminal"},
	{"LC_ALL, LC_MESSAGES, LANG", "convert call doctor budget", "language of messages, Chinese or else English; --lang comes first"},
}

var exitCodes = []line{
	{"0", "convert", "every chat was converted"},
	{"0", "call", "the call succeeded"},
	{"0", "doctor", "every check passed"},
	{"0", "budget", "the count was printed"},
	{"1", "convert", "some chats could not be converted, or are probably no chat ids (see --accept-unknown)"},
	{"1", "call", "the service refused the call"},
	{"1", "doctor", "the chat cannot be converted"},
	{"2", "convert", "usage error, unreadable input or unwritable output; nothing was sent (except rows of a stream before its fault)"},
	{"2", "call doctor budget", "usage error; nothing was sent"},
	{"3", "convert call doctor budget", "credentials or a permission are missing or wrong"},
	{"4", "convert", "throttled, banned, or the quota, --monthly-budget or --max-calls is used up; the same command goes on later"},
	{"4", "call doctor", "throttled, banned, or the quota is used up"},
	{"5", "convert", "the network, the service or this machine failed, or --timeout passed; the same command goes on"},
	{"5", "call doctor", "the network, the service or this machine failed"},
	{"5", "budget", "Redis or this machine failed"},
	{"129, 130, 143", "convert", "stopped by SIGHUP (a closed terminal), SIGINT (Ctrl-C) or SIGTERM; the same command goes on"},
	{"129, 130, 143", "call doctor budget", "stopped by SIGHUP, SIGINT or SIGTERM"},
}

// Footer returns the tables at the end of a command's help: the environment variables and the exit codes of commands that make
// calls. The root has those of convert.
func Footer(l lang.Language, cmd *cobra.Command) string {
	command, _, _ := strings.Cut(strings.TrimPrefix(cmd.CommandPath(), term.CommandName+" "), " ")
	if !cmd.HasParent() {
		command = "convert"
	}
	return table(l, "Environment:", environment, command, 29) + table(l, "Exit codes:", exitCodes, command, 17)
}

func table(l lang.Language, title lang.Format, lines []line, command string, column int) string {
	var b strings.Builder
	for _, line := range lines {
		if slices.Contains(strings.Fields(line.of), command) {
			b.WriteString(term.Beside("  "+line.name, l.Sprintf(line.meaning), column))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n" + l.Sprintf(title) + "\n" + b.String()
}
