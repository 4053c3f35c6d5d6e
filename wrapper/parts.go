package dingtalk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
)

// The interfaces below are what a client can be given. It calls their methods from many goroutines, and holds nothing
// meanwhile that another call waits for.

// Limiter limits the rate of a client's requests. The client calls Wait once before each request, retries included.
// Wait returns when the request may be sent, or an error. [rate.Limiter] is a Limiter.
//
// An error of Wait fails the call with [ErrThrottled]. Return an *[Error] for another kind, and an error that wraps
// [context.DeadlineExceeded] if ctx's deadline is too early. If the limiter also has the method Answered(throttled
// bool), the client calls it with the outcome of each request.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Budget counts requests against the organisation's monthly quota (generated.CallsPerMonth on the standard edition).
// The client calls Spend before each request, retries included, as the last step before sending. An error stops the
// request. Package dingtalkredis has a budget for a fleet.
type Budget interface {
	Spend(ctx context.Context) error
}

// Cache keeps conversions. Package dingtalkcache has one in memory. A cache serves one organisation: all its apps see
// the same openConversationId for a chat. A cache that fails reports a miss; a panic counts as a miss.
type Cache interface {
	Get(ctx context.Context, chatID string) (openConversationID string, ok bool)
	Set(ctx context.Context, chatID, openConversationID string)
}

// TokenStore shares access tokens between the processes of one app: the fleet fetches one token instead of one each.
// Package dingtalkredis has one. The client's own cache comes first: it asks the store when it has no token, when the
// token is due for renewal, and when the service rejected it.
//
// The client works without its store. If the store fails, panics, takes over two seconds or returns an invalid token,
// the client logs a warning and continues without it.
type TokenStore interface {
	// Token returns the token kept under key, or else fetches one and keeps it. Of all processes that ask at the same
	// time, only one should call fetch. A token near its end counts as missing, except for processes that would
	// otherwise wait for another's fetch: without one, Token returns [ErrTokenFetching].
	Token(ctx context.Context, key string, fetch func(context.Context) (Token, error)) (Token, error)

	// Drop removes token, which the service rejected. It keeps any newer token under key.
	Drop(ctx context.Context, key, token string) error
}

// ErrTokenFetching is what a [TokenStore] returns while another process fetches the token. The client asks again after 0.4 s,
// for as long as a fetch may take, and then fetches a token itself.
var ErrTokenFetching = tokens.ErrFetching

// Token is an access token in a [TokenStore]. Formatting it never prints its value.
type Token struct {
	Value    string
	Lifetime time.Duration // remaining time of validity
}

// String redacts the token.
func (t Token) String() string {
	return "dingtalk.Token(" + text.Redacted + ", " + t.Lifetime.String() + ")"
}

// Format is [Token.String] for every verb of fmt.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue is [Token.String], for [log/slog].
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText refuses to write a secret. Encoders of JSON, XML and YAML call it.
func (t Token) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob calls it.
func (t Token) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }
