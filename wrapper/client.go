package dingtalk

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Client calls DingTalk for one app. Make one with [NewClient] and share it: it holds the token cache, the connections
// and the circuit breakers. Its methods are safe for concurrent use.
type Client struct{ path *path }

// NewClient makes a client for an app's credentials: [AppCredentials], a [StaticToken], or any [TokenSource].
//
// NewClient sends nothing. It fails if a credential is invalid, such as one that is empty or has white space around it,
// or if an option is: a base URL must use HTTPS unless its host is a loopback address.
func NewClient(creds Credentials, opts ...Option) (client *Client, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("dingtalk: %w", err)
		}
	}()
	p := &path{retry: defaultRetry, clock: clock.System(), appSecret: func() string { return "" }}
	base, _ := url.Parse(string(International)) // which is one
	cfg := config{path: p, base: base}
	if err := cmp.Or(apply(&cfg, opts), oddIf(cfg.region && p.ownHost, "WithRegion and WithBaseURL exclude each other")); err != nil {
		return nil, err
	}
	p.wire = wire.New(cfg.roundTripper, cmp.Or(cfg.timeout, cfg.clientTimeout))
	p.plain = &generated.Client{Server: cfg.base, Client: p.wire, Header: http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"}, // answers are smaller than gzip's overhead; a compressed one is read all the same
		"User-Agent":      {userAgent},
	}}
	maps.Copy(p.plain.Header, p.calls.header)
	limits := breaker.Limits{
		Backoff:    func(n int) time.Duration { return p.retry.backoff(n, p.clock.Random()) },
		MaxFailing: p.retry.MaxDelay, MaxThrottle: p.retry.MaxWait, Attempt: p.wire.Limit(), Ban: &p.ban,
	}
	p.lanes.New = func() any { return &lane{breaker: breaker.New(limits, p.clock)} }
	p.ban.Steady, p.credit.Steady = p.clock.Steady, p.clock.Steady
	if p.tokens, err = newTokens(&cfg, creds); err != nil {
		return nil, err
	}
	return &Client{p}, nil
}

// OpenConversationID returns the openConversationId of the group chat with this chatId.
//
// The app must be an internal app with the permission qyapi_chat_read. Each request to the service counts towards the
// organisation's monthly quota (5,000 on the standard edition) and the app's rate limit of 20 calls a second. The call
// changes nothing, so it is safe to repeat, and [Retry] applies.
//
// An error is always an *[Error]; [Error.Scope] tells whether it concerns this chat or every chat. Without an error, the
// result is never empty.
//
// See https://help.dingtalk.io/open/development/obtain-group-openconversationid.
func (c *Client) OpenConversationID(ctx context.Context, chatID string) (string, error) {
	return c.path.convert(ctx, chatID, c.path.limiter, nil)
}

// Token returns the access token of the client's next call, for calls to other DingTalk APIs with the same credentials.
// It fetches a token only if none is cached.
func (c *Client) Token(ctx context.Context) (string, error) {
	token, err := c.path.tokens.Token(ctx, false)
	if err != nil {
		call := &call{contract: &generated.OperationGetAccessToken, isToken: true, waits: ctx}
		return "", call.unsent(c.path.foreign(call, err, ErrUnavailable, "the token source failed"), nil)
	}
	return token, nil
}

// RejectToken makes the client replace a token that the service rejected, as a [TokenSource] of another client.
func (c *Client) RejectToken(ctx context.Context, token string) {
	c.path.tokens.Reject(ctx, token)
}

// Token fetches an access token from the international host, and keeps none: it makes AppCredentials a [TokenSource].
// [Client.Token] of a client made with them keeps its tokens, and asks the client's own host.
func (a AppCredentials) Token(ctx context.Context) (string, error) {
	client, err := NewClient(a)
	if err != nil {
		return "", err
	}
	return client.Token(ctx)
}

// CloseIdleConnections closes idle connections, if the transport can. All clients made without [WithHTTPClient] share one transport.
func (c *Client) CloseIdleConnections() { c.path.wire.CloseIdle() }

// String describes the client without its secrets. Copies have it, too.
func (c Client) String() string { return "dingtalk.Client(" + c.path.plain.Server.String() + ")" }

// Format is [Client.String] for every verb of fmt.
func (c Client) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }
