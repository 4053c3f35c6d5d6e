package dingtalk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
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
// ten minutes before the end, and fetches a new one when the service rejects it. The call is getAccessToken of openapi.yaml.
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
// white space, a byte-order mark or quotes around them. The error names the fault, not the value. [NewClient] calls Check.
func (a AppCredentials) Check() error {
	key, secret := text.CheckCredential(a.AppKey), text.CheckCredential(a.AppSecret)
	return cmp.Or(oddIf(key != nil, "AppCredentials: AppKey: %w", key), oddIf(secret != nil, "AppCredentials: AppSecret: %w", secret))
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

// MarshalText refuses to write a secret. Encoders of JSON, XML and YAML call it.
func (a AppCredentials) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob calls it.
func (a AppCredentials) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }

// StaticToken is an access token without renewal: when the service rejects it, the call fails with
// [ErrUnauthenticated]. No formatter shows it, and no encoder takes it.
func StaticToken(token string) TokenSource { return staticToken(func() string { return token }) }

// staticToken is a function: no formatter or encoder looks into one.
type staticToken func() string

func (t staticToken) Token(context.Context) (string, error) { return t(), nil }

func (t staticToken) check() error {
	err := cmp.Or(text.CheckCredential(t()), text.CheckHeader(t()))
	return oddIf(err != nil, "StaticToken: %w", err)
}

func newTokens(cfg *config, creds Credentials) (tokenKeeper, error) {
	if creds == nil || isNil(creds) {
		return nil, errors.New("credentials are nil")
	}
	switch own := creds.(type) {
	case AppCredentials:
		return newCache(cfg, own)
	case *AppCredentials:
		return newCache(cfg, *own)
	case interface{ check() error }: // an app without a StaticToken links none
		if err := own.check(); err != nil {
			return nil, err
		}
	}
	return &foreignTokens{creds}, oddIf(cfg.share != nil, "WithTokenStore: it needs AppCredentials") // a pointer hides it from fmt
}

func newCache(cfg *config, creds AppCredentials) (tokenKeeper, error) {
	p := cfg.path
	if err := creds.Check(); err != nil {
		return nil, err
	}
	p.appSecret = func() string { return creds.AppSecret }
	own := tokens.Config{
		App: &tokenOf{p, func(ctx context.Context, c *call) (*http.Response, error) {
			// Not GetAccessToken: an app that only converts does not link the checks of bodies.
			body, _ := json.Marshal(generated.GetAccessTokenRequest(creds)) // texts, which cannot fail
			return c.api.Send(ctx, generated.NewPlainRequest(c.contract, body))
		}},
		Clock: p.clock, Early: generated.TokenRenewalTime,
		Limit: time.Duration(min(p.retry.MaxAttempts, 1000)) * (p.wire.Limit() + p.retry.MaxWait), // which cannot overflow
	}
	if cfg.share != nil {
		own.Shared = cfg.share(p.plain.Server.String(), creds.AppKey, creds.AppSecret)
	}
	return tokens.New(own), nil
}

// tokenOf fetches an app's token. send holds the secret: no formatter looks into a function.
type tokenOf struct {
	path *path
	send func(context.Context, *call) (*http.Response, error)
}

func (t *tokenOf) call() *call {
	return &call{contract: &generated.OperationGetAccessToken, isToken: true, send: t.send, accept: acceptToken}
}

// acceptToken takes a token. A lifetime sent as a string, as a fraction or too large for its type must not cost the token.
func acceptToken(c *call, answer object, body []byte) bool {
	raw := answer.field("accessToken")
	c.lifetime, _ = text.Seconds(scalar(answer.field("expireIn")))
	c.id = scalar(raw)
	return strings.HasPrefix(raw, `"`) && text.CheckHeader(c.id) == nil && json.Valid(body)
}

func (t *tokenOf) Fetch(ctx context.Context) (tokens.Token, error) {
	c := t.call()
	err := t.path.do(ctx, c)
	return tokens.Token{Value: c.id, Lifetime: c.lifetime}, err
}

func (t *tokenOf) Lasting(err error) bool {
	e, ok := text.Find[*Error](err)
	return ok && errors.Is(e.Kind, ErrUnauthenticated)
}

func (t *tokenOf) Crashed(recovered any) error { return t.path.panicked(recovered, t.call()) }

func (t *tokenOf) Note(ctx context.Context, event string, err error) {
	if t.path.log != nil {
		t.path.log.token(ctx, event, err)
	}
}

func (t *tokenOf) Quiet(ctx context.Context) (context.Context, func()) {
	if t.path.log == nil {
		return ctx, func() {}
	}
	return t.path.log.quiet(ctx)
}

// foreignTokens checks the tokens of the caller's source.
type foreignTokens struct{ source TokenSource }

func (f *foreignTokens) Token(ctx context.Context, _ bool) (string, error) {
	token, err := f.source.Token(ctx)
	if err != nil {
		return "", err
	}
	if e := text.CheckHeader(token); e != nil {
		return "", &Error{Kind: ErrUnauthenticated, Local: true, Message: "the token source failed: its token cannot be sent: " + e.Error()}
	}
	return token, nil
}

func (f *foreignTokens) Reject(ctx context.Context, token string) {
	if r, ok := f.source.(interface{ RejectToken(context.Context, string) }); ok {
		r.RejectToken(ctx, token)
	}
}
