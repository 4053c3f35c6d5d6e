package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/pace"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
)

// Limiter limits the rate of a client's requests. The client calls Wait once before each request, retries included.
// Wait returns when the request may be sent, or an error. [rate.Limiter] is a Limiter.
//
// An error of Wait fails the call with [ErrThrottled]. Return an *[Error] for another kind, and an error that wraps
// [context.DeadlineExceeded] if ctx's deadline is too early. If the limiter also has the method Answered(throttled
// bool), the client calls it with the outcome of each request, unless one operation is throttled while others succeed.
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

var errNotEncoded = errors.New("dingtalk: it holds a secret, which is not encoded")

// isNil reports whether a part is a nil pointer or function, which is not nil as an interface: its first use would panic.
func isNil(part any) bool {
	v := reflect.ValueOf(part)
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil()
}

// Retry limits the retries of a call. What is retried stands in the package's documentation.
type Retry struct {
	MaxAttempts int           // requests per call, the first included; default 3; 1 means no retries
	BaseDelay   time.Duration // upper bound of the first backoff; doubles each time (full jitter); default 300 ms
	MaxDelay    time.Duration // longest backoff, and longest wait for an open circuit breaker; default 5 s
	MaxWait     time.Duration // longest wait that a throttle or Retry-After may ask for; default 60 s
}

var defaultRetry = Retry{MaxAttempts: 3, BaseDelay: 300 * time.Millisecond, MaxDelay: 5 * time.Second, MaxWait: time.Minute}

// next decides whether and when a call is retried after its nth attempt. asked is how long the service asks to wait. It
// refuses a wait beyond the caller's deadline; why says so.
func (r Retry) next(ctx context.Context, clk *clock.Clock, asked time.Duration, n int) (wait time.Duration, again bool, why string) {
	if n >= r.MaxAttempts || asked > r.MaxWait {
		return 0, false, ""
	}
	wait = r.backoff(n, clk.Random())
	if asked > 0 {
		wait = min(asked+wait, r.MaxWait)
	}
	if clk.Passes(ctx, wait) {
		return 0, false, "not repeated: the caller's deadline would pass first"
	}
	return wait, true, ""
}

// backoff is exponential with full jitter: random, in [0,1), scales the nth delay.
func (r Retry) backoff(n int, random float64) time.Duration {
	limit := r.BaseDelay
	for ; n > 1 && limit < r.MaxDelay; n-- {
		limit *= 2
	}
	return time.Duration(random * float64(min(limit, r.MaxDelay)))
}

// DefaultRate is the service's rate limit per app and API on the standard edition, in calls a second. x-limits of
// openapi.yaml lists all limits.
const DefaultRate = generated.CallsPerSecond

// AdaptiveLimiter spaces requests evenly and adapts to a lower limit than configured. A throttle halves the rate for a
// moment. The limiter then searches between the fastest rate that was served and the slowest that was throttled. Now
// and then it tries a slightly higher rate, in case the limit has moved. [NewLimiter] makes one.
type AdaptiveLimiter struct{ pace *pace.Limiter }

// NewLimiter makes a limiter of perSecond calls a second, which must be positive; +Inf means no limit. For any other
// value, [WithLimiter] returns an error, as does Wait.
func NewLimiter(perSecond float64) *AdaptiveLimiter {
	return &AdaptiveLimiter{pace.New(perSecond, clock.System())}
}

// Wait blocks until the next request may be sent. It returns an error if ctx ends, or at once if ctx's deadline is too early.
func (l *AdaptiveLimiter) Wait(ctx context.Context) error { return l.pace.Wait(ctx) }

// Answered tells the limiter whether a request was throttled.
func (l *AdaptiveLimiter) Answered(throttled bool) { l.pace.Answered(throttled) }
