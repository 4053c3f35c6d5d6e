package lang

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang/zh"
)

// Language is a language of the command. The zero Language is English.
type Language struct{ tag string }

// The languages.
var (
	English = Language{}
	Chinese = Language{"zh"}
)

// Names returns the values of --lang.
func Names() []string { return []string{"en", "zh"} }

// Parse finds a language by its name. known is false for an unsupported language.
func Parse(name string) (l Language, known bool) {
	switch name {
	case "en":
		return English, true
	case "zh":
		return Chinese, true
	default:
		return English, false
	}
}

// Name is the language's name.
func (l Language) Name() string {
	if l == Chinese {
		return "zh"
	}
	return "en"
}

// Locale returns the environment's language, from the first set variable in the order of POSIX. An unsupported language
// gives English.
func Locale(getenv func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		value, _, _ = strings.Cut(value, "@")
		value, encoding, named := strings.Cut(value, ".")
		if named && !slices.Contains([]string{"utf8", "utf-8"}, strings.ToLower(encoding)) {
			return English // the command writes UTF-8: in another encoding only English is readable
		}
		tag, err := language.Parse(value)
		if err != nil {
			return English // C and POSIX are not languages
		}
		if base, _ := tag.Base(); base.String() == "zh" {
			return Chinese
		}
		return English
	}
	return English
}

// chinese is the printer of Chinese; safe for concurrent use.
var chinese = sync.OnceValue(func() *message.Printer {
	texts := catalog.NewBuilder(catalog.Fallback(language.English))
	for key, text := range zh.Texts() {
		if strings.Contains(text, "${") {
			continue // the catalogue would take it for a variable; such texts are a shell's and looked up whole
		}
		if err := texts.SetString(language.Chinese, key, text); err != nil {
			panic(err) // a faulty text, which a test finds
		}
	}
	return message.NewPrinter(language.Chinese, message.Catalog(texts))
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
	if l == Chinese { // build the catalogue only if it is used
		if _, has := zh.Texts()[string(format)]; has {
			for i, arg := range said {
				said[i] = plain{arg}
			}
			return chinese().Sprintf(string(format), said...)
		}
	}
	return fmt.Sprintf(strings.ReplaceAll(string(format), "%w", "%v"), said...)
}

// plain formats an argument as fmt does: line numbers and byte offsets must be searchable, so they have no separators.
type plain struct{ value any }

func (p plain) Format(s fmt.State, verb rune) {
	if verb == 'w' {
		verb = 'v'
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), p.value)
}

// Of returns a value's text in the language. For an error that is not translatable, it translates the wrapped errors.
func (l Language) Of(value any) string {
	switch v := value.(type) {
	case Said:
		return v.Say(l)
	case error:
		return l.ofError(v)
	default:
		return fmt.Sprint(v)
	}
}

func (l Language) ofError(err error) string {
	text := err.Error()
	if l == English {
		return text
	}
	var inner []error
	switch e := err.(type) { //nolint:errorlint // each layer is handled separately
	case interface{ Unwrap() error }:
		inner = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	}
	said := false
	for _, e := range inner {
		if e == nil {
			continue
		}
		if before, after, found := strings.Cut(text, e.Error()); found {
			text, said = l.head(before)+l.Of(e)+after, true
		}
	}
	if !said {
		return l.Exact(text)
	}
	return text
}

// head translates an error's text before its wrapped error.
func (l Language) head(before string) string {
	if name, is := strings.CutSuffix(before, separator); is && l.Exact(name) != name {
		return l.Exact(name) + l.Sprintf(separator)
	}
	return before
}

// separator stands between an error and its cause.
const separator = ": "
