package explain

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// ownError is the error of a command that has begun: it was called as it can be.
type ownError struct{ err error }

func (e ownError) Error() string { return e.err.Error() }
func (e ownError) Unwrap() error { return e.err }

// Begins marks the point from which an error is the command's own, and no longer about how it was called.
func Begins(command func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := command(cmd, args); err != nil {
			return ownError{err}
		}
		return nil
	}
}

// Called is the error of running a command: its own as it is, and one about how it was called in this command's words.
func Called(cmd *cobra.Command, err error) error {
	var own ownError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own.err
	}
	hint := "see " + cmd.CommandPath() + " --help"
	return &Error{Code: UsageExit, Err: errors.New(calledWrongly(cmd, err)), Hint: hint}
}

func calledWrongly(cmd *cobra.Command, err error) string {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		return fmt.Sprintf("--%s %s: %s", value.GetFlag().Name, quoted(value.GetValue()), wants(value))
	case errors.As(err, &missing):
		return fmt.Sprintf("--%s needs a value", missing.GetFlag().Name)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Sprintf("there is no flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return fmt.Sprintf("there is no flag --%s", unknown.GetSpecifiedName())
	}
	if m := unknownCommand.FindStringSubmatch(err.Error()); m != nil {
		if cmd.HasParent() {
			return fmt.Sprintf("%s takes no argument, and was given %s", m[3], m[1])
		}
		if m[4] != "" {
			return fmt.Sprintf("there is no command %s; did you mean %s?", m[1], List(strings.Fields(m[4]), "or"))
		}
		return fmt.Sprintf("there is no command %s", m[1])
	}
	return err.Error()
}

// unknownCommand is what cobra says of an argument that is neither expected nor a command.
var unknownCommand = regexp.MustCompile(`(?s)^unknown command (".*") for ("(.*)")(?:\n\nDid you mean this\?\n(.*))?$`)

// wants says what a flag's value has to be.
func wants(e *pflag.InvalidValueError) string {
	kind, value := e.GetFlag().Value.Type(), e.GetValue()
	var own *ValueError
	if errors.As(e.Unwrap(), &own) {
		return own.Error()
	}
	switch kind {
	case "duration":
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			return fmt.Sprintf("say the unit, such as %ss or %sm", value, value)
		}
		return "give a time with its unit, such as 30s, 5m or 1h30m"
	case "int":
		if _, err := strconv.ParseInt(value, 0, 64); errors.Is(err, strconv.ErrRange) {
			return "this number is too large"
		}
		return "give a whole number"
	case "float64":
		return "give a number, such as 20 or 0.5"
	case "bool":
		return "give true or false, or the flag alone"
	default:
		return "this is not what it can be"
	}
}

// ValueError is the refusal of a flag's value, in whole words.
type ValueError struct{ Text string }

func (e *ValueError) Error() string { return e.Text }

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
		return fmt.Errorf("%s takes no argument, and was given %s", cmd.CommandPath(), quoted(args[0]))
	default:
		return fmt.Errorf("%s takes one argument at most, and was given %d", cmd.CommandPath(), len(args))
	}
}

// Alone refuses flags that cannot stand beside each other. It knows those that were set.
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
	return UsageHint("see "+cmd.CommandPath()+" --help", "%s cannot be given together", List(set, "and"))
}
