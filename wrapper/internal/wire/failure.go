package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Stage is how far an attempt got.
type Stage int

// The stages. Which of them say that the service surely did not process the request is [Failure.Unsent].
const (
	Unbuilt   Stage = iota // the request could not be built
	Refused                // the proxy refused a tunnel
	Untrusted              // no trusted TLS connection
	Unsent                 // no connection
	NoAnswer               // no answer, though the request may have been sent
	Switched               // the answer's status was 1xx, which is not final
	Body                   // the answer's body is incomplete or too large
)

// ErrLimit is the cause of an attempt's end at its time limit.
var ErrLimit = fmt.Errorf("time limit of one attempt: %w", os.ErrDeadlineExceeded)

// tooLate reports whether the time limit ended an attempt's context.
func tooLate(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLimit) }

// Failure describes an attempt without a complete answer.
type Failure struct {
	Stage  Stage
	Unsent bool  // the service surely did not process the request
	Late   bool  // the attempt's time limit ended it
	Ended  error // the caller's context error, if it ended the attempt
	Cause  error
	Proxy  string // host of the proxy in use, without user and password
	Took   time.Duration
}

// late records which limit ended an attempt, if any: its own or the caller's context.
func (f *Failure) late(caller context.Context, own bool) {
	if f.Stage == Unbuilt || f.Stage == Switched {
		return
	}
	f.Ended = clock.Ended(caller)
	if f.Ended == nil && (own || errors.Is(f.Cause, context.DeadlineExceeded)) {
		f.Late, f.Cause = true, ErrLimit
	}
}

// unsentStage returns how far a request came that was surely not sent.
func unsentStage(err error) Stage {
	if _, refused := text.Find[*ProxyError](err); refused {
		return Refused
	} else if isTLS(err) {
		return Untrusted
	}
	return Unsent
}

// several reports whether err joins errors: only the last one's connection is known.
func several(err error) bool {
	for err != nil {
		if _, is := err.(interface{ Unwrap() []error }); is {
			return true
		}
		err = errors.Unwrap(err)
	}
	return false
}

// ErrProxySetting replaces a proxy function's error, whose text may hold a password.
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

// isTLS reports whether err is a TLS failure that another attempt does not cure: an untrusted peer, or no common TLS
// version or cipher.
func isTLS(err error) bool {
	if _, ok := text.Find[*tls.CertificateVerificationError](err); ok {
		return true
	}
	// crypto/tls has no type for most other failures, nor for the peer's alerts. The caller's own certificate check may
	// return errors of crypto/x509.
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		err = cause
	}
	return strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "x509: ")
}
