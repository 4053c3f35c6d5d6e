package explain

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// LongKey returns the catalogue's key of a command's long help, or "".
func LongKey(cmd *cobra.Command) string {
	if cmd.Long == "" {
		return ""
	}
	return strings.TrimPrefix(cmd.CommandPath()+" --help", cmd.Root().Name()+" ")
}

// Translate translates the texts of a command and its subcommands, and writes their usage. zh.yaml has the texts whole, so a
// command is written in English alone.
func Translate(l lang.Language, root *cobra.Command) {
	root.SetUsageFunc(func(cmd *cobra.Command) error { return usage(l, cmd) })
	if l != lang.English {
		translate(l, root)
	}
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
