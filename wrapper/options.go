package dingtalk

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Version is the version of this SDK, as its User-Agent says it.
const Version = "0.1.0"

// Region is the base URL of one of the service's two public hosts.
type Region string

// The regions. An app belongs to one of them.
const (
	International Region = generated.ServerURLInternational // the default
	MainlandChina Region = generated.ServerURLMainlandChina
)

// Option changes what [NewClient] makes. A nil Option is skipped, so that one can be conditional. A value that makes no
// sense is an error of NewClient that names the option; none is changed in silence.
type Option func(*config) error

type config struct {
	baseURL   string
	timeout   time.Duration
	userAgent string
	retry     Retry
	limiter   Limiter
	cache     Cache
	budget    Budget
	logger    logger
	clock     clock.Clock

	region bool // WithRegion was given
	host   bool // WithBaseURL was given

	// An http.Client's, of which no more is kept.
	roundTripper  http.RoundTripper
	clientTimeout time.Duration

	share tokenSharing // nil: tokens are not shared
}

func defaults() config {
	return config{
		baseURL:   string(International),
		userAgent: "openconversation-go/" + Version,
		retry:     defaultRetry,
		logger:    silent{},
		clock:     clock.System(),
	}
}

// WithRegion selects the public host. The default is [International]. It excludes [WithBaseURL].
func WithRegion(region Region) Option {
	return func(c *config) error {
		if region != International && region != MainlandChina {
			return fmt.Errorf("unknown region %q: use International or MainlandChina, or WithBaseURL", region)
		}
		c.baseURL, c.region = string(region), true
		return nil
	}
}

// WithBaseURL selects a host of one's own, such as a private deployment's or an emulator's. It excludes [WithRegion]. It must use HTTPS unless
// its host is a loopback address, and may hold a path prefix but neither user, query nor fragment.
func WithBaseURL(baseURL string) Option {
	return func(c *config) error {
		u, err := url.Parse(baseURL)
		switch {
		case err != nil: // the error would repeat the URL, which may hold a password
			return errors.New("base URL: it cannot be parsed")
		case u.User != nil:
			return errors.New("base URL: it must not hold a user or password")
		case u.Host == "" || u.Hostname() == "":
			return fmt.Errorf("base URL %q: it has no host", u.Redacted())
		case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
			return errors.New("base URL: it must not hold a query or fragment")
		case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		default:
			return fmt.Errorf("base URL %q: HTTPS is required, since requests carry secrets", u.Redacted())
		}
		c.baseURL, c.host = strings.TrimRight(u.String(), "/"), true
		return nil
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// WithHTTPClient makes requests through client's Transport, and takes its Timeout, if set, as the limit of one attempt.
// The client itself is not used or changed: its redirect policy and cookie jar do not apply. To change or wrap the
// transport that the SDK comes with, begin with [NewTransport]. A transport must return when its request's context ends.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		c.roundTripper, c.clientTimeout = client.Transport, client.Timeout
		return nil
	}
}

// WithTimeout limits one attempt, from dialling to the last byte of the body. The default is 10 s. What limits a whole
// call, with its repeats and waits, is the context that is passed to it. d must be positive.
func WithTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("WithTimeout: %s is not positive", d)
		}
		c.timeout = d
		return nil
	}
}

// WithUserAgent puts product, such as "myapp/1.2", before the SDK's own name in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		if err := text.CheckHeader(product); err != nil {
			return fmt.Errorf("WithUserAgent: %w", err)
		}
		c.userAgent = product + " openconversation-go/" + Version
		return nil
	}
}

// WithRetry changes what is repeated, and for how long. Fields that are zero keep their defaults; none may be negative.
func WithRetry(retry Retry) Option {
	return func(c *config) error {
		if retry.MaxAttempts < 0 || retry.BaseDelay < 0 || retry.MaxDelay < 0 || retry.MaxWait < 0 {
			return errors.New("WithRetry: a field is negative")
		}
		c.retry = retry.orDefaults()
		return nil
	}
}

// WithLimiter paces every request of the client. Without it, single calls are not paced, and
// [Client.OpenConversationIDs] keeps to [DefaultRate].
func WithLimiter(l Limiter) Option {
	return func(c *config) error {
		if own, ok := l.(*AdaptiveLimiter); ok && own.err != nil {
			return fmt.Errorf("WithLimiter: %w", own.err)
		}
		c.limiter = l
		return nil
	}
}

// WithBudget asks budget before each request. A call that it refuses fails with [ErrQuotaExhausted], unless the
// budget's error is an *[Error] of another kind, and Error.Local is true.
func WithBudget(budget Budget) Option {
	return func(c *config) error {
		c.budget = budget
		return nil
	}
}

// WithTokenStore shares the app's token with other processes. The key that the store is given is made of the client's
// host, the app key and a digest of the app secret, so no other app's token is found under it, nor one that was fetched
// with a secret that has been replaced since. It needs [AppCredentials].
func WithTokenStore(store TokenStore) Option {
	return func(c *config) error {
		c.share = nil
		if store != nil {
			c.share = shareThrough(store)
		}
		return nil
	}
}

// WithCache keeps conversions, so that a chat that was converted costs no call. It is not the default, since no page
// says that a chat's openConversationId never changes: give the cache a lifetime.
func WithCache(cache Cache) Option {
	return func(c *config) error {
		c.cache = cache
		return nil
	}
}

// WithLogger logs to logger: each attempt and token fetch at debug level, each wait at info, what an operator should
// see at warn. No entry holds a secret. Nothing is logged without it.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		c.logger = newLogger(l)
		return nil
	}
}

// NewTransport returns a transport of one's own like the one that clients share which bring none: 64 connections to the
// host, kept when idle; 10 s to connect; HTTP/2 connections that die are noticed; a proxy's refusal is named. Change or
// wrap it for [WithHTTPClient]: http.DefaultTransport keeps two connections and has no such limits.
func NewTransport() *http.Transport { return wire.NewTransport() }
