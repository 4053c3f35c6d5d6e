package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
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
	in := &table{name: lang.T(standardInput)}
	ids := &chatIDs{}
	ids.read = func() (string, error) {
		if lines == nil {
			var err error
			if err = in.sniff(term.UntilDone(ctx, w.In)); err == nil && in.options.Format != rows.Lines {
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

// report is the sink of ids given as arguments or lines. It prints a line for each on standard output, and failures on
// standard error. Each line names its chat, so late results fit in.
type report struct {
	world *term.World
	json  bool
	pairs bool // print chat id, tab, openConversationId; otherwise only the latter
	check bool // append the group's name, owner and status

	hinted       map[string]bool
	done, failed int
	last         error // of the last failed chat
	told         bool  // the failure that ended the run was printed
	lost         lost
}

func (r *report) put(it *item, id string, err error) error {
	if err == nil && it.known == nil {
		if failed := r.converted(it, id); failed != nil {
			return failed
		}
		r.done++
		return nil
	}
	if it.known != nil {
		err = notSent(it)
	}
	if failed := r.refused(it.id, err); failed != nil {
		return failed
	}
	r.failed++
	r.last = err
	return nil
}

func (r *report) missed(it *item, err error, ends bool) {
	if !ends {
		return
	}
	if unclear(err) {
		r.failed++
	}
	r.last, r.told = err, true
	_ = r.refused(it.id, err) // the run ends anyway
	if r.json {
		r.tell(it.id, err)
	}
}

func (r *report) late(it *item, id string) {
	if r.lost.err != nil {
		r.lost.add(it.id, id)
		return
	}
	if err := r.converted(it, id); err != nil {
		r.lost.err = err
		r.lost.add(it.id, id)
		return
	}
	r.done++
}

// converted prints a result.
func (r *report) converted(it *item, id string) error {
	var details rows.Result
	it.group.addTo(&details)
	switch {
	case r.json:
		return r.write(jsonResult{ChatID: it.id, OpenConversationID: id, Name: details.Name, Owner: details.Owner, Status: details.Status})
	case r.check:
		return r.world.Print(strings.Join([]string{term.Printable(it.id), term.Printable(id), details.Name, details.Owner, details.Status}, "\t") + "\n")
	case r.pairs:
		return r.world.Print(term.Printable(it.id) + "\t" + term.Printable(id) + "\n")
	default:
		return r.world.Print(term.Printable(id) + "\n")
	}
}

// refused prints a failure.
func (r *report) refused(chatID string, err error) error {
	if r.json {
		return r.write(jsonResult{ChatID: chatID, Error: explain.AsJSON(err)})
	}
	r.tell(chatID, err)
	return nil
}

// tell prints a failure for people, and each hint once: a thousand unknown chats need only one.
func (r *report) tell(chatID string, err error) {
	fmt.Fprintln(r.world.Err, r.world.Lang.Sprintf("%s: %s", term.Shown(chatID), explain.Describe(err)))
	if hint := explain.Hint(err); !hint.Empty() && !r.hinted[hint.String()] {
		explain.PrintHint(r.world, hint)
		r.hinted[hint.String()] = true
	}
}

func (r *report) write(v any) error {
	line, err := term.Marshal(v)
	if err != nil {
		return err
	}
	return r.world.Print(line + "\n")
}

// notSent makes the error of an item refused without a call.
func notSent(it *item) error {
	return &dingtalk.Error{Kind: dingtalk.ErrInvalidChatID, Message: it.known.Error, Local: true, ChatID: it.id}
}

// end returns the error of a finished or interrupted run.
func (r *report) end(cause error) error {
	var known *explain.Error
	switch {
	case errors.Is(cause, errLimit):
		r.world.Note("stopped by --limit: %d converted, %d failed, the rest not converted", r.done, r.failed)
		cause = nil
	case cause != nil:
		if r.pairs {
			r.world.Note("stopped: %d converted, %d failed, the rest not converted", r.done, r.failed)
		}
	}
	r.lost.report(r.world)
	switch {
	case cause != nil && errors.As(cause, &known):
		return cause
	case cause != nil && explain.FromCall(cause):
		return &explain.Error{Code: explain.StopCode(cause), Err: explain.Cause(cause), Hint: explain.Hint(cause), Reported: r.told}
	case cause != nil:
		return cause
	case r.failed > 0 && !r.pairs:
		return &explain.Error{Code: explain.ExitCode(r.last), Err: r.last, Reported: true}
	case r.failed > 0:
		return &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("some chats were not converted"), Reported: true}
	default:
		return nil
	}
}

type jsonResult struct {
	ChatID             string        `json:"chatId"`
	OpenConversationID string        `json:"openConversationId,omitempty"`
	Name               string        `json:"chatName,omitempty"`
	Owner              string        `json:"chatOwner,omitempty"`
	Status             string        `json:"chatStatus,omitempty"`
	Error              *explain.JSON `json:"error,omitempty"`
}

// convertIDs converts ids given as arguments or as lines of standard input.
func convertIDs(ctx context.Context, w *term.World, o *options, args []string) error {
	defer term.HoldPipe()()
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	o.connect.Pace = connect.NewPace(o.qps, o.maxCalls)
	client, done, err := o.connect.Dial(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	ids, what := givenIDs(args), lang.T("the list of arguments")
	if args[0] == "-" {
		ids, what = linesOf(reading, w), lang.T("standard input")
	}
	several := ids.atLeast(2)
	if err := ids.failure(); err != nil {
		return err // before a call is spent
	}
	if !ids.atLeast(1) {
		w.Note("standard input holds no chat id; nothing was done")
		return nil
	}
	r := &report{world: w, json: o.json, pairs: several, check: o.groups, hinted: map[string]bool{}}
	e := newEngine(o, client, ids, r, o.guardOf(what), nil)
	cause := e.convert(ctx)
	ids.trims.report(w)
	return r.end(cause)
}
