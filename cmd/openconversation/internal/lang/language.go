package lang

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Language is a language of the command. The zero Language is English.
type Language struct{ tag string }

// The languages.
var (
	English = Language{}
	Chinese = Language{"zh"}
)

// String is the language's tag.
func (l Language) String() string { return cmp.Or(l.tag, "en") }

// inChinese matches the locales whose language is Chinese, but for encodings other than UTF-8: the command writes UTF-8.
var inChinese = regexp.MustCompile(`(?i)^zh([_-]\w+)*(\.utf-?8)?(@.*)?$`)

// Locale returns the environment's language, from the first set variable in the order of POSIX. An unsupported one gives English.
func Locale(getenv func(string) string) Language {
	if inChinese.MatchString(cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"))) {
		return Chinese
	}
	return English
}

//go:embed zh.yaml
var zhYAML []byte

// Texts are the Chinese texts by their English ones; of long help, by the command with --help.
var Texts = sync.OnceValue(func() map[string]string {
	texts := map[string]string{}
	if err := yaml.Unmarshal(zhYAML, &texts); err != nil {
		panic(err) // a faulty file, which every test finds
	}
	return texts
})

// Sprintf formats a message.
func (l Language) Sprintf(format Format, args ...any) string {
	said := make([]any, len(args))
	for i, arg := range args {
		switch arg.(type) {
		case Said, error:
			arg = l.Of(arg)
		}
		said[i] = arg
	}
	return fmt.Sprintf(strings.ReplaceAll(l.Exact(string(format)), "%w", "%v"), said...)
}

// Exact translates a whole text, or returns it unchanged if there is no translation.
func (l Language) Exact(text string) string {
	if l == Chinese { // the texts are read only if they are used
		if translated, has := Texts()[text]; has {
			return translated
		}
	}
	return text
}

// Of returns a value's text in the language. Errors of other packages are translated if their type or whole text is
// known, and quoted otherwise.
func (l Language) Of(value any) string {
	err, is := value.(error)
	switch said, ours := value.(Said); {
	case ours:
		return said.Say(l)
	case !is:
		return fmt.Sprint(value)
	case l == English:
		return withoutPackage(strings.ReplaceAll(err.Error(), "\n", "; ")) // of errors that are joined
	}
	if list, joined := err.(interface{ Unwrap() []error }); joined {
		parts := make([]string, 0, 2)
		for _, part := range list.Unwrap() {
			parts = append(parts, l.Of(part))
		}
		return strings.Join(parts, l.Sprintf("; "))
	}
	if said := system(err); said != nil {
		return said.Say(l)
	}
	if inner := errors.Unwrap(err); inner != nil {
		before, after, found := strings.Cut(err.Error(), inner.Error())
		name, parts := strings.CutSuffix(before, ": ")
		switch {
		case !found || after != "":
		case before == "" || strings.HasPrefix(before, "dingtalk"):
			return l.Of(inner)
		case parts:
			return l.Sprintf("%s: %s", Quoted(name), inner)
		}
	}
	return Quoted(err.Error()).Say(l)
}

// Quoted is a text of another package. Chinese quotes it unless it is known as a whole or holds Chinese.
type Quoted string

// Say implements Said.
func (q Quoted) Say(l Language) string {
	text := withoutPackage(string(q))
	said := l.Exact(text)
	head, tail, parts := strings.Cut(text, ": ")
	switch {
	case l == English, said != text, strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }):
		return said
	case parts && (l.Exact(head) != head || l.Exact(tail) != tail):
		return l.Sprintf("%s: %s", Quoted(head), Quoted(tail))
	default:
		return "“" + text + "”"
	}
}

// withoutPackage removes the name of a package of the SDK before an error's text.
func withoutPackage(text string) string {
	return strings.TrimPrefix(strings.TrimPrefix(text, "dingtalk: "), "dingtalkredis: ")
}

// Literal is a text that every language has alike, such as a file's name.
type Literal string

// Say implements Said.
func (t Literal) Say(Language) string { return string(t) }

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

// AddFlagTo adds the flag. Setting it has no effect: commands have their texts before flags are parsed, so Choose reads it
// earlier.
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
