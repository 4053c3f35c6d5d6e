package explain

import (
	"bytes"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// templateWords are the texts of cobra's help template, in the order of their replacement.
var templateWords = []lang.Format{
	"Usage:", "Aliases:", "Examples:", "Available Commands:", "Additional Commands:", "Global Flags:", "Flags:", "Additional help topics:",
	`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
}

// usageWords are texts that cobra and pflag add to help.
var usageWords = []lang.Format{" [flags]\n", " [command]\n"}

// defaultValue matches pflag's text of a flag's default.
var defaultValue = regexp.MustCompile(`(?m) \(default ([^()\n]*)\)$`)

// LongKey returns the catalogue's key of a command's long help, or "".
func LongKey(cmd *cobra.Command) string {
	if cmd.Long == "" {
		return ""
	}
	return strings.TrimPrefix(cmd.CommandPath()+" --help", cmd.Root().Name()+" ")
}

// Translate translates the texts of a command and its subcommands. The catalogue has them whole, so a command is
// written in English alone.
func Translate(l lang.Language, root *cobra.Command) {
	if l == lang.English {
		return
	}
	template := root.UsageTemplate()
	for _, word := range templateWords {
		template = strings.ReplaceAll(template, string(word), l.Sprintf(word))
	}
	root.SetUsageTemplate(template)
	usual := root.UsageFunc()
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		out := cmd.OutOrStderr()
		var text bytes.Buffer
		cmd.SetOut(&text)
		err := usual(cmd)
		cmd.SetOut(out)
		if err != nil {
			return err
		}
		said := defaultValue.ReplaceAllString(text.String(), l.Sprintf(" (default %s)", "$1"))
		for _, word := range usageWords {
			said = strings.ReplaceAll(said, string(word), l.Sprintf(word))
		}
		_, err = io.WriteString(out, said)
		return err
	})
	translate(l, root)
}

func translate(l lang.Language, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	for _, name := range []string{"help", "version"} { // cobra's own
		switch flag := cmd.Flags().Lookup(name); {
		case flag == nil:
		case name == "help":
			flag.Usage = l.Sprintf("help for %s", cmd.Name())
		default:
			flag.Usage = l.Sprintf("version for %s", cmd.Name())
		}
	}
	cmd.Short = l.Exact(cmd.Short)
	if key := LongKey(cmd); l.Exact(key) != key {
		cmd.Long = l.Exact(key)
	}
	say := func(flag *pflag.Flag) { flag.Usage = l.Exact(flag.Usage) }
	cmd.Flags().VisitAll(say)
	cmd.PersistentFlags().VisitAll(say)
	for _, sub := range cmd.Commands() {
		translate(l, sub)
	}
}
