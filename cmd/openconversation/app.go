package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// app is what commands have of the outside world.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	// connect makes what converts chats, and says how to let go of it.
	connect func(context.Context, connection) (converter, func(), error)

	running bool // a command has begun: its arguments and flags were right
}

const commandName = "openconversation"

// execute runs the command that args name, and returns its exit code.
func (a *app) execute(ctx context.Context, args []string) int {
	root := newRootCommand(a)
	root.SetArgs(append([]string{}, args...)) // never nil, which cobra takes for os.Args
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !a.running {
		err = &exitError{code: exitUsage, err: errors.New(suggestion(err)), hint: "see " + cmd.CommandPath() + " --help"}
	}
	a.complain(err)
	return exitCode(err)
}

// begins marks the point from which an error is the command's own, and no longer cobra's about how it was called.
func (a *app) begins(command func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.running = true
		return command(cmd, args)
	}
}

// complain prints an error and what to do about it, unless that has been done.
func (a *app) complain(err error) {
	var known *exitError
	if err == nil || errors.As(err, &known) && known.reported {
		return
	}
	fmt.Fprintf(a.stderr, "%s: %s\n", commandName, describe(err))
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", hint)
	}
}

// note tells the user something that is no error.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.stderr, "%s: %s\n", commandName, printable(fmt.Sprintf(format, args...)))
}

// print writes to standard output. A failure must not pass for success: a full disk has cost results before.
func (a *app) print(text string) error {
	if _, err := io.WriteString(a.stdout, text); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// suggestion is cobra's error in one line. It spreads what may have been meant over several.
func suggestion(err error) string {
	text, meant, found := strings.Cut(err.Error(), "\n\nDid you mean this?\n")
	if found {
		text += "; did you mean " + strings.Join(strings.Fields(meant), " or ") + "?"
	}
	return text
}
