package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// convertOptions are the flags of convert.
type convertOptions struct {
	connection
	json        bool
	timeout     time.Duration
	concurrency int
	qps         float64
	maxCalls    int

	input, output              string
	format                     string
	column, field              string
	resume, retryFailed, force bool
	dryRun                     bool
	progress                   string

	given []string // the flags that the run goes on with, as words
}

func newConvertCommand(a *app) *cobra.Command {
	var o convertOptions
	cmd := &cobra.Command{
		Use:   "convert CHAT_ID… | convert - | convert --input FILE",
		Short: "Print the openConversationId of chats, or convert a file of them",
		Long: `Print the openConversationId of group chats.

The ids are arguments, or with - the lines of standard input, where blank lines and
lines that begin with # do not count. A single id gives just the openConversationId.
Several give lines of chatId, tab, openConversationId, in their order; each distinct id
is called once. Chats that cannot be converted are told on standard error, and the others
go on. What every further chat would meet as well, such as wrong credentials or the end
of the quota, stops the run.

With --input a whole file is converted: plain lines, CSV or TSV with a header, or JSON
Lines. Each row comes out as it went in, in its place, with open_conversation_id,
error_code and error appended (openConversationId, errorCode and error in JSON Lines);
plain lines become CSV. Cells that are appended and would be formulas in a spreadsheet get
an apostrophe; those of the input stay as they are. Ids that cannot be chat ids cost no
call. A run that was stopped, even by a crash, goes on with --resume: FILE.state beside
the output says what it belongs to until it is complete, and chats that are converted are
not called again.

With --redis several machines work on parts of one list: they share the calls of a
second, the month's budget, one access token, and for a day what each has converted.
Without Redis, while it is away, each goes on by itself.

The app must be an internal app with the permission qyapi_chat_read. Each call counts
towards its organisation's monthly quota.`,
		Example: `  openconversation convert --emulator chatfaabe59a460527f5fb72fbbdfe3f061e
  openconversation convert - < chats.txt > pairs.tsv
  openconversation convert --json --timeout 1m chat1 chat2
  openconversation convert --input chats.csv --dry-run
  openconversation convert --input chats.csv --output converted.csv --max-calls 4000
  openconversation convert --input chats.csv --output converted.csv --resume
  openconversation convert --input part1.csv --output out1.csv --redis redis://10.0.0.5:6379/0`,
		DisableFlagsInUseLine: true,
		Args:                  func(_ *cobra.Command, args []string) error { return convertArgs(args, o.input != "") },
		Annotations:           map[string]string{footer: environmentText() + "\n" + exitText()},
		RunE: a.begins(func(cmd *cobra.Command, args []string) error {
			if o.input == "" {
				for _, name := range fileFlags {
					if cmd.Flags().Changed(name) {
						return usageError("--%s is for files: it needs --input", name)
					}
				}
			}
			if err := o.sharing.check(cmd, a.redisURL(o.connection) != ""); err != nil {
				return err
			}
			o.given = givenFlags(cmd)
			return a.convert(cmd.Context(), o, args)
		}),
	}
	o.addTo(cmd)
	return cmd
}

// fileFlags mean something with --input only.
var fileFlags = []string{"output", "format", "column", "field", "resume", "retry-failed", "force", "dry-run", "progress"}

var progressModes = []string{"auto", "bar", "plain", "none"}

