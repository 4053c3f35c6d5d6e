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
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Command makes the command that converts chats.
func Command(w *term.World) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:                   "convert CHAT_ID… | convert - | convert --input FILE",
		Short:                 "Print the openConversationId of chats, or convert a file of them",
		DisableFlagsInUseLine: true,
		Args:                  func(_ *cobra.Command, args []string) error { return o.checkArgs(args) },
		RunE: func(cmd *cobra.Command, args []string) error {
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
		},
	}
	o.addTo(cmd)
	return cmd
}

// convert runs what the flags ask for.
func convert(ctx context.Context, w *term.World, o *options, args []string) error {
	ctx, cancel := explain.Within(ctx, o.timeout)
	defer cancel()
	if o.input != "" {
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
	if o.output != "" && !o.dryRun {
		switch info, err := os.Stat(o.output); {
		case err != nil || info.Mode().IsRegular(): // or it does not exist yet
			pipe = nil
		case o.again != "":
			return explain.Usage("%s is no file that could be continued", o.output)
		default:
			if pipe, err = openNamed(ctx, o.output, os.O_WRONLY); err != nil {
				return err
			}
		}
	}
	var err error
	r.in, err = openTable(reading, w, o, pipe == nil || o.dryRun)
	if errors.Is(err, io.EOF) {
		w.Note("%s holds no chat id; nothing was done", nameOf(o.input))
		return nil
	}
	if err != nil {
		return err
	}
	defer r.in.close()
	o.connect.Pace = connect.NewPace(o.qps, o.maxCalls)
	what := lang.T("the list")
	if r.in.options.Format != rows.Lines {
		what = lang.T("this column or field")
	}
	r.guard = newGuard(!o.acceptUnknown, what)
	switch {
	case o.dryRun:
		return r.plan(ctx)
	case pipe == nil:
		return r.intoFile(ctx)
	default:
		return r.intoStream(ctx, pipe)
	}
}
