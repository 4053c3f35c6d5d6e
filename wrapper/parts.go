package dingtalk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// What a client can be given. Their methods are called from many goroutines, and while nothing is held that another call
// waits for.

// Limiter paces the requests of a client. Wait returns when the next may be sent, or an error if it may not; it is
// called once for each request, repeats included. A [rate.Limiter] is one.
//
// An error of Wait fails the call with [ErrThrottled]; return an *[Error] for another kind, and one that wraps
// [context.DeadlineExceeded] if the turn would come too late for ctx. A limiter that also has the method
// Answered(throttled bool) is called with the outcome of each request.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Budget counts the requests that the service counts towards the organisation's monthly quota, CallsPerMonth of package
// generated on the standard edition. Spend is called before each of them, repeats included, once nothing else can keep
// it from being sent; an error keeps it. Package dingtalkredis has one that a fleet shares.
type Budget interface {
	Spend(ctx context.Context) error
}

// Cache keeps conversions. Package dingtalkcache has one in memory. It serves one organisation: a chat's
// openConversationId is the same for every app that may see it. One that fails reports a miss, and one that panics counts
// as failed.
type Cache interface {
	Get(ctx context.Context, chatID string) (openConversationID string, ok bool)
	Set(ctx context.Context, chatID, openConversationID string)
}

// TokenStore shares access tokens between the processes of one app, so that a fleet fetches one token instead of one
// each. Package dingtalkredis has one. The client's own cache stays in front of it: a store is asked when that has no
// token, when its token is due for renewal, and when the service rejected it.
//
// A store is an aid. One that fails, panics, takes longer than two seconds or returns what cannot be a token costs a
// warning in the client's log, and the client goes on by itself.
type TokenStore interface {
	// Token returns the token that is kept under key, or else the one that fetch returns, after keeping it. Of all
	// processes that ask at the same time, one should fetch. A token that is near its end counts as none, except for
	// those that would have to wait for another process to fetch.
	Token(ctx context.Context, key string, fetch func(context.Context) (Token, error)) (Token, error)

	// Drop removes the token that the service rejected. Another that is kept under key by now stays.
	Drop(ctx context.Context, key, token string) error
}

// Token is an access token as a [TokenStore] sees it. Its value is not printed by accident.
type Token struct {
	Value    string
	Lifetime time.Duration // how long it is valid from now on
}

// String does not tell the token.
func (t Token) String() string {
	return "dingtalk.Token(" + text.Redacted + ", " + t.Lifetime.String() + ")"
}

// Format is [Token.String] for every verb of fmt.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.String()) }

// LogValue is [Token.String], for [log/slog].
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON refuses to write a secret.
func (t Token) MarshalJSON() ([]byte, error) { return nil, errNotEncoded }

// MarshalText refuses to write a secret. XML and YAML go by it.
func (t Token) MarshalText() ([]byte, error) { return nil, errNotEncoded }

// MarshalBinary refuses to write a secret. gob goes by it.
func (t Token) MarshalBinary() ([]byte, error) { return nil, errNotEncoded }
