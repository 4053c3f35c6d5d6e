package connect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode"

	utf16 "golang.org/x/text/encoding/unicode"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/emulate"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// credentials returns the app's key and secret. It trims line ends, which editors and shells add.
func (c *Flags) credentials(ctx context.Context, w *term.World) (dingtalk.AppCredentials, error) {
	creds := dingtalk.AppCredentials{AppKey: trimLineEnds(w.Getenv(EnvAppKey)), AppSecret: trimLineEnds(w.Getenv(EnvAppSecret))}
	secretOf := EnvAppSecret
	if c.secretFile != "" {
		secretOf = "--app-secret-file"
		secret, err := secretFrom(ctx, w, c.secretFile)
		if ctx.Err() != nil && err != nil {
			return creds, err
		}
		if err != nil {
			return creds, refusal(lang.Errorf("%s: %w", secretOf, err), "write the app's secret, and nothing else, to a file that only you can read")
		}
		creds.AppSecret = secret
	}
	if missing := missing(creds); missing != nil {
		hint := lang.Format("the developer console shows them as Client ID and Client Secret; --emulator needs none")
		if c.noEmulator {
			hint = "the developer console shows them as Client ID and Client Secret"
		}
		if name, right := alike(w, creds); name != "" {
			return creds, &explain.Error{Code: explain.Credentials, Err: missing, Hint: lang.T("%s is set, and the name is %s", lang.Literal(name), lang.Literal(right))}
		}
		return creds, refusal(missing, hint)
	}
	for _, part := range []struct{ name, value string }{{EnvAppKey, creds.AppKey}, {secretOf, creds.AppSecret}} {
		if err := (dingtalk.AppCredentials{AppKey: part.value, AppSecret: part.value}).Check(); err != nil {
			return creds, refusal(lang.Errorf("%s: %w", part.name, errors.Unwrap(err)), "copy it again from the developer console, without anything around it")
		}
	}
	return creds, nil
}

// missing makes the error of incomplete credentials; it is nil if they are complete.
func missing(creds dingtalk.AppCredentials) error {
	switch {
	case creds.AppKey+creds.AppSecret == "":
		return lang.Errorf("no credentials: set %s and %s (or --app-secret-file)", EnvAppKey, EnvAppSecret)
	case creds.AppSecret == "":
		return lang.Errorf("no credentials: set %s (or --app-secret-file)", EnvAppSecret)
	case creds.AppKey == "":
		return lang.Errorf("no credentials: set %s", EnvAppKey)
	}
	return nil
}

// names are the letters of names that people give the variables, the right one first.
var names = map[string][]string{
	EnvAppKey:    {"DINGTALKAPPKEY", "DINGTALKCLIENTID", "DINGTALKAPPID", "DINGTALKKEY", "DINGAPPKEY", "DINGTALKAPPKEYID", "APPKEY", "CLIENTID"},
	EnvAppSecret: {"DINGTALKAPPSECRET", "DINGTALKCLIENTSECRET", "DINGTALKSECRET", "DINGAPPSECRET", "DINGTALKAPPKEYSECRET", "APPSECRET", "CLIENTSECRET"},
}

// alike returns a variable that is set and whose name is nearly that of one that is missing.
func alike(w *term.World, creds dingtalk.AppCredentials) (name, right string) {
	if w.Environ == nil {
		return "", ""
	}
	for _, want := range []struct{ name, value string }{{EnvAppKey, creds.AppKey}, {EnvAppSecret, creds.AppSecret}} {
		for _, variable := range w.Environ() {
			name, value, _ := strings.Cut(variable, "=")
			letters := strings.Map(func(r rune) rune {
				if !unicode.IsLetter(r) {
					return -1
				}
				return unicode.ToUpper(r)
			}, name)
			if want.value == "" && name != want.name && value != "" && (slices.Contains(names[want.name], letters) || slip(letters, names[want.name][0])) {
				return name, want.name
			}
		}
	}
	return "", ""
}

// slip reports whether one slip of the fingers leads from one text to the other: a letter too many, too few or wrong, or two
// in the other order.
func slip(a, b string) bool {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	a, b = a[at:], b[at:]
	if len(a) < len(b) {
		a, b = b, a
	}
	return a != "" && (a[1:] == b || b != "" && (a[1:] == b[1:] || len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]))
}

