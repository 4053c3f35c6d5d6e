package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Credentials is what [NewClient] takes: [AppCredentials], a [StaticToken], or any other [TokenSource].
type Credentials interface{ TokenSource }

// TokenSource hands out access tokens that are kept elsewhere, such as by a service that owns the app's secret.
// Token is called for every request, from many goroutines, and should cache.
//
// An error of Token fails the call with [ErrUnauthenticated], and is not repeated; return an *[Error] for another kind,
// such as [ErrUnavailable].
//
// When the service rejects a token, Token is called once more, and the request is repeated if the token it returns is
// another. A source that also has the method RejectToken(ctx, token) is told before that.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// AppCredentials are an internal app's key and secret, called Client ID and Client Secret in newer consoles. A client
// that has them fetches its access token, keeps it for its lifetime (two hours), renews it ten minutes early in the
// background, and fetches another when the service rejects it. The call is getAccessToken of openapi.yaml, which has what
// is documented of it.
type AppCredentials struct {
	AppKey    string
	AppSecret string
}

// Token makes AppCredentials a [Credentials]. It always fails: a token comes from one host or the other, so it takes a
// client to get one. See [Client.Token].
func (a AppCredentials) Token(context.Context) (string, error) {
	return "", errors.New("dingtalk: AppCredentials hold no token: make a client of them, and call its Token")
}

const redacted = "REDACTED"

// secrets are what a request carries that no error may repeat, even if the server does.
type secrets [2]string

func (s secrets) hide(text string) string {
	for _, secret := range s {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	return text
}

// clear returns err, unless its text repeats a secret, as that of a malformed answer may: then only the text is kept.
func (s secrets) clear(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if hidden := s.hide(text); hidden != text {
		return errors.New(hidden)
	}
	return err
}

// String names the app without its secret.
func (a AppCredentials) String() string {
	return fmt.Sprintf("dingtalk.AppCredentials{AppKey: %q, AppSecret: %s}", a.AppKey, redacted)
}

// GoString is [AppCredentials.String], for %#v.
func (a AppCredentials) GoString() string { return a.String() }

// LogValue is for [log/slog]: the app's key, without its secret.
func (a AppCredentials) LogValue() slog.Value {
	return slog.GroupValue(slog.String("app_key", a.AppKey), slog.String("app_secret", redacted))
}

// MarshalJSON refuses to write a secret.
func (a AppCredentials) MarshalJSON() ([]byte, error) {
	return nil, errors.New("dingtalk: AppCredentials are not marshalled: they hold a secret")
}

// StaticToken is an access token that cannot be renewed: when the service rejects it, the call fails with
// [ErrUnauthenticated].
type StaticToken string

// Token returns the token.
func (t StaticToken) Token(context.Context) (string, error) { return string(t), nil }

// String does not return the token, so that it cannot be printed by accident.
func (t StaticToken) String() string { return "dingtalk.StaticToken(" + redacted + ")" }

// GoString is [StaticToken.String], for %#v.
func (t StaticToken) GoString() string { return t.String() }

// LogValue is [StaticToken.String], for [log/slog].
func (t StaticToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON refuses to write a secret.
func (t StaticToken) MarshalJSON() ([]byte, error) {
	return nil, errors.New("dingtalk: a StaticToken is not marshalled: it is a secret")
}

// tokens is what a client asks for tokens: the cache of an app's own token, or another source behind the same face.
type tokens interface {
	// Token returns a token that a header can carry.
	Token(ctx context.Context) (string, error)
	// reject drops a token that the service rejected, if it is still the current one.
	reject(ctx context.Context, token string)
	// remember makes further calls fail with err for a moment, since another token did not help.
	remember(err *Error)
}

func (c *Client) newTokens(creds Credentials, share func(*Client, AppCredentials) tokenSharing) (tokens, error) {
	switch creds := creds.(type) {
	case nil:
		return nil, errors.New("credentials are nil")
	case AppCredentials:
		if creds.AppKey == "" || creds.AppSecret == "" {
			return nil, errors.New("AppCredentials: AppKey and AppSecret must not be empty")
		}
		cache := &tokenCache{client: c, creds: creds}
		if share != nil {
			cache.shared = share(c, creds)
		}
		return cache, nil
	case *AppCredentials:
		if creds == nil {
			return nil, errors.New("credentials are nil")
		}
		return c.newTokens(*creds, share)
	case StaticToken:
		if err := checkHeaderValue(string(creds)); err != nil {
			return nil, fmt.Errorf("StaticToken: %w", err)
		}
	}
	if share != nil {
		return nil, errors.New("WithTokenStore: it needs AppCredentials")
	}
	return &foreignTokens{creds}, nil // a pointer, behind which fmt does not look
}

// foreignTokens puts the checks of a client before somebody else's source.
type foreignTokens struct{ source TokenSource }

func (f *foreignTokens) Token(ctx context.Context) (string, error) {
	token, err := f.source.Token(ctx)
	if err != nil {
		return "", err
	}
	if err := checkHeaderValue(token); err != nil {
		return "", fmt.Errorf("its token cannot be sent: %w", err)
	}
	return token, nil
}

func (f *foreignTokens) reject(ctx context.Context, token string) {
	if r, ok := f.source.(interface {
		RejectToken(ctx context.Context, token string)
	}); ok {
		r.RejectToken(ctx, token)
	}
}

func (f *foreignTokens) remember(*Error) {}

// checkHeaderValue refuses what a header cannot carry, such as the line break by which one injects another. It does
// not repeat the value, which may be a secret.
func checkHeaderValue(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	for i := range len(s) {
		if s[i] <= ' ' && (s[i] != ' ' || i == 0 || i == len(s)-1) || s[i] >= 0x7f {
			return errors.New("it holds a character that a header cannot carry")
		}
	}
	return nil
}
