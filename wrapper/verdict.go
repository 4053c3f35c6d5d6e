package dingtalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

const (
	// Caps on the parts of a body kept in an Error.
	maxMessageBytes = 1 << 10
	maxSnippetBytes = 200
	maxScopes       = 20
)

// verdict is what a failed attempt means, or why a request was not sent. It is immutable.
type verdict struct {
	kind      error
	status    int
	code      generated.Code
	message   string
	requestID string
	scopes    []string
	wait      time.Duration // the service's wait before a retry
	cause     error

	op            string // of the failed request
	attempts      int    // requests sent so far
	tokenEndpoint bool
	local         bool

	repeat    repeat
	dropToken bool  // the token was rejected: a refresh may help
	partly    bool  // the answer says that the operation failed, and not how much of it was done
	broken    bool  // no complete answer came
	ended     error // the error of the caller's context, if it ended the attempt
}

// repeat tells which operations may be retried after a verdict.
type repeat int

const (
	never        repeat = iota
	ifSafe              // the request may have been processed: operations that are safe to repeat
	notProcessed        // the request was surely not processed: every operation
)

// allows reports whether an operation may be retried.
func (r repeat) allows(safe bool) bool { return r == notProcessed || r == ifSafe && safe }

// outcome is the circuit breaker's view of v; nil is a success.
func (v *verdict) outcome() breaker.Outcome[*verdict] {
	if v == nil {
		return breaker.Outcome[*verdict]{Kind: breaker.Good}
	}
	o := breaker.Outcome[*verdict]{Kind: breaker.Unknown, Wait: v.wait, Cause: v}
	switch {
	case errors.Is(v.ended, context.Canceled):
	case v.kind == ErrBlocked: //nolint:errorlint // a verdict's kind is never wrapped
		o.Kind = breaker.Banned
	case v.kind == ErrThrottled: //nolint:errorlint // likewise
		o.Kind = breaker.Throttled
	case v.repeat != never: // the caller's deadline included: with short deadlines, a hung service looks like this
		o.Kind = breaker.Failed
	case v.status != 0:
		o.Kind = breaker.Good
	}
	return o
}

// mayBeDone reports whether the service may have processed the failed request.
func (v *verdict) mayBeDone() bool {
	switch {
	case v.repeat == notProcessed:
		return false
	case v.repeat == ifSafe, v.ended != nil, v.partly:
		return true
	default:
		return errors.Is(v.kind, ErrUnexpectedResponse)
	}
}

// reader makes the verdict on an answer, and redacts the secrets of its request.
type reader struct {
	op       string
	attempts int

	secrets  text.Secrets
	answer   *wire.Answer
	maxWait  time.Duration // Retry.MaxWait
	now      time.Time
	contract *Operation
}

func (r *reader) show(s string, limit int) string { return r.secrets.Show(s, limit) }

// requestID is the header's request id; the body of an error may have one, too.
func (r *reader) requestID() string {
	if r.answer == nil {
		return ""
	}
	return r.show(r.answer.Header.Get(requestIDHeader), maxSnippetBytes)
}

// unanswered makes the verdict on an attempt without a complete answer.
func (r *reader) unanswered(f *wire.Failure, limit time.Duration) *verdict {
	v := &verdict{
		op: r.op, attempts: r.attempts, kind: ErrUnavailable, requestID: r.requestID(), cause: r.secrets.HideError(f.Cause), ended: f.Ended, broken: true,
	}
	if r.answer != nil {
		v.status = r.answer.Status
	}
	dns, unknownHost := text.Find[*net.DNSError](f.Cause)
	proxy, _ := text.Find[*wire.ProxyError](f.Cause)
	switch {
	case f.Stage == wire.Unbuilt:
		v.kind, v.local, v.broken, v.message = ErrRejected, true, false, "the request could not be built"
	case f.Stage == wire.Switched:
		v.kind, v.broken, v.message = ErrUnexpectedResponse, false, fmt.Sprintf("HTTP %d is not an answer", v.status)
	case f.Stage == wire.Refused && proxy.Status == http.StatusProxyAuthRequired:
		v.message = "the proxy asks for a user and password: put them into the proxy setting, such as HTTPS_PROXY"
	case f.Stage == wire.Refused:
		v.message = "the proxy refused"
		if proxy.Status >= http.StatusInternalServerError {
			v.repeat = notProcessed
		}
	case f.Stage == wire.Untrusted:
		v.kind = ErrTLS
	case f.Late && f.Stage == wire.Body:
		v.message, v.repeat = "the body did not end in time", ifSafe
	case f.Late:
		v.message, v.repeat = fmt.Sprintf("no answer within %s", limit), ifSafe
	case errors.Is(f.Cause, wire.ErrTooLarge):
		v.kind, v.repeat = ErrUnexpectedResponse, never
	case f.Stage == wire.Body:
		v.kind, v.message, v.repeat = ErrUnexpectedResponse, "the body broke off", ifSafe
	case unknownHost:
		v.message = "check the region, the base URL and the name server"
		if !dns.IsNotFound {
			v.repeat = notProcessed
		}
	case errors.Is(f.Cause, wire.ErrProxySetting):
		v.message = "check the proxy setting, such as HTTPS_PROXY"
	case f.Stage == wire.Unsent:
		v.message, v.repeat = "check the network, the proxy and the region", notProcessed
	default:
		v.message, v.repeat = "check the network, the proxy and the region", ifSafe
	}
	if f.Unsent && (v.repeat == ifSafe || v.ended != nil) {
		v.repeat = notProcessed
	}
	if f.Proxy != "" {
		v.message = joined(v.message, "the proxy is "+f.Proxy)
	}
	return v
}

