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

// Language is one that the command speaks. The zero Language is English.
type Language struct{ tag string }

// The languages.
var (
	English = Language{}
	Chinese = Language{"zh"}
)

// Names are the names of the languages, as --lang has them.
func Names() []string { return []string{"en", "zh"} }

// Parse finds a language by its name. known is false for one that the command does not speak.
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

// Locale is the language of an environment: of the first variable that is set, as POSIX has it. What the command does
// not speak is English.
func Locale(getenv func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		value, _, _ = strings.Cut(value, "@")
		value, encoding, named := strings.Cut(value, ".")
		if named && !slices.Contains([]string{"utf8", "utf-8"}, strings.ToLower(encoding)) {
			return English // which every encoding has; the command writes UTF-8, and Chinese would be unreadable
		}
		tag, err := language.Parse(value)
		if err != nil {
			return English // C and POSIX are no languages
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
			continue // a variable to the catalogue; such texts are a shell's, and are taken whole
		}
		if err := texts.SetString(language.Chinese, key, text); err != nil {
			panic(err) // a text is at fault, which its test finds
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
	if l == Chinese { // the catalogue is put together only for those who read it
		if _, has := zh.Texts()[string(format)]; has {
			for i, arg := range said {
				said[i] = plain{arg}
			}
			return chinese().Sprintf(string(format), said...)
		}
	}
	return fmt.Sprintf(strings.ReplaceAll(string(format), "%w", "%v"), said...)
}

// plain formats an argument as fmt does: numbers of lines and bytes are to be found again, so they get no separators.
type plain struct{ value any }

func (p plain) Format(s fmt.State, verb rune) {
	if verb == 'w' {
		verb = 'v'
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), p.value)
}

// Of is the text of a value in the language. Of an error that cannot be said, the parts are that it wraps.
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
	switch e := err.(type) { //nolint:errorlint // each layer is looked at by itself
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

// head is what an error says before the one that it wraps.
func (l Language) head(before string) string {
	if name, is := strings.CutSuffix(before, separator); is && l.Exact(name) != name {
		return l.Exact(name) + l.Sprintf(separator)
	}
	return before
}

// separator stands between an error and its cause.
const separator = ": "
