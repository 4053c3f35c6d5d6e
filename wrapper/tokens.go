package dingtalk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
)

// tokenSharing makes the store of a client's base URL and app. Only [WithTokenStore] refers to it.
type tokenSharing func(baseURL string, creds AppCredentials) tokens.Shared

// newTokens makes the token keeper for credentials.
func newTokens(p *path, creds Credentials, share tokenSharing) (tokenKeeper, error) {
	if creds == nil || isNil(creds) {
		return nil, errors.New("credentials are nil")
	}
	switch own := creds.(type) {
	case AppCredentials:
		return newCache(p, own, share)
	case *AppCredentials:
		return newCache(p, *own, share)
	case interface{ check() error }:
		if err := own.check(); err != nil {
			return nil, err
		}
	}
	if share != nil {
		return nil, errors.New("WithTokenStore: it needs AppCredentials")
	}
	return &foreignTokens{creds}, nil // a pointer: fmt does not look behind it
}

func newCache(p *path, creds AppCredentials, share tokenSharing) (tokenKeeper, error) {
	if err := creds.Check(); err != nil {
		return nil, err
	}
	p.appSecret = func() string { return creds.AppSecret }
	cfg := tokens.Config{
		App: &tokenOf{p, func(ctx context.Context, c *call) (*http.Response, error) {
			// Not GetAccessToken: an app that only converts does not link the checks of bodies.
			request := generated.NewRequest(c.contract)
			body, _ := json.Marshal(generated.GetAccessTokenRequest(creds)) // texts, which cannot fail
			request.SetJSON(body)
			return c.api.Send(ctx, request)
		}},
		Clock: p.clock, Early: generated.TokenRenewalTime, Limit: time.Duration(p.retry.MaxAttempts) * (p.wire.Limit() + p.retry.MaxWait),
	}
	if share != nil {
		cfg.Shared = share(p.plain.Server.String(), creds)
	}
	return tokens.New(cfg), nil
}

// tokenOf fetches an app's token. send holds the secret: no formatter looks into a function.
type tokenOf struct {
	path *path
	send func(context.Context, *call) (*http.Response, error)
}

// call makes the token call.
//
//go:noinline
func (t *tokenOf) call(token *tokens.Token) *call {
	return &call{contract: &generated.OperationGetAccessToken, isToken: true, send: t.send, accept: func(_ *call, body []byte) bool {
		// A lifetime sent as a string, as a fraction or too large for its type must not cost the token.
		answer := objectOf(body)
		raw := answer.field("accessToken")
		lifetime, _ := text.Seconds(scalar(answer.field("expireIn")))
		*token = tokens.Token{Value: scalar(raw), Lifetime: lifetime}
		return strings.HasPrefix(raw, `"`) && text.CheckHeader(token.Value) == nil
	}}
}

func (t *tokenOf) Fetch(ctx context.Context) (token tokens.Token, err error) {
	err = t.path.do(ctx, t.call(&token))
	return token, err
}

func (t *tokenOf) Lasting(err error) bool {
	e, ok := text.Find[*Error](err)
	return ok && errors.Is(e.Kind, ErrUnauthenticated)
}

func (t *tokenOf) Crashed(recovered any) error { return t.path.panicked(recovered, t.call(nil)) }

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

func (f *foreignTokens) Token(ctx context.Context) (string, error) {
	token, err := f.source.Token(ctx)
	if err != nil {
		return "", err
	}
	if err := text.CheckHeader(token); err != nil {
		return "", &Error{Kind: ErrUnauthenticated, Local: true, Message: "the token source failed: its token cannot be sent: " + err.Error()}
	}
	return token, nil
}

func (f *foreignTokens) Reject(ctx context.Context, token string) (again bool) {
	if r, ok := f.source.(interface {
		RejectToken(ctx context.Context, token string)
	}); ok {
		r.RejectToken(ctx, token)
	}
	return false
}

func (f *foreignTokens) Remember(error) {}

// tokenStore adapts the caller's store to package tokens.
type tokenStore struct{ TokenStore }

func (s tokenStore) Token(ctx context.Context, key string, fetch tokens.Fetch) (tokens.Token, error) {
	token, err := s.TokenStore.Token(ctx, key, func(ctx context.Context) (Token, error) {
		token, err := fetch(ctx)
		return Token(token), err
	})
	return tokens.Token(token), err
}

// shareThrough shares the app's token through store.
func shareThrough(store TokenStore) tokenSharing {
	return func(baseURL string, creds AppCredentials) tokens.Shared {
		digest := hmac.New(sha256.New, []byte(creds.AppSecret))
		digest.Write([]byte("openconversation token key\x00" + baseURL + "\x00" + creds.AppKey))
		return tokens.Share(tokenStore{store}, baseURL+" "+creds.AppKey+" "+hex.EncodeToString(digest.Sum(nil)[:16]))
	}
}
