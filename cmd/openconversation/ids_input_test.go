package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

func TestInputThatFails(t *testing.T) {
	env := answering(t, func(chatID string) (string, int, string) { return "cid-" + chatID, 0, "" })
	broken := errors.New("input/output error")
	input := io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken))
	got := call{args: []string{"convert", "-"}, stdin: input, env: env}.run()
	got.check(t, result{5, "a\tcid-a\nb\tcid-b\n", "openconversation: stopped: 2 converted, 0 failed, the rest not converted\nopenconversation: standard input: line 3: input/output error\n"})

	// What fails before a call is needed costs none.
	got = call{args: []string{"convert", "-"}, stdin: io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken)), env: env}.run()
	got.check(t, result{5, "", "openconversation: standard input: line 2: input/output error\n"})
}

// A read from a terminal or a pipe cannot be interrupted; a signal ends the run all the same.
func TestSignalWhileReading(t *testing.T) {
	env := answering(t, func(chatID string) (string, int, string) { return "cid-" + chatID, 0, "" })
	for _, lines := range []string{"", "a\n", "a\nb\n"} {
		reader, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		ctx, cancel := context.WithCancelCause(t.Context())
		input := io.MultiReader(strings.NewReader(lines), readerFunc(func(p []byte) (int, error) {
			cancel(term.SignalError{Signal: syscall.SIGTERM}) // everything before has been read
			return reader.Read(p)
		}))
		got := call{ctx: ctx, args: []string{"convert", "-"}, stdin: input, env: env}.run()
		if got.code != explain.Terminated || !strings.HasSuffix(got.stderr, "openconversation: stopped by SIGTERM\n") {
			t.Errorf("%q: %+v", lines, got)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
