// Package lang translates messages for people. A message keeps its English format and arguments until it is printed, so
// one error can be English for machines and in the user's language for people: String and Error return English, Say any
// language. zh.yaml holds the Chinese texts by the English ones; a test of the command checks that it is complete.
package lang

import (
	"archive/zip"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"unicode"

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

// Format is an English format string (of fmt, with %w like %v) and the key of its translations. Every constant of this
// type has a Chinese text.
type Format string

// Said is a translatable value. Its String or Error is English.
type Said interface {
	Say(l Language) string
}

// Text is a message: a format with its arguments. Translatable arguments, errors included, are translated, too. The zero Text is empty.
type Text struct {
	format Format
	args   []any
	other  Format // the format in languages without a plural
}

// T makes a message.
func T(format Format, args ...any) Text { return Text{format: format, args: args} }

// N makes a message about a number: in English one if n is 1, otherwise many. Languages without a plural translate only many.
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

// faults are errors of the system and the standard library that a user can do something about.
var faults = []struct {
	err  error
	text Format
}{
	{syscall.EISDIR, "it is a folder"},
	{syscall.ENOTDIR, "a part of its path is no folder"},
	{syscall.ENOSPC, "the disk is full"},
	{syscall.EDQUOT, "the disk quota is used up"},
	{syscall.EFBIG, "the file is larger than is allowed"},
	{syscall.EROFS, "the file system is read-only"},
	{syscall.ENAMETOOLONG, "the name is too long"},
	{syscall.ELOOP, "its links lead in a circle"},
	{syscall.EMFILE, "too many files are open"},
	{syscall.EIO, "the device failed"},
	{syscall.ENXIO, "there is no such device"},
	{syscall.EPIPE, "the reader of the pipe has gone"},
	{syscall.EADDRINUSE, "the address is in use"},
	{syscall.EADDRNOTAVAIL, "this machine does not have the address"},
	{syscall.ECONNREFUSED, "the connection was refused"},
	{syscall.ECONNRESET, "the connection was reset"},
	{syscall.EHOSTUNREACH, "the host cannot be reached"},
	{syscall.ENETUNREACH, "the network cannot be reached"},
	{syscall.ETIMEDOUT, "it timed out"},
	{fs.ErrNotExist, "there is no such file or folder"},
	{fs.ErrExist, "it exists already"},
	{fs.ErrPermission, "access is denied"},
	{fs.ErrClosed, "it is closed already"},
	{os.ErrDeadlineExceeded, "it timed out"},
	{context.DeadlineExceeded, "the time limit has passed"},
	{context.Canceled, "it was stopped"},
	{io.ErrUnexpectedEOF, "it ends too early"},
	{io.EOF, "it ended"},
	{zip.ErrFormat, "it is no zip file"},
	{zip.ErrChecksum, "its checksum is wrong"},
	{zip.ErrAlgorithm, "its compression is not supported"},
	{syscall.EINVAL, "the system does not allow it"},
}

// system returns the meaning of an error of the system or the standard library, by its type, or nil.
func system(err error) Said {
	switch e := err.(type) { //nolint:errorlint // each layer is handled separately
	case *fs.PathError:
		return T("%s: %s", Literal(e.Path), e.Err)
	case *os.LinkError:
		return T("%s: %s", Literal(e.New), e.Err)
	case *os.SyscallError:
		return T("%s", e.Err)
	case *url.Error:
		return T("%s", e.Err)
	case *net.OpError:
		if e.Addr == nil {
			return T("%s", e.Err)
		}
		return T("%s: %s", Literal(e.Addr.String()), e.Err)
	case *net.DNSError:
		switch {
		case e.IsNotFound:
			return T("there is no host %s", Literal(e.Name))
		case e.IsTimeout:
			return T("the name server did not answer for %s", Literal(e.Name))
		}
		return T("the name server failed for %s", Literal(e.Name))
	case *json.SyntaxError:
		return T("it is not JSON: it goes wrong at byte %d", e.Offset)
	case net.Error:
		if e.Timeout() {
			return T("it timed out")
		}
	}
	_, errno := err.(syscall.Errno) //nolint:errorlint // each layer is handled separately
	for _, fault := range faults {
		if err == fault.err || errno && errors.Is(err, fault.err) { //nolint:errorlint // each layer is handled separately
			return T(fault.text)
		}
	}
	return nil
}
