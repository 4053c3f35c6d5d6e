package run

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Command makes the command that converts chats.
func Command(w *term.World) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "convert CHAT_ID… | convert - | convert --input FILE",
		Short: "Print the openConversationId of chats, or convert a file of them",
		Long: `Print the openConversationId of group chats.

The ids are arguments, or with - the lines of standard input, where blank lines and
lines that begin with # do not count. A single id gives just the openConversationId.
Several give lines of chatId, tab, openConversationId, in their order; each distinct id
is called once. Chats that cannot be converted are told on standard error, and the others
go on. What every further chat would meet as well, such as wrong credentials or the end
of the quota, stops the run. So do 20 different ids at the beginning that are all unknown:
then the ids are probably something else.

With --input a whole file is converted: plain lines, CSV or TSV with a header, JSON Lines,
a JSON array, or an xlsx workbook; its format, encoding and separator are found out. Each
row comes out as it went in, in its place, with open_conversation_id, error_code and error
appended (openConversationId, errorCode and error in JSON); plain lines become CSV. Cells
that are appended and would be formulas in a spreadsheet get an apostrophe; those of the
input stay as they are. Ids that cannot be chat ids cost no call.

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
goes on by itself; but with --monthly-budget no call is sent that is not counted, unless
--budget-mode says so. A Redis that is set up wrongly ends the run at its start.

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
		Annotations:           map[string]string{explain.Footer: connect.Footer(w)},
		RunE: explain.Begins(func(cmd *cobra.Command, args []string) error {
			for _, check := range []func() error{
				func() error { return o.connect.Check(cmd) },
				func() error { return o.check(cmd) },
				func() error { return o.connect.CheckSharing(cmd, o.connect.RedisURL(w) != "") },
			} {
				if err := check(); err != nil {
					return err
				}
			}
			o.given = givenFlags(cmd)
			return convert(cmd.Context(), w, &o, args)
		}),
	}
	o.addTo(cmd)
	return cmd
}

// convert runs what the flags ask for.
func convert(ctx context.Context, w *term.World, o *options, args []string) error {
	if o.bulk.timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, o.bulk.timeout, explain.TimeoutError{After: o.bulk.timeout})
		defer cancel()
		ctx = limited
	}
	if o.input.path != "" {
		return convertRows(ctx, w, o)
	}
	return convertIDs(ctx, w, o, args)
}
