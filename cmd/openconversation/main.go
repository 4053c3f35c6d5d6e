// Command openconversation turns the chatId of a DingTalk group into its openConversationId. It also serves an emulator
// of DingTalk, and prints the contract that both keep to. `openconversation --help` has the commands, exit codes and
// environment variables.
package main

import (
	"context"
	"io"
	"os"
)

func main() {
	ctx := untilSignal(context.Background())
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}

// run is the whole command apart from the process that it runs in. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	a.connect = a.dial
	return a.execute(ctx, args)
}
