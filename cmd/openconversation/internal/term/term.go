package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

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
	Environ  func() []string // as of package os; may be nil
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

// Paint colours a word if the stream is a terminal and the environment allows it (https://no-color.org, and CLICOLOR as
// in bixense.com/clicolors).
func (w *World) Paint(stream io.Writer, colour Colour, word string) string {
	if w.Getenv("NO_COLOR") != "" || w.Getenv("CLICOLOR") == "0" {
		return word
	}
	if forced := w.Getenv("CLICOLOR_FORCE"); (forced == "" || forced == "0") && w.At(stream) == 0 {
		return word
	}
	return "\x1b[" + string(colour) + "m" + word + "\x1b[0m"
}
