package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Credentials is [AppCredentials] or a pointer to one, a [StaticToken], or any other [TokenSource].
type Credentials = TokenSource

// TokenSource returns access tokens kept elsewhere, such as in a service that owns the app's secret. The client calls
// Token for every request, from many goroutines, so Token should cache.
//
// An error of Token fails the call with [ErrUnavailable] and is not retried. Return an *[Error] for another kind, such as
// [ErrUnauthenticated].
//
// When the service rejects a token, the client calls Token once more and repeats the request if the new token differs.
// An operation that rejects tokens which other operations use with success makes it do so once a minute at most.
// If the source also has the method RejectToken(ctx, token), the client calls it first, with the rejected token.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// TokenSourceFunc is a [TokenSource] of one function.
type TokenSourceFunc func(ctx context.Context) (string, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

// AppCredentials are an internal app's key and secret; newer consoles call them Client ID and Client Secret. The client
// fetches an access token with them and caches it for its lifetime (two hours). It renews the token in the background
// ten minutes before the end, and fetches a new one when the service rejects it. The call is getAccessToken of
// openapi.yaml.
//
// fmt, log/slog and the encoders of the standard library print no secret, with two exceptions in fmt: an unexported
// field that holds AppCredentials by value (directly or in an interface), and a verb that does not fit, such as %p or
// %w for a value or %s for an unexported pointer. In unexported fields keep the *[Client], or a pointer to the
// credentials: %v, %d and %x do not look behind a pointer.
type AppCredentials struct {
	AppKey    string
	AppSecret string
}

// Check refuses keys and secrets that the service would answer with "wrong credentials": empty ones, and ones with
// white space, a byte-order mark or quotes around them. The error names the fault, not the value. [NewClient] calls
// Check.
func (a AppCredentials) Check() error {
	if err := text.CheckCredential(a.AppKey); err != nil {
		return fmt.Errorf("AppCredentials: AppKey: %w", err)
	}
	if err := text.CheckCredential(a.AppSecret); err != nil {
		return fmt.Errorf("AppCredentials: AppSecret: %w", err)
	}
	return nil
}

// String names the app without its secret.
func (a AppCredentials) String() string {
	return fmt.Sprintf("dingtalk.AppCredentials{AppKey: %q, AppSecret: %s}", a.AppKey, text.Redacted)
}

// Format is [AppCredentials.String] for every verb of fmt.
func (a AppCredentials) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.String()) }

// LogValue is for [log/slog]: the app's key, without its secret.
func (a AppCredentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("app_key", a.AppKey), slog.String("app_secret", text.Redacted))
}

var errNotEncoded = errors.New("dingtalk: it holds a secret, which is not encoded")

// MarshalText refuses to write a secret. Encoders of JSON, XML and YAML call it.
func (a AppCredentials) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob calls it.
func (a AppCredentials) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }

// StaticToken is an access token without renewal: when the service rejects it, the call fails with
// [ErrUnauthenticated].
type StaticToken string

// Token returns the token.
func (t StaticToken) Token(context.Context) (string, error) { return string(t), nil }

func (t StaticToken) check() error {
	if err := cmp.Or(text.CheckCredential(string(t)), text.CheckHeader(string(t))); err != nil {
		return fmt.Errorf("StaticToken: %w", err)
	}
	return nil
}

// String redacts the token.
func (t StaticToken) String() string { return "dingtalk.StaticToken(" + text.Redacted + ")" }

// Format is [StaticToken.String] for every verb of fmt.
func (t StaticToken) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue is [StaticToken.String], for [log/slog].
func (t StaticToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText refuses to write a secret. Encoders of JSON, XML and YAML call it.
func (t StaticToken) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob calls it.
func (t StaticToken) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }
