package connect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode"

	utf16 "golang.org/x/text/encoding/unicode"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// credentials returns the app's key and secret. It trims line ends, which editors and shells add.
func (c *Flags) credentials(ctx context.Context, w *term.World) (creds dingtalk.AppCredentials, err error) {
	creds = dingtalk.AppCredentials{AppKey: trimLineEnds(w.Getenv(EnvAppKey)), AppSecret: trimLineEnds(w.Getenv(EnvAppSecret))}
	secretOf := c.SecretOf()
	if c.secretFile != "" {
		if creds.AppSecret, err = secretFrom(ctx, w, c.secretFile); err != nil && ctx.Err() != nil {
			return creds, context.Cause(ctx)
		}
		if err != nil {
			return creds, refusal(lang.Errorf("%s: %w", secretOf, err), "write the app's secret, and nothing else, to a file that only you can read")
		}
	}
	var missing []string
	hint := lang.T("the developer console shows them as Client ID and Client Secret; --app-secret-file reads the secret from a file; convert --emulator needs none")
	parts := []struct{ name, value string }{{EnvAppKey, creds.AppKey}, {secretOf, creds.AppSecret}}
	for _, part := range parts {
		if part.value != "" {
			continue
		}
		if name := alike(w, part.name); name != "" {
			hint = lang.T("%s is set, and the name is %s", lang.Literal(name), lang.Literal(part.name))
		}
		missing = append(missing, part.name)
	}
	if missing != nil {
		return creds, &explain.Error{Code: explain.Credentials, Err: lang.Errorf("no credentials: set %s", lang.List(missing, "and")), Hint: hint}
	}
	for _, part := range parts {
		if err := (dingtalk.AppCredentials{AppKey: part.value, AppSecret: part.value}).Check(); err != nil {
			return creds, refusal(lang.Errorf("%s: %w", part.name, errors.Unwrap(err)), "copy it again from the developer console, without anything around it")
		}
	}
	return creds, nil
}

// names are the letters of names that people give the variables, the right one first.
var names = map[string][]string{
	EnvAppKey:    {"DINGTALKAPPKEY", "DINGTALKCLIENTID", "DINGTALKAPPID", "DINGTALKKEY", "DINGAPPKEY", "DINGTALKAPPKEYID", "APPKEY", "CLIENTID"},
	EnvAppSecret: {"DINGTALKAPPSECRET", "DINGTALKCLIENTSECRET", "DINGTALKSECRET", "DINGAPPSECRET", "DINGTALKAPPKEYSECRET", "APPSECRET", "CLIENTSECRET"},
}

// alike returns a variable that is set and whose name is nearly this one.
func alike(w *term.World, want string) string {
	for _, variable := range w.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		letters := strings.Map(func(r rune) rune {
			if !unicode.IsLetter(r) {
				return -1
			}
			return unicode.ToUpper(r)
		}, name)
		if name != want && value != "" && (slices.Contains(names[want], letters) || slip(letters, names[want][0])) {
			return name
		}
	}
	return ""
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

// secretFrom reads a secret from a file. No error repeats the file's name or content: users pass secrets instead of names.
func secretFrom(ctx context.Context, w *term.World, name string) (string, error) {
	file, err := term.Open(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		return "", explain.InFile(lang.T("the file cannot be read"), err)
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
		return "", explain.InFile(lang.T("the file cannot be read"), err)
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
