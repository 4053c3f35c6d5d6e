package run

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
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

	given *pflag.FlagSet // as they were given
}

// bulkFlags limit the number and rate of calls.
type bulkFlags struct {
	timeout       time.Duration
	concurrency   int
	qps           float64
	maxCalls      int
	items         int // 0: no limit
	acceptUnknown bool
}

// foundHeader is the value of --header-row if it is not given.
const foundHeader = -1

// inputFlags select and describe the input.
type inputFlags struct {
	path                    string
	format, encoding, sheet string
	column                  string
	headerRow               int // 0: none
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
	"output", "format", "encoding", "output-encoding", "delimiter", "sheet", "column", "header-row",
	"again", "dry-run", "progress",
}

// maxConcurrency is far above the need of any rate.
const maxConcurrency = 1024

// addTo adds the flags.
func (o *options) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	in, out, bulk := &o.input, &o.output, &o.bulk
	flags.StringVarP(&in.path, "input", "i", "", "convert the rows of `FILE`; - is standard input")
	explain.Choice(cmd, &in.format, "format", "`FORMAT` of the input: "+strings.Join(formatNames(), ", ")+" (default: detected)", formatNames(), nil)
	explain.Choice(cmd, &in.encoding, "encoding", "`ENCODING` of the input, such as utf-8, gb18030, big5, utf-16le (default: detected)", encodingNames(), encoding)
	explain.Choice(cmd, &in.delimiter, "delimiter", "`CHARACTER` between cells: comma, semicolon, tab or bar (default: detected)", delimiterNames, delimiter)
	flags.StringVar(&in.sheet, "sheet", "", "`NAME` or number of the sheet (default: the first with a column of chat ids)")
	flags.IntVar(&in.headerRow, "header-row", foundHeader, "row `N` of a table's header, 0 if there is none (default: found by the name of the column)")
	flags.StringVar(&in.column, "column", "", "`NAME`, number or letter of the column with the chat ids, or a JSON field such as a.b (default: chat_id, chatId and the like)")
	explain.Group(cmd, "Input:", "input", "format", "encoding", "delimiter", "sheet", "header-row", "column")
	flags.StringVarP(&out.path, "output", "o", "", "write to `FILE` (- is standard output); FILE.journal beside it keeps the results, and the same command goes on")
	explain.Choice(cmd, &in.outputEncoding, "output-encoding", "`ENCODING` of the output, such as utf-8-bom for Excel (default: the input's)", encodingNames(), encoding)
	explain.Choice(cmd, &out.again, "again", "`failed|all`: call chats again that have a result; with all, the output stays until every chat was called", []string{string(journal.Failed), string(journal.All)}, nil)
	flags.BoolVar(&o.groups, "check", false, "add the group's name, owner and status: a second call for each converted chat")
	flags.BoolVar(&out.dryRun, "dry-run", false, "print what the run would cost, and send nothing")
	explain.Group(cmd, "Output:", "output", "output-encoding", "again", "check", "dry-run")
	flags.Float64Var(&bulk.qps, "qps", dingtalk.DefaultRate, "at most `N` calls a second, fewer while the service throttles; 0 is no limit")
	flags.IntVar(&bulk.concurrency, "concurrency", 16, "at most `N` calls at a time")
	flags.IntVar(&bulk.maxCalls, "max-calls", 0, "stop before more than `N` calls, retries included; 0 is no limit")
	flags.IntVar(&bulk.items, "limit", 0, "stop after the first `N` chats of this run; 0 is no limit")
	flags.BoolVar(&bulk.acceptUnknown, "accept-unknown", false, "go on although the first 20 different ids are all unknown")
	flags.DurationVar(&bulk.timeout, "timeout", 0, "send nothing after this `TIME`, such as 30s or 5m; 0 is no limit")
	o.connect.AddSharingTo(cmd)
	explain.Group(cmd, "Pace and cost:", "qps", "concurrency", "max-calls", "limit", "accept-unknown", "timeout", "redis", "redis-timeout", "monthly-budget", "organization")
	o.connect.AddTo(cmd)
	explain.Group(cmd, "Network:", "emulator", "region", "base-url", "app-secret-file", "ip")
	out.progress = "auto"
	explain.Choice(cmd, &out.progress, "progress", "`HOW` to show progress: bar, plain (a line every 10 seconds), none, or auto: a bar on a terminal", []string{"auto", "bar", "plain", "none"}, nil)
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line, also for failed chats; with --output, the summary as one object")
	cmd.InitDefaultHelpFlag()
	explain.Group(cmd, "Messages:", "progress", "json", "help")
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

func encoding(name string) (string, bool) {
	e, known := rows.ParseEncoding(name)
	return string(e), known
}

// delimiterNames are the names of delimiters, in the order of rows.Delimiters; the characters themselves are valid, too.
var delimiterNames = []string{"comma", "semicolon", "tab", "bar"}

func delimiter(name string) (string, bool) {
	at := slices.Index(delimiterNames, name)
	if name = strings.ReplaceAll(name, `\t`, "\t"); len(name) == 1 {
		at = strings.Index(rows.Delimiters, name)
	}
	return delimiterNames[max(at, 0)], at >= 0
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
	if at := slices.IndexFunc(args, rows.FileName); at >= 0 {
		return lang.Errorf("%s is the name of a file: openconversation convert --input %s", term.Shown(args[at]), term.Shown(args[at]))
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
	case b.items < 0:
		return explain.Usage("--limit: %d is negative", b.items)
	case o.json && o.input.path != "" && o.output.path == "" && !o.output.dryRun:
		return explain.Usage("--json gives a summary on standard output, where the rows go: add --output")
	case o.output.again != "" && o.output.path == "":
		return explain.Usage("--again needs --output: what has been called is in its journal")
	}
	return nil
}

// reading converts the flags to options of package rows.
func (f inputFlags) reading() rows.Options {
	o := rows.Options{
		Format: rows.Format(f.format), Encoding: rows.Encoding(f.encoding), OutputEncoding: rows.Encoding(f.outputEncoding),
		Sheet: f.sheet, ID: f.column, HeaderRow: max(f.headerRow, 0), NoHeader: f.headerRow == 0,
	}
	if at := slices.Index(delimiterNames, f.delimiter); at >= 0 {
		o.Delimiter = rows.Delimiters[at]
	}
	return o
}

// guardOf makes the guard of the ids named by what.
func (o *options) guardOf(what lang.Said) *guard { return newGuard(!o.bulk.acceptUnknown, what) }

// apart are the flags that a continued run is not given again: they name its files, or differ from run to run.
var apart = []string{"input", "output", "again", "dry-run", "json", "limit"}

// againWith returns the shell command that continues a run: the same, or with more flags.
func (o *options) againWith(more ...string) string {
	words := slices.Concat([]string{term.CommandName, "convert", "--input", o.input.path, "--output", o.output.path}, more)
	o.given.VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed || slices.Contains(apart, flag.Name):
		case flag.NoOptDefVal != "": // its value cannot be a separate word
			words = append(words, "--"+flag.Name+"="+flag.Value.String())
		default:
			words = append(words, "--"+flag.Name, flag.Value.String())
		}
	})
	for i, word := range words {
		if word == "" || strings.ContainsFunc(word, quoted) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// quoted reports whether a character may be special in a shell.
func quoted(c rune) bool {
	plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	return !plain && !strings.ContainsRune("-_./=:+,@%", c)
}
