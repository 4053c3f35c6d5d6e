package run

import (
	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// MergeCommand makes the command that merges the outputs of shards.
func MergeCommand(w *term.World) *cobra.Command {
	var o options
	var of int
	cmd := &cobra.Command{
		Use:   "merge --input FILE --output FILE PART…",
		Short: "Put the outputs of convert --shard together",
		Long: `Put the outputs of convert --shard together, in the order of the input. It calls nothing
and needs no credentials.

The parts may come in any order: the first row of each tells which one it is. Every part is
compared with the input, cell by cell, before anything is written. Rows that no part has are
listed; they come out with the error code not-tried, which convert --retry-failed converts.
Then the exit code is 1.`,
		Example: `  openconversation convert --input chats.csv --output part-1.csv --shard 1/2
  openconversation convert --input chats.csv --output part-2.csv --shard 2/2
  openconversation merge --input chats.csv --output converted.csv part-1.csv part-2.csv`,
		DisableFlagsInUseLine: true,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case o.input.path == "":
				return lang.Errorf("no input is given: name the file that was converted with --input")
			case len(args) == 0:
				return lang.Errorf("no part is given; name the outputs of convert --shard")
			}
			return nil
		},
		Annotations: map[string]string{explain.Footer: explain.ExitText(w.Lang)},
		RunE: explain.Begins(func(cmd *cobra.Command, args []string) error {
			if err := o.checkMerge(cmd, of, len(args)); err != nil {
				return err
			}
			o.given = givenFlags(cmd)
			return merge(cmd.Context(), w, &o, args, max(of, len(args)))
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&o.input.path, "input", "i", "", "the `FILE` that was converted")
	flags.StringVarP(&o.output.path, "output", "o", "", "write to this `FILE` instead of standard output; it must not exist, see --force")
	flags.VarPF(modeFlag{&o.output.mode, output.Force}, "force", "", "overwrite the output, which stays as it is until all is written").NoOptDefVal = "true"
	flags.IntVar(&of, "of", 0, "there are `N` parts, if some are not given")
	o.input.addTo(cmd)
	flags.BoolVar(&o.groups, "check", false, "the parts were made with convert --check")
	flags.BoolVar(&o.json, "json", false, "print the summary as one JSON object; needs --output")
	return cmd
}

func (o *options) checkMerge(cmd *cobra.Command, of, given int) error {
	if o.output.path == "-" {
		o.output.path = "" // standard output
	}
	switch {
	case of != 0 && of < given:
		return explain.Usage("--of: %d is less than the %d parts that are given", of, given)
	case max(of, given) > rows.MaxShards:
		return explain.Usage("--of: there can be %d parts at most", rows.MaxShards)
	case o.output.mode != output.New && o.output.path == "":
		return explain.Usage("--force needs --output")
	case o.json && o.output.path == "":
		return explain.Usage("--json gives a summary on standard output, where the rows go: add --output")
	}
	return explain.Alone(cmd, "column", "field")
}
