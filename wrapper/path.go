package dingtalk

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// path holds what all calls of a client share.
type path struct {
	wire      *wire.Wire
	plain     *generated.Client // without a token
	current   atomic.Value      // *authorized, with the token in use
	tokens    tokenKeeper
	lanes     breaker.Set
	ban       breaker.Ban
	credit    tokens.Credit
	retry     Retry
	ownHost   bool    // WithBaseURL set the base URL
	limiter   Limiter // nil: calls are not paced
	cache     Cache   // nil: conversions are not kept
	budget    Budget  // nil: requests are not counted
	calls     callOptions
	appSecret func() string // a function: no formatter looks into one
	clock     *clock.Clock
	log       logger // nil: nothing is logged
	bulk      sync.Once
	bulkPace  Limiter // of runs, unless the client has one; an app without runs does not link it
}

// tokenKeeper provides tokens: the cache of an app's own token, or the caller's token source.
type tokenKeeper interface {
	// Token returns a token that a header can carry; again, after a rejection, another one if it can.
	Token(ctx context.Context, again bool) (string, error)
	// Reject tells of a token that the service rejected.
	Reject(ctx context.Context, token string)
}

// logger logs what happens. Only [WithLogger] refers to a slogger: an app without it does not link most of log/slog.
type logger interface {
	attempt(ctx context.Context, c *call, v *verdict, answer *wire.Answer, took time.Duration)
	token(ctx context.Context, event string, err error)
	write(ctx context.Context, level slog.Level, msg string, args ...any)
	// quiet keeps the log of a token's fetch back while callers wait for it: a handler may block, or call the client.
	quiet(ctx context.Context) (quiet context.Context, flush func())
}

// lane is what a client knows of one operation at one host. Its failures and throttles, and its odd opinion of a token
// that others use with success, concern no other operation.
type lane struct {
	_       [0]func() // no one compares it, and no app contains the code to
	breaker *breaker.Breaker
	tokens  tokens.Use
	failed  atomic.Pointer[remembered]
}

// remembered is a second rejection of a token, with which the operation's further calls fail at once.
type remembered struct {
	Error
	until time.Time
}

// call is a call of an operation, with its progress.
type call struct {
	contract *generated.Operation
	chatID   string    // of a conversion
	isToken  bool      // it is the token call itself
	place    string    // of its lane, unless that is the operation at the client's host
	hidden   [2]string // keeps the secrets of an attempt off the heap
	options  callOptions
	send     func(context.Context, *call) (*http.Response, error) // through call.api
	accept   func(c *call, answer object, body []byte) bool       // takes the result; false if the body holds none
	id       string                                               // the result of a conversion, or the token
	lifetime time.Duration                                        // the token's

	limiter   Limiter         // paces its requests; nil: none
	throttles int             // retries left after throttles, beyond Retry.MaxAttempts
	waits     context.Context // ends its waits, and so the call; nil: the caller's context

	touched func() bool // whether a file of the request was read, which can be sent once; nil: it has none

	lane     *lane             // nil: that of its contract, at the client's host
	api      *generated.Client // with the token in use
	token    string
	rejected string // the token that the service rejected first
	first    *Error // that rejection
	sent     int    // requests
	unsure   bool   // a failed request may have been processed
	ticket   breaker.Pass
	holds    bool // whether the call holds ticket
}

// callOptions are the options of a call, or of every call of a client.
type callOptions struct {
	limit  time.Duration // of a whole call; 0: none
	header http.Header
	answer func(*wire.Answer) // of each request; nil: none came
}

func (o *callOptions) edit(_ context.Context, r *http.Request) error {
	maps.Copy(r.Header, o.header)
	return nil
}

var requestIDHeader = http.CanonicalHeaderKey(generated.RequestIDHeader)

// verdict is the error of a failed attempt, or of a request that was not sent, and what to do about it. It is immutable.
type verdict struct {
	Error

	repeat    repeat
	dropToken bool  // the token was rejected: a refresh may help
	partly    bool  // the answer says that the operation failed, and not how much of it was done
	broken    bool  // no complete answer came
	refusal   bool  // the limiter, the circuit breaker or the budget refused the request
	ended     error // the error of the caller's context, if it ended the attempt
}

// repeat tells which operations may be retried after a verdict.
type repeat int

const (
	never        repeat = iota
	ifSafe              // the request may have been processed: operations that are safe to repeat
	notProcessed        // the request was surely not processed: every operation
)

// secrets are what no text about a call may repeat: its token, or else those in use, and what else is sent.
func (p *path) secrets(c *call) text.Secrets {
	secrets := append(c.hidden[:0], c.token, p.appSecret())
	if current, _ := p.current.Load().(*authorized); current != nil && c.token == "" {
		secrets = append(secrets, current.token, current.before)
	}
	for _, header := range []http.Header{p.calls.header, c.options.header} {
		for name, values := range header {
			if name != "User-Agent" {
				_, bare, _ := strings.Cut(values[0], " ") // without a scheme such as Bearer
				secrets = append(secrets, values[0], bare)
			}
		}
	}
	return secrets
}

// authorized is the generated client whose requests carry a token.
type authorized struct {
	token  string
	before string // the token before
	api    generated.Client
}

// with returns the generated client whose requests carry token. All requests with one token share its headers.
func (p *path) with(token string) *generated.Client {
	current, _ := p.current.Load().(*authorized)
	if current == nil || current.token != token {
		next := &authorized{token: token, api: *p.plain}
		if current != nil {
			next.before = current.token
		}
		next.api.Header = maps.Clone(p.plain.Header)
		next.api.Header.Set(generated.TokenHeader, token)
		p.current.Store(next)
		current = next
	}
	return &current.api
}
