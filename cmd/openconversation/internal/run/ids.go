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

// maxLine limits the bytes kept of a line: far more than a chat id, so a cut line is refused as an id; and small enough
// for any input.
const maxLine = 1 << 10

// chatIDs is the source of ids that are arguments or lines.
type chatIDs struct {
	read  func() (string, error) // io.EOF after the last
	ahead []string               // read, but not yet passed on
	err   error                  // why read ended; io.EOF is the regular end
	trims trims
}

// givenIDs is the source of chat ids on the command line.
func givenIDs(ids []string) *chatIDs { return &chatIDs{ahead: ids, err: io.EOF} }

// linesOf reads one chat id per line of standard input, like a file of plain lines. An overlong id is cut, and so
// refused. A table or JSON is refused as a whole, with the command that converts it.
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

// asLines makes a hint name the command with the flag.
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

// atLeast reports whether n more chat ids follow. It may wait for them.
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

// failure returns the error that ended the input early, or nil.
func (c *chatIDs) failure() error {
	if errors.Is(c.err, io.EOF) {
		return nil
	}
	return c.err
}
