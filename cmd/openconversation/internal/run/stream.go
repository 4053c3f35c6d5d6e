package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// rowSource is the source of all rows, for a stream.
type rowSource struct {
	read  func() (rows.Row, error) // io.EOF after the last
	total int                      // rows; 0: unknown
	ahead []*item                  // read, but not yet passed on
	err   error                    // why read ended
	seen  scan                     // of the rows, what report prints
}

// next implements source.
func (s *rowSource) next(context.Context) (*item, error) {
	if !s.atLeast(1) {
		return nil, s.err
	}
	it := s.ahead[0]
	s.ahead = s.ahead[1:]
	return it, nil
}

func (s *rowSource) atEnd() bool {
	return len(s.ahead) == 0 && (errors.Is(s.err, io.EOF) || s.total > 0 && s.seen.rows == s.total)
}

// atLeast reports whether n more rows follow. It may wait for them.
func (s *rowSource) atLeast(n int) bool {
	for len(s.ahead) < n && s.err == nil {
		var row rows.Row
		if row, s.err = s.read(); s.err == nil {
			s.ahead = append(s.ahead, s.item(row))
		}
	}
	return len(s.ahead) >= n
}

func (s *rowSource) item(row rows.Row) *item {
	if !s.seen.saw(row) {
		return &item{start: row.Start, known: &rows.Result{}, none: true}
	}
	it := &item{id: row.ChatID, start: row.Start, known: problem(row.ChatID, row.Problem)}
	if it.known == nil && row.Known.OpenConversationID != "" {
		it.known = &row.Known
	}
	return it
}

// stream is the sink of a stream, which cannot be continued. To lose no late result, it writes the rows before it as failed.
type stream struct {
	count
	name   lang.Said
	out    io.Writer
	record func(it *item, result rows.Result, err error) []byte
	gap    []*item // after the last row, without a result
	why    []error
}

func (s *stream) put(it *item, id string, err error) error {
	result := s.result(it, id, err)
	if failed := s.print(s.record(it, result, err)); failed != nil {
		return failed
	}
	if !it.none {
		s.add(result)
		s.done.Add(1)
	}
	return nil
}

// print writes a record.
func (s *stream) print(record []byte) error {
	if len(record) == 0 {
		return nil
	}
	_, err := s.out.Write(record)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE):
		err = &explain.Error{Code: explain.Unavailable, Err: err, Reported: true} // the reader has all it wants
	default:
		err = explain.InFile(s.name, err)
	}
	s.lost.err = err
	return err
}

func (s *stream) missed(it *item, err error, _ bool) {
	s.gap, s.why = append(s.gap, it), append(s.why, err)
}

func (s *stream) late(it *item, id string) {
	for i, missed := range s.gap {
		if s.lost.err == nil {
			_ = s.put(missed, "", s.why[i]) // its failure is kept
		}
	}
	s.gap, s.why = nil, nil
	if s.lost.err != nil || s.put(it, id, nil) != nil {
		s.lost.add(it.id, s.result(it, id, nil).OpenConversationID)
	}
}

// intoStream writes each row as soon as it has its result.
func (r *rowRun) intoStream(ctx context.Context, out io.Writer) error {
	if r.in.file != nil { // faults are found before a call is spent
		if err := r.readThrough(ctx); err != nil {
			return err
		}
	}
	reader, err := r.in.reader()
	if errors.Is(err, io.EOF) {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }() // read-only
	r.nameIDs(reader.Found().Name)
	if r.output = lang.T("standard output"); r.o.output != "" {
		r.output = lang.Literal(r.o.output)
	}
	head := reader.Header()
	s := &stream{name: r.output, out: out, count: count{total: -1, what: explain.Rows[int64]}, record: func(it *item, result rows.Result, _ error) []byte {
		record := append(head, reader.Finish(it.start, result)...)
		head = nil
		return record
	}}
	r.sink, r.count, r.saved = s, &s.count, true
	from := &rowSource{read: func() (rows.Row, error) {
		row, err := reader.Read()
		return row, r.in.describe(err)
	}}
	options := []dingtalk.BulkOption(nil)
	if scan := r.scan; scan != nil {
		if r.nothing() {
			return nil
		}
		if scan.rows == 0 {
			return s.print(head)
		}
		s.total, from.total = int64(scan.rows), scan.rows
		options = append(options, dingtalk.WithMemory(scan.distinct+1)) // and the empty id
	}
	client, done, err := r.o.connect.Dial(ctx, r.world)
	if err != nil {
		return err
	}
	defer done()
	if r.scan != nil {
		if err := s.print(head); err != nil {
			return r.end(err, s.tally)
		}
		head = nil
	}
	r.found(reader)
	cause := r.call(ctx, client, from, nil, options...)
	from.seen.report(r.world)
	r.skipped = reader.Skipped
	if cause == nil && s.done.Load() == 0 {
		r.world.Note("%s holds no chat id; nothing was done", r.in.name)
		return nil
	}
	return r.end(cause, s.tally)
}

// maxLine limits the bytes kept of a line: far more than a chat id, so a cut line is refused as an id; and small enough for any input.
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
	limited := errors.Is(cause, errLimit)
	switch {
	case limited:
		r.world.Note("stopped by --limit: %d converted, %d failed, the rest not converted", r.converted, r.failed)
	case cause != nil && r.pairs:
		r.world.Note("stopped: %d converted, %d failed, the rest not converted", r.converted, r.failed)
	}
	r.lost.report(r.world)
	r.undescribed = 0 // which is in the chat's line
	err := failure(cause, r.tally)
	var known *explain.Error
	switch errors.As(err, &known); {
	case known == nil:
	case (cause == nil || limited) && !r.pairs:
		known.Code, known.Err = explain.ExitCode(r.last), r.last
	case r.told:
		known.Reported = true
	}
	return err
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
