package dingtalk

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// maxConnections is how many connections to one host the clients of a process hold together.
const maxConnections = 64

// defaultTimeout is the limit of one attempt: far above what the service takes, and short enough to try again.
const defaultTimeout = 10 * time.Second

var (
	tokenHeader     = http.CanonicalHeaderKey(generated.TokenHeader)
	requestIDHeader = http.CanonicalHeaderKey(generated.RequestIDHeader)
)

// transport is the generated client's way to the network. It goes to the http.RoundTripper directly, below
// http.Client: nothing follows a redirect, so no token travels to another host, and no cookie is kept.
type transport struct {
	roundTripper http.RoundTripper
	watches      watches
	plain        *generated.Client // its requests carry no token
	current      atomic.Pointer[authorized]
}

// authorized is the generated client whose requests carry a token.
type authorized struct {
	token string
	api   generated.Client
}

func newTransport(cfg config) (*transport, error) {
	t := &transport{roundTripper: cfg.roundTripper, watches: watches{limit: cmp.Or(cfg.timeout, cfg.clientTimeout)}}
	if t.roundTripper == nil {
		t.roundTripper = sharedTransport()
	}
	if t.watches.limit <= 0 {
		t.watches.limit = defaultTimeout
	}
	base, err := url.Parse(cfg.baseURL)
	if err != nil {
		return nil, err
	}
	t.plain = &generated.Client{Server: base, Client: t, Header: http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"}, // answers are smaller than what a gzip adds; see readAnswer for one that is sent anyway
		"User-Agent":      {cfg.userAgent},
	}}
	return t, nil
}

// api returns the generated client whose requests carry token, or none if it is empty. Its headers are made once for
// each token and shared by all requests.
func (t *transport) api(token string) *generated.Client {
	if token == "" {
		return t.plain
	}
	a := t.current.Load()
	if a == nil || a.token != token {
		a = &authorized{token: token, api: *t.plain}
		a.api.Header = t.plain.Header.Clone()
		a.api.Header[tokenHeader] = []string{token}
		t.current.Store(a)
	}
	return &a.api
}

// sharedTransport serves every client that brings none of its own, so that clients made in passing share connections.
var sharedTransport = sync.OnceValue(func() *http.Transport {
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       (&net.Dialer{Timeout: defaultTimeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true,
		// The standard library's 2 idle ones make a busy client dial for most calls. Without a limit it dials again whenever
		// another call was given the connection that a call left; this many serve 30 times any rate that the service allows.
		MaxIdleConnsPerHost:   maxConnections,
		MaxConnsPerHost:       maxConnections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   defaultTimeout,
		ExpectContinueTimeout: time.Second,
		// A dead HTTP/2 connection would otherwise fail every call until the kernel notices.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{status: resp.StatusCode}
			}
			return nil
		},
	}
})

// NewTransport returns a transport of one's own like the one that clients share which bring none: 64 connections to the
// host, kept when idle; 10 s to connect; HTTP/2 connections that die are noticed; a proxy's refusal is named. Change or
// wrap it for [WithHTTPClient]: http.DefaultTransport keeps two connections and has no such limits.
func NewTransport() *http.Transport { return sharedTransport().Clone() }

// Do implements generated.HttpRequestDoer.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	if _, standard := t.roundTripper.(*http.Transport); !standard {
		req.Header = req.Header.Clone() // it is shared, and other people's round trippers write to it although they must not
	}
	resp, err := t.roundTripper.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("the round tripper returned neither an answer nor an error")
	}
	if err == nil && resp.Body == nil {
		resp.Body = http.NoBody // as http.Client takes it
	}
	if err != nil {
		if tooLate(req.Context()) {
			err = errAttemptLimit
		}
		return nil, &sendError{cause: err, proxy: t.proxyHost(req)}
	}
	return resp, nil
}

// proxyHost names the proxy that a request goes through, without its user and password.
func (t *transport) proxyHost(req *http.Request) string {
	if rt, ok := t.roundTripper.(*http.Transport); ok && rt.Proxy != nil {
		if u, err := rt.Proxy(req); err == nil && u != nil {
			return u.Host
		}
	}
	return ""
}

// proxyError is a proxy's refusal to open a tunnel.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return fmt.Sprintf("the proxy answered HTTP %d", e.status) }

// sendError marks an error as the network's, apart from a request that could not be built.
type sendError struct {
	cause error
	proxy string
}

func (e *sendError) Error() string { return e.cause.Error() }
func (e *sendError) Unwrap() error { return e.cause }

// sendFailure turns what kept an answer from coming into an Error. caller is the context without the attempt's limit.
func (t *transport) sendFailure(caller context.Context, err error) *Error {
	e := &Error{Kind: ErrUnavailable, Err: err, broken: true}
	sent, ok := as[*sendError](err)
	if !ok {
		e.Kind, e.Local, e.broken, e.Message = ErrRejected, true, false, "the request could not be built"
		return e
	}
	e.Err = sent.cause
	dns, unknownHost := as[*net.DNSError](err)
	proxy, refused := as[*proxyError](err)
	switch {
	case refused:
		e.Message, e.retry = "the proxy refused", proxy.status >= 500
	case isTLS(err):
		e.Kind = ErrTLS
	case errors.Is(err, errAttemptLimit), errors.Is(err, context.DeadlineExceeded):
		e.Message, e.Err, e.retry = fmt.Sprintf("no answer within %s", t.watches.limit), errAttemptLimit, ended(caller) == nil
	case unknownHost:
		e.Message, e.retry = "check the region, the base URL and the name server", !dns.IsNotFound
	default:
		e.Message, e.retry = "check the network, the proxy and the region", true
	}
	if sent.proxy != "" {
		e.Message = strings.TrimPrefix(e.Message+"; the proxy is "+sent.proxy, "; ")
	}
	return e
}

// isTLS reports whether err means that the peer cannot be trusted or speaks no TLS that this client accepts, which
// another attempt does not change.
func isTLS(err error) bool {
	if _, ok := as[*tls.CertificateVerificationError](err); ok {
		return true
	}
	// crypto/tls has no type for most of what else it finds, nor for the alerts that the peer sends. What a caller's own
	// check of a certificate finds comes from crypto/x509 as it is.
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		err = cause
	}
	return strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "x509: ")
}

// ended returns the error of a context that has ended, or whose deadline has passed although its timer has not fired:
// the network stack watches the same deadline and may be first.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
