package dingtalk

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
)

// tokenSharing makes the store of a client's base URL and app. Only [WithTokenStore] refers to it.
type tokenSharing func(baseURL string, creds AppCredentials) tokens.Shared

// newTokens makes the token keeper for credentials.
func newTokens(p *path, creds Credentials, share tokenSharing) (tokenKeeper, error) {
	switch creds := creds.(type) {
	case nil:
		return nil, errors.New("credentials are nil")
	case AppCredentials:
		if err := creds.Check(); err != nil {
			return nil, err
		}
		p.appSecret = func() string { return creds.AppSecret }
		cfg := tokens.Config{
			Clock: p.clock, Early: generated.TokenRenewalTime, Fetch: p.fetchToken(creds), Crashed: p.crashedFetch, Lasting: isUnauthenticated, Note: p.noteToken, Warn: p.warn,
			Quiet: p.quiet, Limit: time.Duration(p.retry.MaxAttempts) * (p.wire.Limit() + p.retry.MaxWait),
		}
		if share != nil {
			cfg.Shared = share(p.apis.plain.Server.String(), creds)
		}
		return tokens.New(cfg), nil
	case *AppCredentials:
		if creds == nil {
			return nil, errors.New("credentials are nil")
		}
		return newTokens(p, *creds, share)
	case StaticToken:
		if err := cmp.Or(text.CheckCredential(string(creds)), text.CheckHeader(string(creds))); err != nil {
			return nil, fmt.Errorf("StaticToken: %w", err)
		}
	}
	switch {
	case isNil(creds):
		return nil, errors.New("credentials are nil")
	case share != nil:
		return nil, errors.New("WithTokenStore: it needs AppCredentials")
	}
	return &foreignTokens{creds}, nil // a pointer: fmt does not look behind it
}

func isUnauthenticated(err error) bool {
	e, ok := text.Find[*Error](err)
	return ok && errors.Is(e.Kind, ErrUnauthenticated)
}

// quiet keeps the log of a fetch back, if there is one.
func (p *path) quiet(ctx context.Context) (context.Context, func()) {
	if p.log == (silent{}) {
		return ctx, func() {}
	}
	q := new(quiet)
	return context.WithValue(ctx, quietKey{}, q), q.flush
}

func (p *path) warn(ctx context.Context, msg string) { p.log.warn(ctx, msg) }

func (p *path) noteToken(ctx context.Context, event string, err error) {
	if err != nil {
		err = p.hide(&call{}, err)
	}
	p.log.token(ctx, event, err)
}

// crashedFetch makes the error of a fetch that panicked or ended its goroutine.
func (p *path) crashedFetch(recovered any) error { return p.panicked(recovered, tokenCall) }

// tokenCall names the token call in errors.
var tokenCall = subject{op: generated.OperationGetAccessToken.ID, isToken: true}

// fetchToken makes the function that fetches a token. A closure holds the secret: no formatter looks into a function.
func (p *path) fetchToken(creds AppCredentials) tokens.Fetch {
	return func(ctx context.Context) (tokens.Token, error) {
		op := operation[tokens.Token]{decode: tokenOf, call: call{
			subject: tokenCall, contract: &generated.OperationGetAccessToken, steps: tokenSteps,
			send: func(ctx context.Context, c *call) (*http.Response, error) {
				return c.api.GetAccessToken(ctx, generated.GetAccessTokenRequest(creds))
			},
		}}
		return do(ctx, p, &op)
	}
}

// tokenOf decodes generated.GetAccessTokenResponseBody leniently: a lifetime sent as a string, as a fraction or too
// large for its type must not cost the token.
func tokenOf(_ *call, body []byte) (tokens.Token, bool) {
	var out struct {
		AccessToken string      `json:"accessToken"`
		ExpireIn    text.Scalar `json:"expireIn"`
	}
	err := json.Unmarshal(body, &out)
	return tokens.Token{Value: out.AccessToken, Lifetime: seconds(string(out.ExpireIn))}, err == nil && text.CheckHeader(out.AccessToken) == nil
}

// seconds parses a number of seconds: 0 if it is not a number, and at most a year, to avoid overflow.
func seconds(s string) time.Duration {
	const year = 365 * 24 * time.Hour
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(n) {
		return 0
	}
	return time.Duration(min(max(n, 0), year.Seconds()) * float64(time.Second))
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
