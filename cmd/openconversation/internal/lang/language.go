package lang

import (
	"cmp"
	_ "embed"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// inChinese matches the locales whose language is Chinese, but for encodings other than UTF-8: the command writes UTF-8.
var inChinese = regexp.MustCompile(`(?i)^zh([_-]\w+)*(\.utf-?8)?(@.*)?$`)

// Locale returns the environment's language, from the first set variable in the order of POSIX. An unsupported one gives English.
func Locale(getenv func(string) string) Language {
	if inChinese.MatchString(cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"))) {
		return Chinese
	}
	return English
}

// flagName is the flag that overrides the environment's language.
const flagName = "lang"

// Choice is the value of a flag with few values. It implements pflag.Value.
type Choice struct {
	To    *string
	Names []string
	Parse func(name string) (value string, known bool) // nil: the names alone
}

func (c *Choice) String() string {
	if c.To == nil { // pflag asks an empty one
		return ""
	}
	return *c.To
}

// Type implements pflag.Value.
func (c *Choice) Type() string { return "choice" }

// Set implements pflag.Value. Its error lists the values.
func (c *Choice) Set(name string) error {
	value, known := name, slices.Contains(c.Names, name)
	if c.Parse != nil {
		value, known = c.Parse(name)
	}
	if !known {
		return Errorf("use %s", List(c.Names, "or"))
	}
	*c.To = value
	return nil
}

// AddFlagTo adds the flag. Setting it has no effect: commands have their texts before flags are parsed, so Choose reads it earlier.
func AddFlagTo(flags *pflag.FlagSet) {
	flags.Var(&Choice{To: new(string), Names: []string{"en", "zh"}}, flagName, "`zh|en`: language of messages (default that of LC_ALL, LC_MESSAGES or LANG)")
}

// Choose returns a command's language: from the flag in its arguments, or else from the environment.
func Choose(args []string, getenv func(string) string) Language {
	switch FlagIn(args, flagName) {
	case "en":
		return English
	case "zh":
		return Chinese
	}
	return Locale(getenv)
}

// FlagIn returns a flag's value in arguments that are not parsed yet, or "".
func FlagIn(args []string, flag string) (value string) {
	for i, arg := range args {
		joined, is := strings.CutPrefix(arg, "--"+flag+"=")
		switch {
		case arg == "--":
			return value
		case is:
			value = joined
		case arg == "--"+flag && i+1 < len(args):
			value = args[i+1]
		}
	}
	return value
}

//go:embed help.txt
var help string

// Help returns a text of help.txt by its heading, or "".
func Help(key string) string {
	_, text, _ := strings.Cut(help, "\n== "+key+"\n")
	text, _, _ = strings.Cut(text, "\n== ")
	return strings.Trim(text, "\n")
}
