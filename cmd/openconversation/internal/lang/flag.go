package lang

import (
	"strings"

	"github.com/spf13/pflag"
)

// flagName is the flag that overrides the environment's language.
const flagName = "lang"

// choice is the flag's value. Setting it has no effect: commands have their texts before flags are parsed, so Choose
// reads it earlier.
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
	flags.Var(&choice{}, flagName, "`zh|en`: language of messages (default that of LC_ALL, LC_MESSAGES or LANG)")
}

// Choose returns a command's language: from the flag in its arguments, or else from the environment.
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
