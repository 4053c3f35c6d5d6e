// Command openconversation converts the chatId of a DingTalk group into its openConversationId. It also serves an
// emulator of DingTalk, and prints the contract. `openconversation --help` lists the commands, exit codes and
// environment variables.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
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
	cmd, err := root.ExecuteContextC(ctx)
	err = explain.Called(cmd, err)
	explain.Complain(w, err)
	return explain.ExitCode(err)
}
