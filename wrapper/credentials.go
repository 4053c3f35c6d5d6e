package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Credentials is what [NewClient] takes: [AppCredentials] (or a pointer to one), a [StaticToken], or any [TokenSource].
// NewClient refuses everything else.
type Credentials any

// TokenSource hands out access tokens that are kept elsewhere, such as by a service that owns the app's secret.
// Token is called for every request, from many goroutines, and should cache.
//
// An error of Token fails the call with [ErrUnauthenticated], and is not repeated; return an *[Error] for another kind,
// such as [ErrUnavailable].
//
// When the service rejects a token, Token is called once more, and the request is repeated if the token it returns is
// another. A source that also has the method RejectToken(ctx, token) is called with the rejected one before that.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// TokenSourceFunc is a [TokenSource] of one function.
type TokenSourceFunc func(ctx context.Context) (string, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

// AppCredentials are an internal app's key and secret, called Client ID and Client Secret in newer consoles. A client
// that has them fetches its access token, keeps it for its lifetime (two hours), renews it ten minutes early in the
// background, and fetches another when the service rejects it. The call is getAccessToken of openapi.yaml, which has what
// is documented of it.
//
// fmt, log/slog and the encoders of the standard library print no secret. fmt cannot be kept from an unexported field that
// holds AppCredentials by value, directly or in an interface: keep a pointer there.
type AppCredentials struct {
	AppKey    string
	AppSecret string
}

// check refuses what would only come back as wrong credentials.
func (a AppCredentials) check() error {
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

// MarshalJSON refuses to write a secret.
func (a AppCredentials) MarshalJSON() ([]byte, error) { return nil, errNotEncoded }

// MarshalText refuses to write a secret. XML and YAML go by it.
func (a AppCredentials) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob goes by it.
func (a AppCredentials) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }

// StaticToken is an access token that cannot be renewed: when the service rejects it, the call fails with
// [ErrUnauthenticated].
type StaticToken string

// Token returns the token.
func (t StaticToken) Token(context.Context) (string, error) { return string(t), nil }

// String does not return the token, so that it cannot be printed by accident.
func (t StaticToken) String() string { return "dingtalk.StaticToken(" + text.Redacted + ")" }

// Format is [StaticToken.String] for every verb of fmt.
func (t StaticToken) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue is [StaticToken.String], for [log/slog].
func (t StaticToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON refuses to write a secret.
func (t StaticToken) MarshalJSON() ([]byte, error) { return nil, errNotEncoded }

// MarshalText refuses to write a secret. XML and YAML go by it.
func (t StaticToken) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob goes by it.
func (t StaticToken) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }
