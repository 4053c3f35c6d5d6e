package explain

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// ownError is an error of a command that was called correctly.
type ownError struct{ err error }

func (e ownError) Error() string { return e.err.Error() }

// Say implements lang.Said.
func (e ownError) Say(l lang.Language) string { return l.Of(e.err) }
func (e ownError) Unwrap() error              { return e.err }

// Begins marks the command's start: errors from here on are the command's own, not errors of usage.
func Begins(command func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := command(cmd, args); err != nil {
			return ownError{err}
		}
		return nil
	}
}

// Called returns the error of running a command: its own unchanged, and errors of usage in this command's words.
func Called(cmd *cobra.Command, err error) error {
	var own ownError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own.err
	}
	return &Error{Code: UsageExit, Err: calledWrongly(cmd, err), Hint: seeHelp(cmd)}
}

// seeHelp is the hint to a command's help.
func seeHelp(cmd *cobra.Command) lang.Text { return lang.T("see %s --help", cmd.CommandPath()) }

func calledWrongly(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return lang.Errorf("--%s %s: %s", value.GetFlag().Name, quoted(value.GetValue()), wants(value))
	case errors.As(err, &missing):
		return lang.Errorf("--%s needs a value", missing.GetFlag().Name)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return lang.Errorf("there is no flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return lang.Errorf("there is no flag --%s", unknown.GetSpecifiedName())
	}
	if m := unknownCommand.FindStringSubmatch(err.Error()); m != nil {
		if cmd.HasParent() {
			return lang.Errorf("%s takes no argument, and was given %s", m[3], m[1])
		}
		if m[4] != "" {
			return lang.Errorf("there is no command %s; did you mean %s?", m[1], lang.List(strings.Fields(m[4]), "or"))
		}
		return lang.Errorf("there is no command %s", m[1])
	}
	return err
}

// unknownCommand matches cobra's error for an unexpected argument or unknown command.
var unknownCommand = regexp.MustCompile(`(?s)^unknown command (".*") for ("(.*)")(?:\n\nDid you mean this\?\n(.*))?$`)

// wants describes the valid values of a flag.
func wants(e *pflag.InvalidValueError) lang.Said {
	kind, value := e.GetFlag().Value.Type(), e.GetValue()
	var own lang.Said // the error of one of our own flags
	if errors.As(e.Unwrap(), &own) {
		return own
	}
	switch kind {
	case "duration":
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			return lang.T("say the unit, such as %ss or %sm", value, value)
		}
		return lang.T("give a time with its unit, such as 30s, 5m or 1h30m")
	case "int":
		if _, err := strconv.ParseInt(value, 0, 64); errors.Is(err, strconv.ErrRange) {
			return lang.T("this number is too large")
		}
		return lang.T("give a whole number")
	case "float64":
		return lang.T("give a number, such as 20 or 0.5")
	case "bool":
		return lang.T("give true or false, or the flag alone")
	default:
		return lang.T("this is not what it can be")
	}
}

func quoted(value string) string {
	if value == "" || strings.ContainsAny(value, " \t") {
		return strconv.Quote(value)
	}
	return term.Shown(value)
}

// NoArgs refuses arguments.
func NoArgs(cmd *cobra.Command, args []string) error { return atMost(cmd, args, 0) }

// AtMostOne refuses more than one argument.
func AtMostOne(cmd *cobra.Command, args []string) error { return atMost(cmd, args, 1) }

func atMost(cmd *cobra.Command, args []string, n int) error {
	switch {
	case len(args) <= n:
		return nil
	case n == 0:
		return lang.Errorf("%s takes no argument, and was given %s", cmd.CommandPath(), quoted(args[0]))
	default:
		return lang.Errorf("%s takes one argument at most, and was given %d", cmd.CommandPath(), len(args))
	}
}

// Alone refuses two or more set flags of names together.
func Alone(cmd *cobra.Command, names ...string) error {
	var set []string
	for _, name := range names {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			set = append(set, "--"+name)
		}
	}
	if len(set) < 2 {
		return nil
	}
	return &Error{Code: UsageExit, Err: lang.Errorf("%s cannot be given together", lang.List(set, "and")), Hint: seeHelp(cmd)}
}
