package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"golang.org/x/term"
)

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
