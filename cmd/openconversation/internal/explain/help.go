package explain

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// groupOf is a flag's annotation with the title of its group in the help.
const groupOf = "group"

// Group puts flags into a group of the command's help. Groups come in the order of their first flags.
func Group(cmd *cobra.Command, title lang.Format, names ...string) {
	for _, name := range names {
		_ = cmd.Flags().SetAnnotation(name, groupOf, []string{string(title)}) // the flag exists
	}
}

// usage writes a command's usage, in lines of at most term.MaxWidth columns.
func usage(l lang.Language, cmd *cobra.Command) error {
	var b strings.Builder
	title := func(text lang.Format) { b.WriteString("\n" + l.Sprintf(text) + "\n") }
	b.WriteString(l.Sprintf("Usage:") + "\n")
	if cmd.HasAvailableSubCommands() {
		b.WriteString("  " + cmd.CommandPath() + l.Sprintf(" [command]") + "\n")
	} else {
		line, flagged := strings.CutSuffix(cmd.UseLine(), " [flags]")
		if flagged {
			line += l.Sprintf(" [flags]")
		}
		b.WriteString("  " + line + "\n")
	}
	if cmd.HasExample() {
		title("Examples:")
		b.WriteString(cmd.Example + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		title("Available Commands:")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				b.WriteString(term.Beside("  "+sub.Name(), sub.Short, min(4+sub.NamePadding(), 30)))
			}
		}
	}
	flags(&b, l, cmd.LocalFlags(), "Flags:")
	flags(&b, l, cmd.InheritedFlags(), "Global Flags:")
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n" + l.Sprintf(`Use "%s [command] --help" for more information about a command.`, cmd.CommandPath()) + "\n")
	}
	b.WriteString(Footer(l, cmd))
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
	text = strings.TrimPrefix(strings.TrimPrefix(text, value+": "), value+"：") // what values there are is said once
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

// Key is the key of a text about a command in help.txt and zh.yaml.
func Key(cmd *cobra.Command, what string) string {
	return strings.TrimPrefix(cmd.CommandPath()+" "+what, cmd.Root().Name()+" ")
}

// Prepare gives a command and its subcommands what they have alike: errors of usage in this command's words, and help. zh.yaml
// has the texts whole, so a command is written in English alone.
func Prepare(l lang.Language, root *cobra.Command) {
	root.SetUsageFunc(func(cmd *cobra.Command) error { return usage(l, cmd) })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if args := cmd.Flags().Args(); cmd == root && len(args) > 0 {
			return refused(cmd, Unknown(cmd, args))
		}
		return refused(cmd, flagError(err))
	})
	prepare(l, root)
}

func prepare(l lang.Language, cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			return refused(cmd, cmp.Or(check(cmd, args), negative(cmd)))
		}
	}
	translate(l, cmd)
	for _, sub := range cmd.Commands() {
		prepare(l, sub)
	}
}

// cobras are the flags that cobra adds.
var cobras = map[string]lang.Format{"help": "help for %s", "version": "version for %s"}

func translate(l lang.Language, cmd *cobra.Command) {
	long := Key(cmd, "--help")
	cmd.Long, cmd.Example = cmp.Or(cmd.Long, lang.Help(long)), lang.Help(Key(cmd, "examples"))
	if l == lang.English {
		return
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	cmd.Short = l.Exact(cmd.Short)
	if text := l.Exact(long); text != long {
		cmd.Long = text
	}
	say := func(flag *pflag.Flag) {
		if flag.Usage = l.Exact(flag.Usage); strings.HasPrefix(flag.Usage, flag.Name+" for ") {
			flag.Usage = l.Sprintf(cobras[flag.Name], cmd.Name())
		}
	}
	cmd.Flags().VisitAll(say)
	cmd.PersistentFlags().VisitAll(say)
}

// negative refuses negative numbers, but for flags whose default is one.
func negative(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		number := slices.Contains([]string{"int", "duration"}, flag.Value.Type())
		if value := flag.Value.String(); number && value[0] == '-' && flag.DefValue[0] != '-' {
			err = lang.Errorf("--%s: %s is negative", flag.Name, value)
		}
	})
	return err
}

// refused makes an error of usage with a hint to the command's help, or nil of nil.
func refused(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: UsageExit, Err: err, Hint: lang.T("see %s --help", cmd.CommandPath())}
}

// flagError says what is wrong with a flag.
func flagError(err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value) && value.GetFlag().Value.Type() == "choice":
		return lang.Errorf("--%s: %w", value.GetFlag().Name, value.Unwrap())
	case errors.As(err, &value):
		return lang.Errorf("--%s %s: %s", value.GetFlag().Name, quoted(value.GetValue()), wants(value))
	case errors.As(err, &missing):
		return lang.Errorf("--%s needs a value", missing.GetFlag().Name)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return lang.Errorf("there is no flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return lang.Errorf("there is no flag --%s", unknown.GetSpecifiedName())
	}
	return err
}

// Unknown refuses the name of a subcommand that there is not.
func Unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if alike := cmd.SuggestionsFor(args[0]); len(alike) > 0 {
		return lang.Errorf("there is no command %q; did you mean %s?", args[0], lang.List(alike, "or"))
	}
	return lang.Errorf("there is no command %q", args[0])
}

// wanted are the values of the kinds of flags.
var wanted = map[string]lang.Format{
	"duration": "give a time with its unit, such as 30s, 5m or 1h30m", "int": "give a whole number",
	"float64": "give a number, such as 20 or 0.5", "bool": "give true or false, or the flag alone",
}

// wants says what a flag takes.
func wants(e *pflag.InvalidValueError) lang.Said {
	kind, value := e.GetFlag().Value.Type(), e.GetValue()
	if _, err := strconv.ParseInt(value, 0, 64); kind == "int" && errors.Is(err, strconv.ErrRange) {
		return lang.T("this number is too large")
	}
	if _, err := strconv.ParseFloat(value, 64); kind == "duration" && err == nil {
		return lang.T("say the unit, such as %ss or %sm", value, value)
	}
	return lang.T(wanted[kind])
}

func quoted(value string) string {
	if value == "" || strings.ContainsAny(value, " \t") {
		return strconv.Quote(value)
	}
	return term.Shown(value)
}

// AtMost refuses more than n arguments.
func AtMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return lang.Errorf("%s: %s is one argument too many", cmd.CommandPath(), quoted(args[n]))
		}
		return nil
	}
}

// Choice adds a flag with few values. Without parse, they are the names alone.
func Choice(cmd *cobra.Command, to *string, name, usage string, names []string, parse func(string) (string, bool)) {
	cmd.Flags().Var(&lang.Choice{To: to, Names: names, Parse: parse}, name, usage)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// Alone refuses two or more set flags of names together.
func Alone(cmd *cobra.Command, names ...string) error {
	var set []string
	for _, name := range names {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			set = append(set, "--"+name)
		}
	}
	if len(set) < 2 {
		return nil
	}
	return refused(cmd, lang.Errorf("%s cannot be given together", lang.List(set, "and")))
}
