package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Stage is how far an attempt came.
type Stage int

// The stages. Before NoAnswer, the request surely was not processed.
const (
	Unbuilt    Stage = iota // the request could not be made
	Unresolved              // the host's name could not be looked up
	Refused                 // a proxy refused to open a tunnel
	Untrusted               // no trustworthy connection could be made
	Unsent                  // no connection could be made
	NoAnswer                // the request may have been sent; no answer came
	Switched                // the answer was a 1xx status, which is none
	Body                    // the answer's body broke off, or is too large
)

// Failure is why an attempt has no complete answer.
type Failure struct {
	Stage Stage
	Late  bool  // the attempt's own time limit ended it
	Ended error // the error of the caller's context, if that ended it
	Cause error
	Proxy string // host of the proxy that the request goes through, without its user and password
}

// late finds out which limit ended an attempt, if one did: its own, or the caller's context.
func (f *Failure) late(caller context.Context, own bool) {
	if f.Stage == Unbuilt || f.Stage == Switched {
		return
	}
	f.Ended = clock.Ended(caller)
	if f.Ended == nil && (own || errors.Is(f.Cause, context.DeadlineExceeded)) {
		f.Late, f.Cause = true, ErrLimit
	}
}

// unsentError marks an error as the network's, apart from a request that could not be built.
type unsentError struct{ failure *Failure }

func (e *unsentError) Error() string { return e.failure.Cause.Error() }
func (e *unsentError) Unwrap() error { return e.failure.Cause }

// failureOf is what an error of a request says.
func failureOf(err error) *Failure {
	if own, ok := text.Find[*unsentError](err); ok {
		return own.failure
	}
	return &Failure{Stage: Unbuilt, Cause: err}
}

// unanswered says how far a request came that the round tripper returned an error for.
func unanswered(roundTripper http.RoundTripper, req *http.Request, err error) error {
	f := &Failure{Stage: NoAnswer, Cause: err}
	if rt, ok := roundTripper.(*http.Transport); ok && rt.Proxy != nil {
		switch u, failed := rt.Proxy(req); {
		case failed != nil: // its text may hold a password
			f.Stage, f.Cause = Unsent, ErrProxySetting
			return &unsentError{f}
		case u != nil:
			f.Proxy = u.Host
		}
	}
	dial, dialled := text.Find[*net.OpError](err)
	_, unresolved := text.Find[*net.DNSError](err)
	_, refused := text.Find[*ProxyError](err)
	switch {
	case refused:
		f.Stage = Refused
	case isTLS(err):
		f.Stage = Untrusted
	case unresolved:
		f.Stage = Unresolved
	case dialled && (dial.Op == "dial" || dial.Op == "proxyconnect" || dial.Op == "socks connect"), strings.Contains(err.Error(), "TLS handshake timeout"):
		f.Stage = Unsent
	}
	return &unsentError{f}
}

// ErrProxySetting stands for what a proxy function says: that may hold a password.
var ErrProxySetting = errors.New("the proxy setting is not usable (its text is kept back, since it may hold a password)")

// ProxyError is a proxy's refusal to open a tunnel.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string { return fmt.Sprintf("the proxy answered HTTP %d", e.Status) }

func refuseTunnel(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{Status: resp.StatusCode}
	}
	return nil
}

// isTLS reports whether err means that the peer cannot be trusted or speaks no TLS that this client accepts, which
// another attempt does not change.
func isTLS(err error) bool {
	if _, ok := text.Find[*tls.CertificateVerificationError](err); ok {
		return true
	}
	// crypto/tls has no type for most of what else it finds, nor for the alerts that the peer sends. What a caller's own
	// check of a certificate finds comes from crypto/x509 as it is.
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		err = cause
	}
	return strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "x509: ")
}
