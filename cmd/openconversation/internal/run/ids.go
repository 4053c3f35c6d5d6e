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

// idsOf reads the chat ids on the command line.
func idsOf(args []string) func() (rows.Row, error) {
	return func() (row rows.Row, err error) {
		if len(args) == 0 {
			return row, io.EOF
		}
		row.ChatID, row.Trimmed = rows.CleanID(args[0])
		args = args[1:]
		return row, nil
	}
}

// linesOf reads one chat id per line of standard input, like a file of plain lines. An overlong id is cut, and so
// refused. A table or JSON is refused as a whole, with the command that converts it.
func linesOf(ctx context.Context, w *term.World) func() (rows.Row, error) {
	in, lines := &table{name: lang.T(standardInput)}, (*rows.Reader)(nil)
	in.from(ctx, w.In)
	return func() (row rows.Row, err error) {
		if lines == nil {
			if err = in.detect(""); err == nil && in.options.Format != rows.Lines {
				err = explain.UsageHint("to convert its rows: openconversation convert --input - ; if each line is a chat id all the same: openconversation convert --input - --format lines",
					"standard input is no list of chat ids: %s", in.why)
			}
			if err == nil {
				lines, err = in.reader()
			}
		}
		if err == nil {
			row, err = lines.Read()
		}
		row.ChatID = strings.Clone(row.ChatID[:min(len(row.ChatID), maxLine)])
		return row, asLines(contextCause(ctx, in.describe(err)))
	}
}

// asLines makes a hint name the command with the flag.
func asLines(err error) error {
	var known *explain.Error
	if errors.As(err, &known) && strings.Contains(known.Hint.String(), "--encoding") {
		known.Hint = lang.T("say its encoding: openconversation convert --input - --format lines --encoding NAME")
	}
	return err
}

// report is the sink of ids given as arguments or lines. It prints a line for each on standard output, and failures on
// standard error. Each line names its chat, so late results fit in.
type report struct {
	stream
	world *term.World
	json  bool
	pairs bool // print chat id, tab, openConversationId; otherwise only the latter
	check bool // append the group's name, owner and status

	hinted map[string]bool
	last   error // of the last failed chat
	told   bool  // the failure that ended the run was printed
}

func newReport(w *term.World, o *options, pairs bool) *report {
	r := &report{world: w, json: o.json, pairs: pairs, check: o.groups, hinted: map[string]bool{}}
	r.name, r.out, r.record = lang.T("standard output"), w.Out, r.line
	return r
}

// line makes the record of a chat. A failure is told to people on standard error.
func (r *report) line(it *item, result rows.Result, err error) []byte {
	if it.known != nil {
		err = &dingtalk.Error{Kind: dingtalk.ErrInvalidChatID, Message: it.known.Error, Local: true, ChatID: it.id}
	}
	if err != nil {
		r.last = err
	}
	switch {
	case r.json:
		all := jsonResult{ChatID: it.id, OpenConversationID: result.OpenConversationID, Name: result.Name, Owner: result.Owner, Status: result.Status}
		if err != nil {
			all.Error = explain.AsJSON(err)
		}
		line, _ := term.Marshal(all) // cannot fail for these types
		return []byte(line + "\n")
	case err != nil:
		r.tell(it.id, err)
		return nil
	case r.check:
		return []byte(strings.Join([]string{term.Printable(it.id), result.OpenConversationID, result.Name, result.Owner, result.Status}, "\t") + "\n")
	case r.pairs:
		return []byte(term.Printable(it.id) + "\t" + result.OpenConversationID + "\n")
	default:
		return []byte(result.OpenConversationID + "\n")
	}
}

func (r *report) missed(it *item, err error, ends bool) {
	if !ends {
		return
	}
	if unclear(err) {
		r.failed++
	}
	r.told = true
	_ = r.print(r.line(it, rows.Result{}, err)) // the run ends anyway
	if r.json {
		r.tell(it.id, err)
	}
}

// tell prints a failure for people, and each hint once: a thousand unknown chats need only one.
func (r *report) tell(chatID string, err error) {
	fmt.Fprintln(r.world.Err, r.world.Lang.Sprintf("%s: %s", term.Shown(chatID), explain.Describe(err)))
	if hint := explain.Hint(err); !hint.Empty() && !r.hinted[hint.String()] {
		explain.PrintHint(r.world, hint)
		r.hinted[hint.String()] = true
	}
}

// end returns the error of a finished or interrupted run.
func (r *report) end(cause error) error {
	var known *explain.Error
	switch {
	case errors.Is(cause, errLimit):
		r.world.Note("stopped by --limit: %d converted, %d failed, the rest not converted", r.converted, r.failed)
		cause = nil
	case cause != nil && r.pairs:
		r.world.Note("stopped: %d converted, %d failed, the rest not converted", r.converted, r.failed)
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
	ids, what := &rowSource{read: idsOf(args)}, lang.T("the list of arguments")
	if args[0] == "-" {
		ids.read, what = linesOf(reading, w), lang.T("standard input")
	}
	several := ids.atLeast(2)
	switch {
	case ids.err != nil && !errors.Is(ids.err, io.EOF):
		return ids.err // before a call is spent
	case len(ids.ahead) == 0:
		w.Note("standard input holds no chat id; nothing was done")
		return nil
	}
	r := newReport(w, o, several)
	cause := newEngine(o, client, ids, r, newGuard(!o.acceptUnknown, what), nil).convert(ctx)
	ids.seen.trims.report(w)
	return r.end(cause)
}
