// Command openconversation converts the chatId of a DingTalk group into its openConversationId. It also serves an
// emulator of DingTalk, and prints the contract. `openconversation --help` lists the commands, exit codes and environment variables.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/spf13/cobra"

	calls "github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/doctor"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/emulate"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/run"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func main() {
	log.SetOutput(io.Discard) // net/http prints bytes after an answer's end, which may hold a token
	connect.UseAllProxy()
	ctx := term.UntilSignal(context.Background())
	w := &term.World{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Environ: os.Environ}
	os.Exit(execute(ctx, w, os.Args[1:]))
}

// execute runs the command in args, and returns its exit code.
func execute(ctx context.Context, w *term.World, args []string) int {
	w.Lang = lang.Choose(args, w.Getenv)
	root := newRootCommand(w, args)
	root.SetArgs(append([]string{}, args...)) // never nil: cobra would use os.Args
	root.SetIn(w.In)
	err := root.ExecuteContext(ctx)
	explain.Complain(w, err)
	return explain.ExitCode(err)
}

func newRootCommand(w *term.World, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:           term.CommandName,
		Short:         "Turn DingTalk chatIds into openConversationIds",
		Version:       dingtalk.Version,
		Args:          explain.Unknown,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(w.Out) // the completion command uses it
	root.SetErr(w.Err)
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	lang.AddFlagTo(root.PersistentFlags())
	root.AddCommand(
		run.Command(w),
		calls.Command(w, args),
		calls.OperationsCommand(w),
		connect.BudgetCommand(w),
		doctor.Command(w),
		emulate.Command(w),
		explain.CodesCommand(w),
		newSpecCommand(w),
		newVersionCommand(w),
		newManCommand(w),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	refuseUnknown(root)
	explain.Prepare(w.Lang, root)
	return root
}

// refuseUnknown makes cobra's help and completion commands fail for an unknown topic or shell. By default they print
// other text and succeed.
func refuseUnknown(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				topic, rest, _ := root.Find(args)
				return explain.Unknown(topic, rest)
			}
		case "completion":
			for _, shell := range cmd.Commands() {
				shell.Args, shell.Long = explain.AtMost(0), ""
			}
			cmd.Args, cmd.Long = explain.Unknown, "" // help.txt's is about all shells
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}
