package run

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// maxLine is how many bytes of a line are kept. It is far more than a chat id may have, so that what is cut is refused as
// an id, and so small that no input can fill the memory.
const maxLine = 1 << 10

// chatIDs is the source of ids that are arguments or lines.
type chatIDs struct {
	read  func() (string, error) // io.EOF after the last
	ahead []string               // read, and not yet passed on
	err   error                  // why read gave no more; io.EOF is the ordinary end
	trims trims
}

// givenIDs are chat ids from the command line.
func givenIDs(ids []string) *chatIDs { return &chatIDs{ahead: ids, err: io.EOF} }

// linesOf reads one chat id a line of standard input, as a file of plain lines is read. An id that is far too long is
// cut, and so refused. A table or JSON is refused whole, with the command that converts it.
func linesOf(ctx context.Context, w *term.World) *chatIDs {
	var lines *rows.Reader
	var in *table
	ids := &chatIDs{}
	ids.read = func() (string, error) {
		if lines == nil {
			var err error
			if in, err = openStream(lang.T(standardInput), term.UntilDone(ctx, w.In), rows.Options{}); err == nil && in.options.Format != rows.Lines {
				err = explain.UsageHint("to convert its rows: openconversation convert --input - ; if each line is a chat id all the same: openconversation convert --input - --format lines",
					"standard input is no list of chat ids: %s", in.why)
			}
			if err == nil {
				lines, err = in.reader()
			}
			if err != nil {
				return "", asLines(contextCause(ctx, err))
			}
		}
		switch row, err := lines.Read(); {
		case err != nil && ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil:
			return "", asLines(in.describe(err))
		case !row.Problem.Empty() && row.ChatID == "":
			return "", explain.Usage("%s: %s", in.name, row.Problem)
		default:
			ids.trims.add(row.Trimmed, row.Line)
			return strings.Clone(row.ChatID[:min(len(row.ChatID), maxLine)]), nil
		}
	}
	return ids
}

// asLines has a hint name the command that takes the flag.
func asLines(err error) error {
	var known *explain.Error
	if errors.As(err, &known) && strings.Contains(known.Hint.String(), "--encoding") {
		known.Hint = lang.T("say its encoding: openconversation convert --input - --format lines --encoding NAME")
	}
	return err
}

// next implements source.
func (c *chatIDs) next(context.Context) (*item, error) {
	if !c.atLeast(1) {
		return nil, c.err
	}
	id, trimmed := rows.CleanID(c.ahead[0])
	c.trims.add(trimmed, 0)
	c.ahead = c.ahead[1:]
	return &item{id: id, known: problem(id, lang.Text{})}, nil
}

func (c *chatIDs) atEnd() bool { return len(c.ahead) == 0 && errors.Is(c.err, io.EOF) }

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

// failure is what cut the input short, or nil.
func (c *chatIDs) failure() error {
	if errors.Is(c.err, io.EOF) {
		return nil
	}
	return c.err
}
