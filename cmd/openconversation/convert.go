package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// convertOptions are the flags of convert.
type convertOptions struct {
	connection
	json    bool
	timeout time.Duration
}

func newConvertCommand(a *app) *cobra.Command {
	var o convertOptions
	cmd := &cobra.Command{
		Use:   "convert CHAT_ID… | convert -",
		Short: "Print the openConversationId of chats",
		Long: `Print the openConversationId of group chats.

The ids are arguments, or with - the lines of standard input, where blank lines and
lines that begin with # do not count. A single id gives just the openConversationId.
Several give lines of chatId, tab, openConversationId, in their order; each distinct id
is called once. Chats that cannot be converted are told on standard error, and the others
go on. What every further chat would meet as well, such as wrong credentials or the end
of the quota, stops the run.

The app must be an internal app with the permission qyapi_chat_read. Each call counts
towards its organisation's monthly quota.`,
		Example: `  openconversation convert --emulator chatfaabe59a460527f5fb72fbbdfe3f061e
  openconversation convert - < chats.txt > pairs.tsv
  openconversation convert --json --timeout 1m chat1 chat2`,
		DisableFlagsInUseLine: true,
		Args:                  convertArgs,
		Annotations:           map[string]string{footer: environmentText() + "\n" + exitText()},
		RunE: a.begins(func(cmd *cobra.Command, args []string) error {
			return a.convert(cmd.Context(), o, args)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.addTo(cmd)
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line, for failed chats too")
	flags.DurationVar(&o.timeout, "timeout", 0, "end the whole run after this `time`, such as 30s or 5m; 0 is no limit")
	return cmd
}

func convertArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("no chat id is given; name some, or - for standard input")
	}
	for _, arg := range args {
		if arg == "-" && len(args) > 1 {
			return errors.New("- is standard input, and cannot stand beside chat ids")
		}
	}
	return nil
}

func (a *app) convert(ctx context.Context, o convertOptions, args []string) error {
	switch {
	case o.timeout < 0:
		return usageError("--timeout: %s is negative", o.timeout)
	case o.timeout > 0:
		limited, cancel := context.WithTimeoutCause(ctx, o.timeout, timeoutError{o.timeout.String()})
		defer cancel()
		ctx = limited
	}
	client, done, err := a.connect(ctx, o.connection)
	if err != nil {
		return err
	}
	defer done()

	ids := givenIDs(args)
	if args[0] == "-" {
		ids = linesOf(ctx, a.stdin)
	}
	several := ids.atLeast(2)
	if err := ids.failure(); err != nil {
		return err // before a call is spent
	}
	if !ids.atLeast(1) {
		a.note("standard input holds no chat id; nothing was done")
		return nil
	}
	text := &textReport{print: a.print, stderr: a.stderr, pairs: several, hinted: map[string]bool{}}
	r := &conversionRun{app: a, text: text, report: text, several: several}
	if o.json {
		r.report = jsonReport{a.print}
	}
	if err := r.consume(ctx, convertEach(ctx, client, ids.all())); err != nil {
		return err
	}
	return r.end(ids.failure())
}

// convertEach converts chats one after the other, each distinct id once.
func convertEach(ctx context.Context, c converter, chatIDs iter.Seq[string]) iter.Seq2[dingtalk.Conversion, error] {
	type outcome struct {
		id  string
		err error
	}
	return func(yield func(dingtalk.Conversion, error) bool) {
		known := map[string]outcome{}
		for chatID := range chatIDs {
			got, ok := known[chatID]
			if !ok {
				got.id, got.err = c.OpenConversationID(ctx, chatID)
				known[chatID] = got
			}
			if !yield(dingtalk.Conversion{ChatID: chatID, OpenConversationID: got.id}, got.err) {
				return
			}
		}
	}
}

// maxStrange is how many answers in a row that are not DingTalk's end a run: the next would be no other.
const maxStrange = 3

// conversionRun passes results on and decides when to stop.
type conversionRun struct {
	app     *app
	report  report
	text    *textReport // for what a person must see, also where report is for machines
	several bool

	done, failed int
	strange      int // in a row
}

// consume reports results until they end or one of them ends the run.
func (r *conversionRun) consume(ctx context.Context, results iter.Seq2[dingtalk.Conversion, error]) error {
	for c, err := range results {
		if cause := ended(ctx, err); cause != nil {
			return r.end(cause) // the chat did not fail
		}
		write := func() error { return r.report.converted(c) }
		if err != nil {
			write = func() error { return r.report.failed(c.ChatID, err) }
		}
		if failed := write(); failed != nil {
			return r.end(failed)
		}
		if err == nil {
			r.done, r.strange = r.done+1, 0
			continue
		}
		if code := r.codeOf(err); code != exitSomeFailed {
			return r.stop(c.ChatID, err, code)
		}
		r.failed++
	}
	return nil
}

// ended is why ctx ended the call that failed with err, or nil if it did not.
func ended(ctx context.Context, err error) error {
	kind := failureKind(err)
	_, limited := ctx.Deadline()
	switch {
	case errors.Is(kind, context.DeadlineExceeded) && limited:
		<-ctx.Done() // the SDK reads the clock, and may be a moment ahead of the context's timer
	case !errors.Is(kind, context.Canceled):
		return nil
	}
	cause := context.Cause(ctx)
	var e, before *dingtalk.Error
	if cause != nil && errors.As(err, &e) && errors.As(e.Err, &before) {
		return fmt.Errorf("%w; before that: %s", cause, describe(before)) // such as what was being repeated
	}
	return cause
}

// codeOf is the exit code that a failed chat stands for: exitSomeFailed if the run goes on.
func (r *conversionRun) codeOf(err error) int {
	code := exitCode(err)
	if !errors.Is(failureKind(err), dingtalk.ErrUnexpectedResponse) {
		r.strange = 0
		return code
	}
	if r.strange++; r.strange == maxStrange && code == exitSomeFailed {
		return exitUnavailable
	}
	return code
}

// stop ends the run at a chat whose failure every further chat would meet.
func (r *conversionRun) stop(chatID string, err error, code int) error {
	if report := report(r.text); report != r.report {
		_ = report.failed(chatID, err) // a text report does not fail
	}
	r.tally()
	return &exitError{code: code, err: err, reported: true}
}

// end is the error of a run that has come to its end, or to what cut it short.
func (r *conversionRun) end(cause error) error {
	switch {
	case cause != nil:
		r.tally()
		return cause
	case r.failed > 0:
		return &exitError{code: exitSomeFailed, err: errors.New("some chats were not converted"), reported: true}
	default:
		return nil
	}
}

// tally says how far a run of several came that was stopped.
func (r *conversionRun) tally() {
	if r.several {
		r.app.note("stopped: %d converted, %d failed, the rest not converted", r.done, r.failed)
	}
}
