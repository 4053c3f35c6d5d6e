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
	// maxMessageBytes, maxSnippetBytes and maxScopes cap what an Error keeps of a body.
	maxMessageBytes = 1 << 10
	maxSnippetBytes = 200
	maxScopes       = 20
)

// verdict is what an attempt that did not succeed means, or what kept it from being sent. It is not changed once made.
type verdict struct {
	kind      error
	status    int
	code      generated.Code
	message   string
	requestID string
	scopes    []string
	wait      time.Duration // what the service asks for before a repeat
	cause     error

	op            string // of the request that was answered so
	attempts      int    // requests sent until then
	tokenEndpoint bool
	local         bool

	repeat    repeat
	dropToken bool  // the token was rejected: another may help
	broken    bool  // no complete answer came
	ended     error // the error of the caller's context, if that is why
}

// repeat says which operations may be sent again after a verdict.
type repeat int

const (
	never        repeat = iota
	ifSafe              // the request may have been processed: those that are safe to repeat
	notProcessed        // it surely was not: all
)

// allows reports whether an operation may be sent again.
func (r repeat) allows(safe bool) bool { return r == notProcessed || r == ifSafe && safe }

// outcome is what the circuit breaker learns; no verdict is success.
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
	case v.repeat != never: // also if it was the caller's deadline that ended it: hasty callers see a hung service as well
		o.Kind = breaker.Failed
	case v.status != 0:
		o.Kind = breaker.Good
	}
	return o
}

// mayBeDone reports whether a request that was sent may have been processed although it failed.
func (v *verdict) mayBeDone() bool {
	switch {
	case v.repeat == notProcessed:
		return false
	case v.repeat == ifSafe, v.ended != nil:
		return true
	default:
		return errors.Is(v.kind, ErrUnexpectedResponse)
	}
}

// reader reads an answer: it knows which secrets its request carried.
type reader struct {
	op       string
	attempts int

	secrets  text.Secrets
	answer   *wire.Answer
	maxWait  time.Duration // the longest that is waited for
	now      time.Time
	contract *Operation
}

func (r *reader) show(s string, limit int) string { return r.secrets.Show(s, limit) }

// requestID is what the answer's header says; the body of an error may say it too.
func (r *reader) requestID() string {
	if r.answer == nil {
		return ""
	}
	return r.show(r.answer.Header.Get(requestIDHeader), maxSnippetBytes)
}

// unanswered is the verdict on an attempt without a complete answer.
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
	if f.Proxy != "" {
		v.message = joined(v.message, "the proxy is "+f.Proxy)
	}
	return v
}

// joined puts a note behind a message.
func joined(message, note string) string {
	if message == "" || note == "" {
		return message + note
	}
	return message + "; " + note
}

// refused is the verdict on an answer that holds no result. The code decides; without a known one, the status does.
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
			// What the page of a banned address says is not documented. The gateway's own refusals are JSON.
			banned = a.Status == http.StatusForbidden || bytes.Contains(a.Body, []byte("punish"))
		case len(a.Body) > 0 && !r.contract.Public: // one that is public may hold a token, which nobody knows yet
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
	default:
		r.byStatus(v)
	}
	if v.kind == ErrThrottled { //nolint:errorlint // a verdict's kind is never wrapped
		v.repeat = notProcessed
		v.wait = max(v.wait, min(throttledFor(string(message), r.now), r.maxWait))
	}
	return v
}

// byStatus decides an answer whose code says nothing.
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

// htmlKind says how an answer is HTML, by its label or by its body; it is empty if it is not. Gateways label their pages
// as the answer that was asked for.
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

// redirectHost names the host that a redirect points at; the rest of the URL may hold anything.
func (r *reader) redirectHost() string {
	resp := http.Response{Header: r.answer.Header}
	if u, err := resp.Location(); err == nil && u.Host != "" {
		return r.show(u.Host, maxSnippetBytes)
	}
	return "the same host"
}
