package explain

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// Footer is the annotation with the end of a command's help.
const Footer = "footer"

// groupOf is a flag's annotation with the title of its group in the help.
const groupOf = "group"

// Group puts flags into a group of the command's help. Groups come in the order of their first flags.
func Group(cmd *cobra.Command, title lang.Format, names ...string) {
	for _, name := range names {
		_ = cmd.Flags().SetAnnotation(name, groupOf, []string{string(title)}) // the flag exists
	}
}

// usage writes a command's usage, in lines of at most term.Width columns.
func usage(l lang.Language, cmd *cobra.Command) error {
	var b strings.Builder
	title := func(text lang.Format) { b.WriteString("\n" + l.Sprintf(text) + "\n") }
	b.WriteString(l.Sprintf("Usage:") + "\n")
	if cmd.Runnable() {
		line := strings.TrimSuffix(cmd.UseLine(), " [flags]")
		if line != cmd.UseLine() {
			line += l.Sprintf(" [flags]")
		}
		b.WriteString("  " + line + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("  " + cmd.CommandPath() + l.Sprintf(" [command]") + "\n")
	}
	if cmd.HasExample() {
		title("Examples:")
		b.WriteString(cmd.Example + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		title("Available Commands:")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				b.WriteString(term.Beside("  "+sub.Name(), sub.Short, 4+cmd.NamePadding()))
			}
		}
	}
	flags(&b, l, cmd.LocalFlags(), "Flags:")
	flags(&b, l, cmd.InheritedFlags(), "Global Flags:")
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n" + l.Sprintf(`Use "%s [command] --help" for more information about a command.`, cmd.CommandPath()) + "\n")
	}
	_, err := cmd.OutOrStderr().Write([]byte(b.String()))
	return err
}

// flags writes flags in their groups. Those without a group come last, below a title of their own.
func flags(b *strings.Builder, l lang.Language, all *pflag.FlagSet, rest lang.Format) {
	var titles []lang.Format
	groups := map[lang.Format][]*pflag.Flag{}
	all.VisitAll(func(flag *pflag.Flag) {
		title := rest
		if group := flag.Annotations[groupOf]; len(group) > 0 {
			title = lang.Format(group[0])
		}
		switch {
		case flag.Hidden:
			return
		case groups[title] == nil && title != rest:
			titles = append(titles, title)
		}
		groups[title] = append(groups[title], flag)
	})
	for _, title := range append(titles, rest) {
		if len(groups[title]) > 0 {
			b.WriteString("\n" + l.Sprintf(title) + "\n")
		}
		for _, flag := range groups[title] {
			b.WriteString(flagText(l, flag))
		}
	}
}

// flagText returns the help of a flag.
func flagText(l lang.Language, flag *pflag.Flag) string {
	value, text := pflag.UnquoteUsage(flag)
	text = strings.TrimPrefix(text, value+": ") // what values there are is said once
	name := "      --" + flag.Name
	if flag.Shorthand != "" {
		name = "  -" + flag.Shorthand + ", --" + flag.Name
	}
	if value != "" {
		name += " " + value
	}
	switch flag.DefValue {
	case "", "0", "false", "0s", "-1", "[]":
	default:
		value := flag.DefValue
		if minutes, is := strings.CutSuffix(value, "m0s"); is {
			value = minutes + "m"
		}
		text += l.Sprintf(" (default %s)", value)
	}
	return term.Beside(name, text, 30)
}
