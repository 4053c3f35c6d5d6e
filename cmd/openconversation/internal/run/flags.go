package run

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// options are the flags of convert, in groups by use.
type options struct {
	connect connect.Flags
	bulk    bulkFlags
	input   inputFlags
	output  outputFlags
	json    bool
	groups  bool // describe the groups, too

	given []string // the flags for continuing the run, as words
}

// bulkFlags limit the number and rate of calls.
type bulkFlags struct {
	timeout       time.Duration
	concurrency   int
	qps           float64
	maxCalls      int
	limits        limits
	acceptUnknown bool
}

// inputFlags select and describe the input.
type inputFlags struct {
	path                    string
	format, encoding, sheet string
	column, field           string
	delimiter               string
	outputEncoding          string // the reader of rows needs it, too
}

// outputFlags select the output.
type outputFlags struct {
	path     string
	again    string // a round: journal.Failed or journal.All
	dryRun   bool
	progress string
}

// fileFlags need --input.
var fileFlags = []string{
	"output", "format", "encoding", "output-encoding", "delimiter", "sheet", "column", "field",
	"again", "dry-run", "progress",
}

var rounds = []string{string(journal.Failed), string(journal.All)}

var progressModes = []string{"auto", "bar", "plain", "none"}

// maxConcurrency is far above the need of any rate.
const maxConcurrency = 1024

// addTo adds the flags.
func (o *options) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	in, out, bulk := &o.input, &o.output, &o.bulk
	flags.StringVarP(&in.path, "input", "i", "", "convert the rows of this `FILE`, or of standard input with -")
	flags.StringVarP(&out.path, "output", "o", "", "write to this `FILE` instead of standard output, which - is too; its results are kept in FILE.journal, and the same command goes on")
	in.addTo(cmd)
	flags.StringVar(&out.again, "again", "", "call chats again that have a result: `failed|all`; with all, the output stays as it is until every chat has been called")
	flags.BoolVar(&o.groups, "check", false, "add the group's name, owner and status, which takes a second call for each chat that is converted")
	flags.BoolVar(&out.dryRun, "dry-run", false, "read the input and say what it, or the rest of it, would cost; calls nothing, and needs credentials only where --redis knows what the month has used")
	flags.StringVar(&out.progress, "progress", "auto", "`auto|bar|plain|none`: a bar, or a line every 10 seconds; auto is a bar on a terminal")
	flags.IntVar(&bulk.limits.items, "limit", 0, "stop after the first `N` chats of this run; 0 is no limit")
	flags.Float64Var(&bulk.qps, "qps", dingtalk.DefaultRate, "at most `N` calls a second, fewer while the service throttles; 0 is no limit")
	flags.IntVar(&bulk.concurrency, "concurrency", 16, "at most `N` calls at a time")
	flags.IntVar(&bulk.maxCalls, "max-calls", 0, "stop before more than `N` calls, repeats included; 0 is no limit")
	flags.IntVar(&bulk.limits.failures, "max-failures", 0, "stop when `N` chats have failed; 0 is no limit")
	flags.BoolVar(&bulk.acceptUnknown, "accept-unknown", false, "go on even though the first 20 different ids are all unknown")
	flags.DurationVar(&o.connect.MaxWait, "max-wait", time.Minute, "longest `time` to wait when the service asks to; a run that would wait longer stops")
	o.connect.AddSharingTo(cmd)
	o.connect.AddPodsTo(cmd)
	o.connect.AddTo(cmd)
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line, for failed chats too; with --output, the summary as one JSON object")
	flags.DurationVar(&bulk.timeout, "timeout", 0, "send nothing after this `time`, such as 30s or 5m, and end; 0 is no limit")
	complete(cmd, map[string][]string{"progress": progressModes, "again": rounds})
}

// addTo adds the flags of reading rows.
func (f *inputFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`"+strings.Join(formatNames(), "|")+"`, where neither the input's name nor its beginning tell")
	flags.StringVar(&f.encoding, "encoding", "", "the input's `ENCODING`, such as utf-8, gb18030, utf-16le; found out if it is not given")
	flags.StringVar(&f.outputEncoding, "output-encoding", "", "the output's `ENCODING`; that of the input if it is not given")
	flags.StringVar(&f.delimiter, "delimiter", "", "CSV: `comma|semicolon|tab|bar` between cells; found out if it is not given")
	flags.StringVar(&f.sheet, "sheet", "", "xlsx: `NAME` of the sheet; the first if it is not given")
	flags.StringVar(&f.column, "column", "", "tables: `NAME` or number, from 1, of the column with the chat ids (default: chat_id, chatId or chatid, whichever the header has)")
	flags.StringVar(&f.field, "field", "", "JSON: `NAME` of the field with the chat ids, or a path of fields like a.b (default: likewise)")
	complete(cmd, map[string][]string{"format": formatNames(), "delimiter": delimiterNames(), "encoding": encodingNames(), "output-encoding": encodingNames()})
}