// joined appends a note to a message.
func joined(message, note string) string {
	if message == "" || note == "" {
		return message + note
	}
	return message + "; " + note
}

// refused makes the verdict on an answer without a result. The code decides; without a known code, the status does.
func (r *reader) refused() *verdict {
	a := r.answer
	v := &verdict{op: r.op, attempts: r.attempts, status: a.Status, wait: wire.RetryAfter(a.Header, r.now)}
	var body envelope
	body.read(a.Body)
	banned := body.Punish != "" || body.Status == bannedStatus
	if body.empty() {
		switch kind := r.htmlKind(); {
		case kind != "":
			v.message = fmt.Sprintf("the answer is %s, %d bytes", kind, len(a.Body))
			// The ban page is not documented. The gateway's own refusals are JSON.
			banned = a.Status == http.StatusForbidden || bytes.Contains(a.Body, []byte("punish"))
		case len(a.Body) > 0 && !r.contract.Public: // a public operation's answer may hold a new, unknown token
			v.message = "the answer holds neither a result nor an error: " + r.show(string(a.Body), maxSnippetBytes)
		default:
			v.message = "the answer holds neither a result nor an error"
		}
	}
	code, message := body.error(func(code string) bool { return r.contract.LookupErrorCode(code) != nil })
	v.code = generated.Code(r.show(string(code), maxSnippetBytes))
	if message != "" {
		v.message = r.show(string(message), maxMessageBytes)
	}
	if v.requestID = r.show(string(body.RequestID), maxSnippetBytes); v.requestID == "" {
		v.requestID = r.requestID()
	}
	for _, scope := range body.Detail.RequiredScopes[:min(len(body.Detail.RequiredScopes), maxScopes)] {
		v.scopes = append(v.scopes, r.show(scope, maxSnippetBytes))
	}

	switch row := r.contract.LookupErrorCode(string(code)); {
	case banned:
		v.kind, v.wait = ErrBlocked, max(v.wait, generated.BanTime)
	case row != nil:
		v.kind = Sentinel(row.Kind)
		v.wait = max(v.wait, row.Wait)
		v.dropToken = row.Token == generated.TokenDrop || row.Token == generated.TokenFetch
		if row.Retry {
			v.repeat = ifSafe
		}
	case succeeds(r.contract, a.Status) && unsuccessful(r.contract, a.Body):
		v.kind, v.partly = ErrRejected, true
	case r.contract.TokenQuery != "" && body.refused(): // the legacy API has thousands of codes, too
		v.kind = ErrRejected
	default:
		r.byStatus(v)
	}
	if v.kind == ErrThrottled { //nolint:errorlint // a verdict's kind is never wrapped
		v.repeat = notProcessed
		v.wait = max(v.wait, min(throttledFor(text.Cut(string(message), maxMessageBytes), r.now), r.maxWait))
	}
	return v
}

// byStatus makes the verdict on an answer without a known code.
func (r *reader) byStatus(v *verdict) {
	switch s := v.status; {
	case s >= 300 && s < 400:
		v.kind, v.message = ErrRedirect, "to "+r.redirectHost()
	case s == http.StatusUnauthorized:
		v.kind, v.dropToken = ErrUnauthenticated, true
	case s == http.StatusForbidden:
		v.kind = ErrPermissionDenied
	case s == http.StatusProxyAuthRequired:
		v.kind = ErrUnavailable
		v.message = joined(v.message, "a proxy asks for a user and password: put them into the proxy setting, such as HTTP_PROXY")
	case s == http.StatusRequestTimeout:
		v.kind, v.repeat = ErrUnavailable, ifSafe
	case s == http.StatusTooManyRequests:
		v.kind, v.wait = ErrThrottled, max(v.wait, time.Second)
	case s == http.StatusNotImplemented, s == http.StatusHTTPVersionNotSupported:
		v.kind = ErrUnavailable
	case s >= 500:
		v.kind, v.repeat = ErrUnavailable, ifSafe
	case s >= 400:
		v.kind = ErrRejected
	default:
		v.kind = ErrUnexpectedResponse
	}
}

// htmlKind describes an HTML answer, found by its label or its body, and is empty for any other. Gateways label their
// pages with the media type that the request asked for.
func (r *reader) htmlKind() string {
	label := r.answer.Header.Get("Content-Type")
	mediaType, _, _ := strings.Cut(label, ";")
	switch {
	case strings.EqualFold(strings.TrimSpace(mediaType), "text/html"):
		return "text/html"
	case bytes.HasPrefix(bytes.TrimSpace(r.answer.Body), []byte("<")):
		return "HTML labelled " + r.show(label, maxSnippetBytes)
	default:
		return ""
	}
}

// redirectHost returns the host of a redirect. The rest of the URL may hold secrets.
func (r *reader) redirectHost() string {
	resp := http.Response{Header: r.answer.Header}
	if u, err := resp.Location(); err == nil && u.Host != "" {
		return r.show(u.Host, maxSnippetBytes)
	}
	return "the same host"
}
