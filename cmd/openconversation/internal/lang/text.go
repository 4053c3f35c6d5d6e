// Package lang translates messages for people. A message keeps its English format and arguments until it is printed, so
// one error can be English for machines and in the user's language for people: String and Error return English, Say any
// language. zh.yaml holds the Chinese texts by the English ones; a test of the command checks that it is complete.
package lang

import (
	_ "embed"
	"strings"
)

//go:embed help.txt
var help string

// Help returns a text of help.txt by its heading, or "".
func Help(key string) string {
	_, text, _ := strings.Cut(help, "\n== "+key+"\n")
	text, _, _ = strings.Cut(text, "\n== ")
	return strings.Trim(text, "\n")
}

// Format is an English format string (of fmt, with %w like %v) and the key of its translations. Every constant of this
// type has a Chinese text.
type Format string

// Said is a translatable value. Its String or Error is English.
type Said interface {
	Say(l Language) string
}

// Text is a message: a format with its arguments. Translatable arguments, errors included, are translated, too. The
// zero Text is empty.
type Text struct {
	format Format
	args   []any
	other  Format // the format in languages without a plural
}

// T makes a message.
func T(format Format, args ...any) Text { return Text{format: format, args: args} }

// N makes a message about a number: in English one if n is 1, otherwise many. Languages without a plural translate only
// many.
func N[I ~int | ~int64](n I, one, many Format, args ...any) Text {
	if n == 1 {
		return Text{format: one, args: args, other: many}
	}
	return T(many, args...)
}

// Say implements Said.
func (t Text) Say(l Language) string {
	if t.format == "" {
		return ""
	}
	if l != English && t.other != "" {
		return l.Sprintf(t.other, t.args...)
	}
	return l.Sprintf(t.format, t.args...)
}

// String is the message in English.
func (t Text) String() string { return t.Say(English) }

// Empty reports whether there is no message.
func (t Text) Empty() bool { return t.format == "" }

// Func says a text in a language.
type Func func(Language) string

// Say implements Said.
func (f Func) Say(l Language) string { return f(l) }

func (f Func) String() string { return f(English) }

// Join joins messages.
func Join(separator Format, parts ...Said) Said {
	return Func(func(l Language) string {
		texts := make([]string, len(parts))
		for i, part := range parts {
			texts[i] = part.Say(l)
		}
		return strings.Join(texts, l.Sprintf(separator))
	})
}

// List lists names as in a sentence: a, b or c.
func List(names []string, last Format) Said {
	return Func(func(l Language) string {
		end := len(names) - 1
		if end < 1 {
			return strings.Join(names, "")
		}
		return l.Sprintf("%s %s %s", strings.Join(names[:end], l.Sprintf("%s, %s", "", "")), l.Sprintf(last), names[end])
	})
}

// failure is a translatable error.
type failure struct {
	Text
	causes []error
}

// Errorf makes a translatable error. It wraps the arguments of %w.
func Errorf(format Format, args ...any) error {
	f := &failure{Text: T(format, args...)}
	if strings.Contains(string(format), "%w") {
		for _, arg := range args {
			if err, is := arg.(error); is {
				f.causes = append(f.causes, err)
			}
		}
	}
	return f
}

func (f *failure) Error() string   { return f.String() }
func (f *failure) Unwrap() []error { return f.causes }
