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

// options are the flags of convert.
type options struct {
	input, format, encoding, delimiter, sheet, column string
	headerRow                                         int // 0: none; foundHeader: it is found

	output, outputEncoding string
	again                  string // a round: journal.Failed or journal.All
	groups, dryRun         bool   // groups: describe them, too

	qps           float64
	concurrency   int
	maxCalls      int
	limit         int // of chats; 0: none
	acceptUnknown bool
	timeout       time.Duration

	connect  connect.Flags
	progress string
	json     bool

	given *pflag.FlagSet // as they were given
}

// foundHeader is the value of --header-row if it is not given.
const foundHeader = -1

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
	flags.StringVarP(&o.input, "input", "i", "", "convert the rows of `FILE`; - is standard input")
	explain.Choice(cmd, &o.format, "format", "`FORMAT` of the input: "+strings.Join(names(rows.Formats), ", ")+" (default: detected)", names(rows.Formats), nil)
	explain.Choice(cmd, &o.encoding, "encoding", "`ENCODING` of the input, such as utf-8, gb18030, big5, utf-16le (default: detected)", names(rows.Encodings), encoding)
	explain.Choice(cmd, &o.delimiter, "delimiter", "`CHARACTER` between cells: comma, semicolon, tab or bar (default: detected)", delimiterNames, delimiter)
	flags.StringVar(&o.sheet, "sheet", "", "`NAME` or number of the sheet (default: the first with a column of chat ids)")
	flags.IntVar(&o.headerRow, "header-row", foundHeader, "row `N` of a table's header, 0 if there is none (default: found by the name of the column)")
	flags.StringVar(&o.column, "column", "", "`NAME`, number or letter of the column with the chat ids, or a JSON field such as a.b (default: chat_id, chatId and the like)")
	explain.Group(cmd, "Input:", "input", "format", "encoding", "delimiter", "sheet", "header-row", "column")
	flags.StringVarP(&o.output, "output", "o", "", "write to `FILE` (- is standard output); FILE.journal beside it keeps the results, and the same command goes on")
	explain.Choice(cmd, &o.outputEncoding, "output-encoding", "`ENCODING` of the output, such as utf-8-bom for Excel (default: the input's)", names(rows.Encodings), encoding)
	explain.Choice(cmd, &o.again, "again", "`failed|all`: call chats again that have a result; with all, the output stays until every chat was called", []string{string(journal.Failed), string(journal.All)}, nil)
	flags.BoolVar(&o.groups, "check", false, "add the group's name, owner and status: a second call for each converted chat")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print what the run would cost, and send nothing")
	explain.Group(cmd, "Output:", "output", "output-encoding", "again", "check", "dry-run")
	flags.Float64Var(&o.qps, "qps", dingtalk.DefaultRate, "at most `N` calls a second, fewer while the service throttles; 0 is no limit")
	flags.IntVar(&o.concurrency, "concurrency", 16, "at most `N` calls at a time")
	flags.IntVar(&o.maxCalls, "max-calls", 0, "stop before more than `N` calls, retries included; 0 is no limit")
	flags.IntVar(&o.limit, "limit", 0, "stop after the first `N` chats of this run; 0 is no limit")
	flags.BoolVar(&o.acceptUnknown, "accept-unknown", false, "go on although the first 20 different ids are all unknown")
	flags.DurationVar(&o.timeout, "timeout", 0, "send nothing after this `TIME`, such as 30s or 5m; 0 is no limit")
	o.connect.AddSharingTo(cmd)
	explain.Group(cmd, "Pace and cost:", "qps", "concurrency", "max-calls", "limit", "accept-unknown", "timeout", "redis", "redis-timeout", "monthly-budget", "organization")
	o.connect.AddTo(cmd)
	explain.Group(cmd, "Network:", "emulator", "region", "base-url", "app-secret-file", "ip")
	o.progress = "auto"
	explain.Choice(cmd, &o.progress, "progress", "`HOW` to show progress: bar, plain (a line every 10 seconds), none, or auto: a bar on a terminal", []string{"auto", "bar", "plain", "none"}, nil)
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line, also for failed chats; with --output, the summary as one object")
	cmd.InitDefaultHelpFlag()
	explain.Group(cmd, "Messages:", "progress", "json", "help")
}

func names[T ~string](list []T) (names []string) {
	for _, one := range list {
		names = append(names, string(one))
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
		return 2*o.concurrency + 2 // plus those waiting for a description
	}
	return o.concurrency
}

// checkArgs refuses arguments that exclude the flags.
func (o *options) checkArgs(args []string) error {
	switch {
	case o.input != "" && len(args) > 0:
		return lang.Errorf("chat ids cannot stand beside --input")
	case o.input == "" && len(args) == 0:
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
	if o.input == "" {
		for _, name := range fileFlags {
			if cmd.Flags().Changed(name) {
				return explain.Usage("--%s is for files: it needs --input", name)
			}
		}
	}
	if o.output == "-" {
		o.output = "" // standard output
	}
	switch {
	case !(o.qps >= 0 && o.qps <= 1e6):
		return explain.Usage("--qps: %g is not between 0 and 1000000", o.qps)
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return explain.Usage("--concurrency: %d is not between 1 and %d", o.concurrency, maxConcurrency)
	case o.json && o.input != "" && o.output == "" && !o.dryRun:
		return explain.Usage("--json gives a summary on standard output, where the rows go: add --output")
	case o.again != "" && o.output == "":
		return explain.Usage("--again needs --output: what has been called is in its journal")
	}
	return nil
}

// reading converts the flags to options of package rows.
func (o *options) reading() rows.Options {
	r := rows.Options{
		Format: rows.Format(o.format), Encoding: rows.Encoding(o.encoding), OutputEncoding: rows.Encoding(o.outputEncoding),
		Sheet: o.sheet, ID: o.column, HeaderRow: max(o.headerRow, 0), NoHeader: o.headerRow == 0, Details: o.groups,
	}
	if at := slices.Index(delimiterNames, o.delimiter); at >= 0 {
		r.Delimiter = rows.Delimiters[at]
	}
	return r
}

// apart are the flags that a continued run is not given again: they name its files, or differ from run to run.
var apart = []string{"input", "output", "again", "dry-run", "json", "limit"}

// againWith returns the shell command that continues a run: the same, or with more flags.
func (o *options) againWith(more ...string) string {
	words := slices.Concat([]string{term.CommandName, "convert", "--input", o.input, "--output", o.output}, more)
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
