package run

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Command makes the command that converts chats.
func Command(w *term.World) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "convert CHAT_ID… | convert - | convert --input FILE",
		Short: "Print the openConversationId of chats, or convert a file of them",
		Long: `Print the openConversationId of group chats.

The ids are arguments, or with - the lines of standard input; blank lines and lines that
begin with # do not count. A single id prints just the openConversationId, several print
lines of chatId, tab, openConversationId in their order. Each distinct id costs one call.
Failed chats are reported on standard error, and the run continues. A failure that every
other chat would meet, such as wrong credentials or a used-up quota, stops it. So do 20
different ids at the beginning that are all unknown: they are probably something else.

With --input a file is converted: plain lines, a table (CSV, TSV, an xlsx or xlsm workbook),
JSON Lines or a JSON array. Format, encoding, separator and header are detected. Each row
comes out as it went in, with open_conversation_id, error_code and error appended
(openConversationId, errorCode and error in JSON). Appended cells that a spreadsheet would
take for formulas get an apostrophe. What cannot be a chat id is not sent, and a total or
an empty row is no chat's. The name of the output decides its format: .csv, .tsv, .xlsx and
.jsonl of any table.

With --output FILE each result goes to FILE.journal as soon as it is there, and FILE is made
of it at the end, or when the run is stopped. The same command goes on, whatever happened:
after a crash, or when the list has grown, was sorted or saved again. Chats that it knows
are not called again, but for those that failed for a reason that may pass. Keep FILE.journal
beside FILE: without it, FILE is not overwritten. What someone has edited in FILE is kept as
FILE.MARK.before. An input that has results already, such as an earlier output, keeps them.

With --check the name, owner and status of each group are added: chat_name, chat_owner and
chat_status (normal or disbanded), or chatName, chatOwner and chatStatus in JSON. That takes
a second call for each chat that is converted; it changes nothing about the conversions. A
chat that the service converts and does not describe has the reason in its status.

With --redis the processes of one app share its limits: the calls of a second, the month's
budget, one access token, and for a day what each has converted. While Redis is away, each
goes on by itself; but with --monthly-budget no call is sent that is not counted. A Redis
that is set up wrongly ends the run at its start.

The app must be an internal app with the permission qyapi_chat_read. Each call counts
towards its organisation's monthly quota.`,
		Example: `  openconversation convert --emulator chatfaabe59a460527f5fb72fbbdfe3f061e
  openconversation convert - < chats.txt > pairs.tsv
  openconversation convert --json --timeout 1m chat1 chat2
  openconversation convert --input chats.xlsx --dry-run
  openconversation convert --input chats.csv --output converted.csv --max-calls 4000
  openconversation convert --input chats.csv --output converted.csv --again failed
  openconversation convert --input chats.csv --output checked.csv --check
  openconversation convert --input chats.csv --output shared.csv --redis redis://10.0.0.5:6379/0`,
		DisableFlagsInUseLine: true,
		Args:                  func(_ *cobra.Command, args []string) error { return o.checkArgs(args) },
		Annotations:           map[string]string{explain.Footer: connect.Footer(w, "convert")},
		RunE: explain.Begins(func(cmd *cobra.Command, args []string) error {
			err := o.connect.Check(cmd)
			if err == nil {
				err = o.check(cmd)
			}
			if err == nil {
				err = o.connect.CheckSharing(cmd, o.connect.RedisURL(w) != "")
			}
			if err != nil {
				return err
			}
			o.given = cmd.Flags()
			return convert(cmd.Context(), w, &o, args)
		}),
	}
	o.addTo(cmd)
	return cmd
}

// convert runs what the flags ask for.
func convert(ctx context.Context, w *term.World, o *options, args []string) error {
	ctx, cancel := explain.Within(ctx, o.bulk.timeout)
	defer cancel()
	if o.input.path != "" {
		return convertRows(ctx, w, o)
	}
	return convertIDs(ctx, w, o, args)
}

// memory is the soft limit of a run over a file, in bytes: the index of a million chats and a workbook fit.
const memory = 44 << 20

// convertRows converts the rows of the flags' input.
func convertRows(ctx context.Context, w *term.World, o *options) error {
	defer term.HoldPipe()()
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(memory))
	}
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	r := &rowRun{world: w, o: o}
	var pipe io.Writer = w.Out
	if o.output.path != "" && !o.output.dryRun {
		file, err := output.Stream(ctx, o.output.path)
		switch {
		case err != nil:
			return err
		case file == nil:
			pipe = nil
		case o.output.again != "":
			return explain.Usage("%s is no file that could be continued", o.output.path)
		default:
			pipe = file
		}
	}
	var err error
	r.in, err = openTable(reading, w, o, pipe == nil || o.output.dryRun)
	if errors.Is(err, io.EOF) {
		w.Note("%s holds no chat id; nothing was done", nameOf(o.input.path))
		return nil
	}
	if err != nil {
		return err
	}
	defer r.in.close()
	o.connect.Pace = connect.NewPace(o.bulk.qps, o.bulk.maxCalls)
	what := lang.T("the list")
	if r.in.options.Format != rows.Lines {
		what = lang.T("this column or field")
	}
	r.guard = o.guardOf(what)
	switch {
	case o.output.dryRun:
		return r.plan(ctx)
	case pipe == nil:
		return r.intoFile(ctx)
	default:
		return r.intoStream(ctx, pipe)
	}
}