// addTo adds the flags.
func (o *convertOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&o.input, "input", "i", "", "convert the rows of this `FILE`, or of standard input with -")
	flags.StringVarP(&o.output, "output", "o", "", "write to this `FILE` instead of standard output; it must not exist, see --resume and --force")
	flags.StringVar(&o.format, "format", "", "`lines|csv|tsv|jsonl`, where the input's name does not end in .txt, .csv, .tsv, .jsonl or .ndjson")
	flags.StringVar(&o.column, "column", "", "CSV and TSV: `NAME` of the column with the chat ids (default: chat_id, chatId or chatid, whichever the header has)")
	flags.StringVar(&o.field, "field", "", "JSON Lines: `NAME` of the field with the chat ids (default: likewise)")
	flags.BoolVar(&o.resume, "resume", false, "go on with a run that was stopped")
	flags.BoolVar(&o.retryFailed, "retry-failed", false, "try the failed rows of a complete output again, and keep the others")
	flags.BoolVar(&o.force, "force", false, "overwrite the output, which stays as it is until there is a result")
	flags.BoolVar(&o.dryRun, "dry-run", false, "read the input and say what it would cost; calls nothing, and needs credentials only where --redis knows what the month has used")
	flags.StringVar(&o.progress, "progress", "auto", "`auto|bar|plain|none`: a bar, or a line every 10 seconds; auto is a bar on a terminal")
	flags.Float64Var(&o.qps, "qps", dingtalk.DefaultRate, "at most `N` calls a second, fewer while the service throttles; 0 is no limit")
	flags.IntVar(&o.concurrency, "concurrency", 16, "at most `N` calls at a time")
	flags.IntVar(&o.maxCalls, "max-calls", 0, "stop before more than `N` calls, repeats included; 0 is no limit")
	flags.DurationVar(&o.maxWait, "max-wait", time.Minute, "longest `time` to wait when the service asks to; a run that would wait longer stops")
	o.sharing.addTo(cmd)
	o.addPodsTo(cmd)
	o.connection.addTo(cmd)
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line, for failed chats too; with --output, the summary as one JSON object")
	flags.DurationVar(&o.timeout, "timeout", 0, "end the whole run after this `time`, such as 30s or 5m; 0 is no limit")
	cmd.MarkFlagsMutuallyExclusive("resume", "retry-failed", "force", "dry-run")
	cmd.MarkFlagsMutuallyExclusive("column", "field")
	var formats []string
	for _, f := range rows.Formats {
		formats = append(formats, string(f))
	}
	for name, values := range map[string][]string{"format": formats, "progress": progressModes} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	}
}

func convertArgs(args []string, file bool) error {
	switch {
	case file && len(args) > 0:
		return errors.New("chat ids cannot stand beside --input")
	case !file && len(args) == 0:
		return errors.New("no chat id is given; name some, or - for standard input, or a file with --input")
	case len(args) > 1 && slices.Contains(args, "-"):
		return errors.New("- is standard input, and cannot stand beside chat ids")
	}
	return nil
}

// check refuses values of flags that make no sense.
func (o *convertOptions) check() error {
	switch {
	case o.timeout < 0:
		return usageError("--timeout: %s is negative", o.timeout)
	case !(o.qps >= 0 && o.qps <= 1e6):
		return usageError("--qps: %g is not between 0 and 1000000", o.qps)
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return usageError("--concurrency: %d is not between 1 and %d", o.concurrency, maxConcurrency)
	case o.maxCalls < 0:
		return usageError("--max-calls: %d is negative", o.maxCalls)
	case o.maxWait <= 0:
		return usageError("--max-wait: %s is not positive", o.maxWait)
	case !slices.Contains(progressModes, o.progress):
		return usageError("--progress: use %s", strings.Join(progressModes, ", "))
	case o.format != "" && !slices.Contains(rows.Formats, rows.Format(o.format)):
		return usageError("--format: use lines, csv, tsv or jsonl")
	}
	return nil
}

// maxConcurrency is far more than any rate needs.
const maxConcurrency = 1024

func (a *app) convert(ctx context.Context, o convertOptions, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, o.timeout, timeoutError{o.timeout.String()})
		defer cancel()
		ctx = limited
	}
	if o.input != "" {
		return a.convertFile(ctx, o)
	}
	o.pace = newPace(o.qps, o.maxCalls)
	client, done, err := a.connect(ctx, o.connection)
	if err != nil {
		return err
	}
	defer done()
	return a.convertIDs(ctx, o, client, args)
}

// convertIDs converts the ids that are arguments, or lines of standard input.
func (a *app) convertIDs(ctx context.Context, o convertOptions, client converter, args []string) error {
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	ids := givenIDs(args)
	if args[0] == "-" {
		ids = linesOf(reading, a.stdin)
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
	r := &conversionRun{app: a, text: text, report: text, several: several, stopReading: stopReading}
	if o.json {
		r.report = jsonReport{a.print}
	}
	if err := r.consume(ctx, client.OpenConversationIDs(ctx, ids.all(), dingtalk.WithConcurrency(o.concurrency))); err != nil {
		return err
	}
	return r.end(ids.failure())
}