// complete registers shell completions for the values of flags.
func complete(cmd *cobra.Command, flags map[string][]string) {
	for name, values := range flags {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	}
}

func formatNames() []string {
	var names []string
	for _, f := range rows.Formats {
		names = append(names, string(f))
	}
	return names
}

func encodingNames() []string {
	var names []string
	for _, e := range rows.Encodings {
		names = append(names, string(e))
	}
	return names
}

// delimiters are the names of delimiters; the characters themselves are valid, too.
var delimiters = []struct {
	name string
	byte byte
}{{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}}

func delimiterNames() []string {
	var names []string
	for _, d := range delimiters {
		names = append(names, d.name)
	}
	return names
}

// reach returns how many items may lie between the item put and the item read.
func (o *options) reach() int {
	if o.groups {
		return 2*o.bulk.concurrency + 2 // plus those waiting for a description
	}
	return o.bulk.concurrency
}

// checkArgs refuses arguments that exclude the flags.
func (o *options) checkArgs(args []string) error {
	switch {
	case o.input.path != "" && len(args) > 0:
		return lang.Errorf("chat ids cannot stand beside --input")
	case o.input.path == "" && len(args) == 0:
		return lang.Errorf("no chat id is given; name some, or - for standard input, or a file with --input")
	case len(args) > 1 && slices.Contains(args, "-"):
		return lang.Errorf("- is standard input, and cannot stand beside chat ids")
	}
	return nil
}

// check refuses invalid flags and combinations.
func (o *options) check(cmd *cobra.Command) error {
	if o.input.path == "" {
		for _, name := range fileFlags {
			if cmd.Flags().Changed(name) {
				return explain.Usage("--%s is for files: it needs --input", name)
			}
		}
	}
	if err := explain.Alone(cmd, "column", "field"); err != nil {
		return err
	}
	if o.output.path == "-" {
		o.output.path = "" // standard output
	}
	b := o.bulk
	switch {
	case b.timeout < 0:
		return explain.Usage("--timeout: %s is negative", b.timeout)
	case !(b.qps >= 0 && b.qps <= 1e6):
		return explain.Usage("--qps: %g is not between 0 and 1000000", b.qps)
	case b.concurrency < 1 || b.concurrency > maxConcurrency:
		return explain.Usage("--concurrency: %d is not between 1 and %d", b.concurrency, maxConcurrency)
	case b.maxCalls < 0:
		return explain.Usage("--max-calls: %d is negative", b.maxCalls)
	case b.limits.failures < 0:
		return explain.Usage("--max-failures: %d is negative", b.limits.failures)
	case b.limits.items < 0:
		return explain.Usage("--limit: %d is negative", b.limits.items)
	case o.connect.MaxWait <= 0:
		return explain.Usage("--max-wait: %s is not positive", o.connect.MaxWait)
	case !slices.Contains(progressModes, o.output.progress):
		return explain.Usage("--progress: use %s", lang.List(progressModes, "or"))
	case o.json && o.input.path != "" && o.output.path == "" && !o.output.dryRun:
		return explain.Usage("--json gives a summary on standard output, where the rows go: add --output")
	case o.output.again != "" && !slices.Contains(rounds, o.output.again):
		return explain.Usage("--again: use %s", lang.List(rounds, "or"))
	case o.output.again != "" && o.output.path == "":
		return explain.Usage("--again needs --output: what has been called is in its journal")
	}
	return nil
}

// reading converts the flags to options of package rows.
func (f inputFlags) reading() (rows.Options, error) {
	o := rows.Options{Format: rows.Format(f.format), Sheet: f.sheet, ID: f.column + f.field}
	if f.format != "" && !slices.Contains(formatNames(), f.format) {
		return o, explain.Usage("--format: use %s", lang.List(formatNames(), "or"))
	}
	for _, e := range []struct {
		flag, name string
		to         *rows.Encoding
	}{{"encoding", f.encoding, &o.Encoding}, {"output-encoding", f.outputEncoding, &o.OutputEncoding}} {
		if e.name == "" {
			continue
		}
		known := false
		if *e.to, known = rows.ParseEncoding(e.name); !known {
			return o, explain.Usage("--%s: use %s", e.flag, lang.List(encodingNames(), "or"))
		}
	}
	if f.delimiter != "" {
		i := slices.IndexFunc(delimiters, func(d struct {
			name string
			byte byte
		}) bool {
			return f.delimiter == d.name || f.delimiter == string(d.byte) || f.delimiter == `\t` && d.byte == '\t'
		})
		if i < 0 {
			return o, explain.Usage("--delimiter: use %s", lang.List(delimiterNames(), "or"))
		}
		o.Delimiter = delimiters[i].byte
	}
	return o, nil
}

// guardOf makes the guard of the ids named by what.
func (o *options) guardOf(what lang.Said) *guard { return newGuard(!o.bulk.acceptUnknown, what) }
