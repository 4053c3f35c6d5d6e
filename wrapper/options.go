package dingtalk

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Version is this SDK's version, sent in User-Agent.
const Version = "0.1.0"

const userAgent = "openconversation-go/" + Version

// Region is the base URL of one of the service's two public hosts.
type Region string

// The regions. An app belongs to one of them.
const (
	International Region = generated.ServerURLInternational // the default
	MainlandChina Region = generated.ServerURLMainlandChina
)

// Option configures [NewClient]. A nil option is skipped, so an option can be conditional. For an invalid value
// NewClient returns an error that names the option; it never corrects a value in silence.
type Option func(*config) error

type config struct {
	path          *path // of the client to be
	base          *url.URL
	timeout       time.Duration
	region        bool                                                  // WithRegion was given
	roundTripper  http.RoundTripper                                     // of the caller's http.Client
	clientTimeout time.Duration                                         // likewise
	share         func(baseURL, appKey, appSecret string) tokens.Shared // nil: tokens are not shared; an app without a store links none
}

// WithRegion selects the public host. The default is [International]. It cannot be combined with [WithBaseURL].
func WithRegion(region Region) Option {
	odd := oddIf(region != International && region != MainlandChina, "unknown region %q: use International or MainlandChina, or WithBaseURL", region)
	base, err := baseOf(string(region))
	return option(cmp.Or(odd, err), func(c *config) { c.base, c.region = base, true })
}

// WithBaseURL selects another host, such as a private deployment or an emulator. It cannot be combined with
// [WithRegion]. The URL must use HTTPS unless its host is a loopback address. It may have a path prefix, but no user, query or fragment.
func WithBaseURL(baseURL string) Option {
	base, err := baseOf(baseURL)
	return option(err, func(c *config) { c.base, c.path.ownHost = base, true })
}

func baseOf(baseURL string) (*url.URL, error) {
	u, err := url.Parse(baseURL)
	switch {
	case err != nil: // the error would repeat the URL, which may hold a password
		return nil, errors.New("base URL: it cannot be parsed")
	case u.User != nil:
		return nil, errors.New("base URL: it must not hold a user or password")
	case u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("base URL %q: it has no host", u.Redacted())
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("base URL: it must not hold a query or fragment")
	case u.Scheme == "https":
	case u.Scheme != "http" || !strings.EqualFold(u.Hostname(), "localhost") && !net.ParseIP(u.Hostname()).IsLoopback():
		return nil, fmt.Errorf("base URL %q: HTTPS is required, since requests carry secrets", u.Redacted())
	}
	return url.Parse(strings.TrimRight(u.String(), "/"))
}

// WithHTTPClient sends requests through client.Transport, and uses client.Timeout, if set, as the limit of one attempt.
// It neither uses nor changes the client itself: no redirect policy or cookie jar applies. [NewTransport] returns a
// transport to change or wrap. A transport must return when its request's context ends.
//
// One attempt is at most one request on the wire: a transport's second request with the same context, as of one that
// retries or answers a challenge (NTLM, digest), is stopped. What became of a request is read from net/http's trace
// ([net/http/httptrace]). With a transport that does not pass the request's context on, every failure may have been
// done ([Error.MayBeDone]).
//
// If a server sends bytes after an answer's end, net/http closes the connection, and prints the first of them through
// the standard logger ("Unsolicited response received on idle HTTP channel"). They may hold a token. No option of
// net/http prevents it: an app that must not print them sets the output of package log.
func WithHTTPClient(client *http.Client) Option {
	odd := oddIf(client == nil || isNil(client.Transport), "WithHTTPClient: the client or its transport is nil")
	return option(odd, func(c *config) { c.roundTripper, c.clientTimeout = client.Transport, client.Timeout })
}

// WithTimeout limits one attempt, from dialling to the last byte of the body. The default is 10 s; d must be positive, and
// counts as a day at most. The context limits a whole call, with its retries and waits.
func WithTimeout(d time.Duration) Option {
	return option(oddIf(d <= 0, "WithTimeout: %s is not positive", d), func(c *config) { c.timeout = d })
}

// WithUserAgent puts product, such as "myapp/1.2", before the SDK's own name in the User-Agent header.
func WithUserAgent(product string) Option {
	err := text.CheckHeader(product)
	return option(oddIf(err != nil, "WithUserAgent: %w", err), func(c *config) {
		_ = WithHeader("User-Agent", product+" "+userAgent)(&c.path.calls) // which the check above lets through
	})
}

// WithCallOptions sets options of every call of the client. Those of a call come after them. Headers also go with the
// requests for a token.
func WithCallOptions(opts ...CallOption) Option {
	return func(c *config) error {
		err := apply(&c.path.calls, opts)
		return cmp.Or(err, oddIf(c.path.calls.answer != nil, "WithCallOptions: WithAnswer is for one call"))
	}
}

// WithRetry changes the limits of retries. A zero field keeps its default; a negative one is an error. No delay or wait is
// longer than a day.
func WithRetry(r Retry) Option {
	odd, d := r.MaxAttempts < 0 || r.BaseDelay < 0 || r.MaxDelay < 0 || r.MaxWait < 0, defaultRetry
	or := func(asked, otherwise time.Duration) time.Duration { return cmp.Or(min(asked, text.MaxWait), otherwise) }
	r.MaxAttempts, r.BaseDelay = cmp.Or(r.MaxAttempts, d.MaxAttempts), or(r.BaseDelay, d.BaseDelay)
	r.MaxDelay, r.MaxWait = or(r.MaxDelay, d.MaxDelay), or(r.MaxWait, d.MaxWait)
	return option(oddIf(odd, "WithRetry: a field is negative"), func(c *config) { c.path.retry = r })
}

