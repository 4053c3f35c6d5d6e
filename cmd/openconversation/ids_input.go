package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// maxLine is how many bytes of a line are kept. It is far more than a chat id may have, so that what is cut is refused as
// an id, and so small that no input can fill the memory.
const maxLine = 1 << 10

// chatIDs is where a run's chat ids come from, in their order.
type chatIDs struct {
	read  func() (string, error) // io.EOF after the last
	ahead []string               // read, and not yet passed on
	err   error                  // why read gave no more; io.EOF is the ordinary end
}

// givenIDs are chat ids from the command line.
func givenIDs(ids []string) *chatIDs { return &chatIDs{ahead: ids, err: io.EOF} }

// linesOf reads one chat id a line, as a file of plain lines is read. An id that is far too long is cut, and so refused.
func linesOf(ctx context.Context, r io.Reader) *chatIDs {
	in := &inFile{name: "standard input", reader: untilDone(ctx, r), format: rows.Lines}
	var lines *rows.Reader
	read := func() (string, error) {
		if lines == nil {
			var err error
			if lines, err = in.rows(); err != nil {
				return "", err
			}
		}
		switch row, err := lines.Read(); {
		case err != nil && ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			return "", in.describe(err)
		case row.Problem != "":
			return "", usageError("%s: %s", in.name, row.Problem)
		default:
			return strings.Clone(row.ChatID[:min(len(row.ChatID), maxLine)]), nil
		}
	}
	return &chatIDs{read: read}
}

// atLeast says whether there are n chat ids more, for which it may have to wait.
func (c *chatIDs) atLeast(n int) bool {
	for len(c.ahead) < n && c.err == nil {
		id, err := c.read()
		if err != nil {
			c.err = err
			break
		}
		c.ahead = append(c.ahead, id)
	}
	return len(c.ahead) >= n
}

// all yields the chat ids. failure says afterwards whether there would have been more.
func (c *chatIDs) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for c.atLeast(1) {
			id := c.ahead[0]
			c.ahead = c.ahead[1:]
			if !yield(id) {
				return
			}
		}
	}
}

// failure is what cut the input short, or nil.
func (c *chatIDs) failure() error {
	if errors.Is(c.err, io.EOF) {
		return nil
	}
	return c.err
}