func refusal(err error, hint lang.Format) error {
	return &explain.Error{Code: explain.Credentials, Err: err, Hint: lang.T(hint)}
}

// maxSecret is far above the length of any app secret, in bytes.
const maxSecret = 4 << 10

// secretFrom reads a secret from a file. No error repeats the file's name or content: users pass secrets instead of
// names.
func secretFrom(ctx context.Context, w *term.World, name string) (string, error) {
	file, err := term.Open(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		return "", withoutPath(err)
	}
	reader := io.Reader(file)
	info, err := file.Stat()
	if regular := err == nil && info.Mode().IsRegular(); !regular {
		reader = term.UntilDone(ctx, file) // a pipe may never end; the process's end closes it
	} else {
		defer func() { _ = file.Close() }() // it was only read
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o044 != 0 {
			w.Note("warning: the file of --app-secret-file can be read by other users; chmod 600 would keep it to you")
		}
	}
	content, err := io.ReadAll(io.LimitReader(reader, maxSecret+1))
	if err != nil {
		return "", withoutPath(err)
	}
	secret := trimLineEnds(plainText(content))
	switch {
	case secret == "":
		return "", lang.Errorf("the file is empty")
	case len(content) > maxSecret:
		return "", lang.Errorf("the file is longer than %d bytes", maxSecret)
	case strings.ContainsFunc(secret, unicode.IsControl):
		return "", lang.Errorf("the file holds more than one line, or a control character")
	}
	return secret, nil
}

// plainText returns a file's text, also of UTF-16 with a mark, which PowerShell writes.
func plainText(content []byte) string {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		content, _ = utf16.UTF16(utf16.LittleEndian, utf16.UseBOM).NewDecoder().Bytes(content) // what is damaged is no secret
	}
	return string(content)
}

func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return lang.Errorf("the file cannot be read: %w", path.Err)
	}
	return err
}

// The environment variables. A secret is never a flag: other users of the machine can read a process's arguments.
const (
	EnvAppKey    = emulate.EnvAppKey
	EnvAppSecret = emulate.EnvAppSecret
	EnvBaseURL   = "DINGTALK_BASE_URL"
	EnvRedisURL  = "DINGTALK_REDIS_URL"
)

var environment = []struct {
	name    string
	meaning lang.Format
	of      string // the commands that read it
}{
	{EnvAppKey, "the app's key (Client ID in newer consoles)", "convert call doctor budget"},
	{EnvAppSecret, "the app's secret (Client Secret); --app-secret-file comes first", "convert call doctor budget"},
	{EnvBaseURL, "the host to call; --region and --base-url come first", "convert call doctor budget"},
	{EnvRedisURL, "the Redis that shares the app's limits; --redis comes first; it may hold a password", "convert budget"},
	{"HTTPS_PROXY, ALL_PROXY, NO_PROXY", "proxy to the host, as usual", "convert call doctor"},
	{"SSL_CERT_FILE", "PEM file of the authorities to trust, such as that of a company's proxy; Windows and macOS have stores of their own", "convert call doctor"},
	{"NO_COLOR", "set to anything: no colours on a terminal", "convert doctor"},
	{"LC_ALL, LC_MESSAGES, LANG", "language of messages, Chinese or else English; --lang comes first", "convert call doctor budget"},
}

// Footer ends the help of a command that makes calls: the environment variables and the exit codes. For the root, they are
// those of convert.
func Footer(w *term.World, command string) string {
	if command == term.CommandName {
		command = "convert"
	}
	return environmentText(w.Lang, command) + "\n" + explain.ExitText(w.Lang, command)
}

func environmentText(l lang.Language, command string) string {
	var b strings.Builder
	b.WriteString(l.Sprintf("Environment:") + "\n")
	for _, row := range environment {
		if slices.Contains(strings.Fields(row.of), command) {
			b.WriteString(term.Beside("  "+row.name, l.Sprintf(row.meaning), 29))
		}
	}
	return b.String()
}

// trimLineEnds trims line ends, which editors and shells add.
func trimLineEnds(value string) string { return strings.TrimRight(value, "\r\n") }