// WithLimiter sets the rate of all requests of the client. Without it, single calls are not limited, and
// [Client.OpenConversationIDs] keeps to [DefaultRate].
func WithLimiter(l Limiter) Option {
	odd := oddPart("WithLimiter", l)
	if own, ok := l.(*AdaptiveLimiter); ok && odd == nil && own.pace.Err != nil {
		odd = fmt.Errorf("WithLimiter: %w", own.pace.Err)
	}
	return option(odd, func(c *config) { c.path.limiter = l })
}

// WithBudget asks budget before each request. A refused call fails with [ErrQuotaExhausted], or with the kind of the
// *[Error] that the budget returned; Error.Local is true.
func WithBudget(budget Budget) Option {
	return option(oddPart("WithBudget", budget), func(c *config) { c.path.budget = budget })
}

// WithTokenStore shares the app's token with other processes. The store's key consists of the client's host, the app
// key and a digest of the app secret: another app, or an old secret, has another key. It requires [AppCredentials].
func WithTokenStore(store TokenStore) Option {
	return option(oddPart("WithTokenStore", store), func(c *config) {
		if c.share = nil; store != nil {
			c.share = func(baseURL, appKey, appSecret string) tokens.Shared {
				digest := hmac.New(sha256.New, []byte(appSecret))
				digest.Write([]byte("openconversation token key\x00" + baseURL + "\x00" + appKey))
				return tokens.Share(store, baseURL+" "+appKey+" "+hex.EncodeToString(digest.Sum(nil)[:16]))
			}
		}
	})
}

// WithCache keeps conversions, which saves calls. It is off by default, because no page promises that a chat's
// openConversationId never changes: use a cache with a lifetime.
func WithCache(cache Cache) Option {
	return option(oddPart("WithCache", cache), func(c *config) { c.path.cache = cache })
}

// WithLogger logs attempts and token fetches at debug level, waits at info, and what an operator should see at warn. No
// entry holds a secret. Without it, nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return option(nil, func(c *config) {
		if c.path.log = nil; l != nil {
			c.path.log = slogger{l, c.path}
		}
	})
}

func oddPart(name string, part any) error { return oddIf(isNil(part), "%s: it is nil", name) }

// NewTransport returns a new transport with the default settings: 64 connections per host, kept when idle; 10 s to
// connect; detection of dead HTTP/2 connections; errors that name a refusing proxy. Change or wrap it for
// [WithHTTPClient]. http.DefaultTransport keeps two idle connections and has no such limits.
func NewTransport() *http.Transport { return wire.NewTransport() }

// CallOption changes one call, or every call of a client with [WithCallOptions]. A nil option is skipped. With an invalid
// one, the call fails with [ErrRejected] before anything is sent.
type CallOption func(*callOptions) error

// WithCallTimeout limits a whole call, with its waits, retries and the fetch of a token. The call then fails as if the
// deadline of its context had passed: with [context.DeadlineExceeded]. d must be positive. [WithTimeout] limits one attempt.
func WithCallTimeout(d time.Duration) CallOption {
	return option(oddIf(d <= 0, "WithCallTimeout: %s is not positive", d), func(o *callOptions) { o.limit = d })
}

// WithHeader sets a header of the requests. No error, log entry or formatted value holds its value. It refuses the
// token's header, those that net/http or a proxy sets, such as Host, Content-Length or Connection, and Accept-Encoding,
// because the cap on a body counts what was inflated. It refuses Idempotency-Key and X-Idempotency-Key, too: with them
// net/http repeats a POST by itself.
func WithHeader(name, value string) CallOption {
	repeats := strings.TrimPrefix(strings.ToLower(name), "x-") == "idempotency-key"
	err := cmp.Or(generated.CheckHeader(name, value), text.CheckHeader(value), oddIf(repeats, "with %s, net/http repeats requests", name))
	return option(oddIf(err != nil, "WithHeader: %w", err), func(o *callOptions) {
		if o.header == nil {
			o.header = http.Header{}
		}
		o.header.Set(name, value)
	})
}

// WithAnswer keeps what the service answered to the call's last request, whether it succeeded or failed, in answer. A
// call without an answer leaves the zero Answer. It serves one call at a time, and no client.
func WithAnswer(answer *Answer) CallOption {
	return option(oddIf(answer == nil, "WithAnswer: the answer is nil"), func(o *callOptions) {
		o.answer = func(got *wire.Answer) {
			if *answer = (Answer{}); got != nil {
				*answer = Answer{StatusCode: got.Status, Header: got.Header, RequestID: got.Header.Get(requestIDHeader)}
			}
		}
		o.answer(nil)
	})
}

// Answer is the raw answer to a request, as the service sent it: what it repeats is not redacted. Formatting prints the status alone.
type Answer struct {
	StatusCode int
	Header     http.Header
	RequestID  string // for DingTalk's support; of an error it may stand in Error.RequestID alone
}

// String names the status.
func (a Answer) String() string { return fmt.Sprintf("dingtalk.Answer(HTTP %d)", a.StatusCode) }

// Format is [Answer.String] for every verb of fmt.
func (a Answer) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.String()) }

func apply[T any, O ~func(T) error](to T, opts []O) (err error) {
	for _, opt := range opts {
		if opt != nil {
			err = cmp.Or(err, opt(to)) // even after an odd one: an Answer is emptied in any case
		}
	}
	return err
}

// option makes an option that sets something, unless its value is odd.
func option[T any](odd error, set func(T)) func(T) error {
	return func(to T) error {
		if odd == nil {
			set(to)
		}
		return odd
	}
}

func oddIf(odd bool, format string, args ...any) error {
	if !odd {
		return nil
	}
	return fmt.Errorf(format, args...)
}
