package connect

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unicode"

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
	case creds.AppKey == "" && creds.AppSecret == "":
		return lang.Errorf("no credentials: set %s and %s (or --app-secret-file)", EnvAppKey, EnvAppSecret)
	case creds.AppSecret == "":
		return lang.Errorf("no credentials: set %s (or --app-secret-file)", EnvAppSecret)
	case creds.AppKey == "":
		return lang.Errorf("no credentials: set %s", EnvAppKey)
	default:
		return nil
	}
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
	secret := trimLineEnds(string(content))
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

func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return lang.Errorf("the file cannot be read: %w", path.Err)
	}
	return err
}
