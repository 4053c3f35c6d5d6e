package lang

import (
	"strings"

	"github.com/spf13/pflag"
)

// flagName is the flag that says the language, whatever the environment has.
const flagName = "lang"

// choice is the flag's value. It changes nothing: the texts of the commands are made before flags are read, so Choose has
// looked for it.
type choice struct{ name string }

func (c *choice) String() string { return c.name }
func (c *choice) Type() string   { return "language" }

func (c *choice) Set(name string) error {
	if _, known := Parse(name); !known {
		return Errorf("use %s", List(Names(), "or"))
	}
	c.name = name
	return nil
}

// AddFlagTo adds the flag.
func AddFlagTo(flags *pflag.FlagSet) {
	flags.Var(&choice{}, flagName, "language of messages: `zh|en` (default that of LC_ALL, LC_MESSAGES or LANG)")
}

// Choose is the language of a command: that of its flag in the arguments, or else of the environment.
func Choose(args []string, getenv func(string) string) Language {
	chosen := Locale(getenv)
	for i, arg := range args {
		name, joined := strings.CutPrefix(arg, "--"+flagName+"=")
		switch {
		case arg == "--":
			return chosen
		case arg == "--"+flagName && i+1 < len(args):
			name = args[i+1]
		case !joined:
			continue
		}
		if l, known := Parse(name); known {
			chosen = l
		}
	}
	return chosen
}
