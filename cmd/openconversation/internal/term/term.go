// Package term is a command's environment: its three streams, environment variables, signals and terminal. It formats
// text for terminals, and knows nothing of its meaning.
package term

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// CommandName prefixes messages.
const CommandName = "openconversation"

// World is a command's environment.
type World struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Environ  func() []string // as of package os
	Lang     lang.Language   // of messages for people
}

// Print writes to standard output. It reports failures: a full disk must not look like success.
func (w *World) Print(text string) error {
	if _, err := io.WriteString(w.Out, text); err != nil {
		return lang.Errorf("standard output: %w", err)
	}
	return nil
}

// PrintJSON prints v as indented JSON.
func (w *World) PrintJSON(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, PrintableJSON(raw), "", "  "); err != nil {
		return err
	}
	return w.Print(indented.String() + "\n")
}

// Note prints a notice for the user, which is not an error.
func (w *World) Note(format lang.Format, args ...any) {
	fmt.Fprintf(w.Err, "%s: %s\n", CommandName, Printable(w.Lang.Sprintf(format, args...)))
}

// Marshal encodes v as JSON without indentation, safe for a terminal.
func Marshal(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(PrintableJSON(raw)), err
}

// At returns the width in columns of a stream's terminal, or 0 if the stream is not a terminal or a dumb one.
func (w *World) At(stream io.Writer) (columns int) {
	file, ok := stream.(*os.File)
	if !ok || w.Getenv("TERM") == "dumb" || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		return defaultColumns
	}
	return columns
}

// defaultColumns is the width of a terminal that does not report one.
const defaultColumns = 80

// Colour is a word's colour on a terminal.
type Colour string

// The colours, as SGR parameters.
const (
	Green  Colour = "32"
	Red    Colour = "31"
	Yellow Colour = "33"
	Grey   Colour = "90"
)

// Paint colours a word if the stream is a terminal and the environment allows it (https://no-color.org).
func (w *World) Paint(stream io.Writer, colour Colour, word string) string {
	if w.Getenv("NO_COLOR") != "" || w.At(stream) == 0 {
		return word
	}
	return "\x1b[" + string(colour) + "m" + word + "\x1b[0m"
}

// Interactive reports whether a user can answer questions: standard input and standard error are terminals.
func (w *World) Interactive() bool {
	for _, stream := range []any{w.In, w.Err} {
		if file, ok := stream.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
			return false
		}
	}
	return true
}

// Ask asks a yes-or-no question. Every other answer, the end of the input included, means no.
func (w *World) Ask(ctx context.Context, question lang.Format, args ...any) (yes bool, err error) {
	fmt.Fprintf(w.Err, "%s: %s [y/N] ", CommandName, Printable(w.Lang.Sprintf(question, args...)))
	line, err := bufio.NewReader(UntilDone(ctx, w.In)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// SignalError is the cause of a context ended by a signal.
type SignalError struct{ Signal syscall.Signal }

func (e SignalError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e SignalError) Say(l lang.Language) string {
	name := map[syscall.Signal]lang.Literal{syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP"}[e.Signal]
	return l.Sprintf("stopped by %s", name)
}

// UntilSignal returns a context that the first SIGINT, SIGTERM or SIGHUP ends. A second signal kills the process. A
// signal ignored by the parent process, as with nohup and background jobs, stays ignored.
func UntilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		received := <-signals
		signal.Stop(signals) // first: a second signal must not wait for the shutdown
		number, ok := received.(syscall.Signal)
		if !ok {
			number = syscall.SIGINT
		}
		cancel(SignalError{number})
	}()
	return ctx
}

// HoldPipe makes a write to a closed pipe fail instead of killing the process, until release is called: paid results can then
// go elsewhere. Windows has no SIGPIPE: such a write fails anyway.
func HoldPipe() (release func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}

// Open opens a file, and stops waiting when ctx ends: a named pipe opens only when the other end does.
func Open(ctx context.Context, name string, flag int, mode os.FileMode) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.OpenFile(name, flag, mode)
		select {
		case done <- opened{file, err}:
		case <-ctx.Done():
			if err == nil {
				_ = file.Close() // the caller has left
			}
		}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// UntilDone reads r until ctx ends, even while a read of a terminal or pipe blocks. Its error is then ctx's cause.
func UntilDone(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	return out
}

// Printable makes foreign text safe for one line on a terminal: it escapes unprintable characters as in a Go string.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if unprintable(r) {
			quoted := strconv.Quote(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// unprintable is also true for U+FFFD, which replaces invalid UTF-8.
func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// PrintableJSON does the same for marshalled JSON, which keeps DEL, C1 controls and direction marks unescaped. They
// occur only in strings, where \u means the same.
func PrintableJSON(raw []byte) []byte {
	if !bytes.ContainsFunc(raw, unprintable) {
		return raw
	}
	out := make([]byte, 0, 2*len(raw))
	for _, r := range string(raw) {
		switch {
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// maxShownID limits a shown chat id, in bytes. Real ones have 36.
const maxShownID = 256

// Shown formats a chat id for messages.
func Shown(chatID string) string {
	if chatID == "" {
		return `""`
	}
	if len(chatID) > maxShownID {
		chatID = strings.ToValidUTF8(chatID[:maxShownID/4], "") + "…"
	}
	return Printable(chatID)
}
