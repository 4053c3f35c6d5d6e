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
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

const (
	// Caps on the parts of a body kept in an Error.
	maxMessageBytes = 1 << 10
	maxSnippetBytes = 200
	maxScopes       = 20
)

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

// allows reports whether an operation may be retried.
func (r repeat) allows(safe bool) bool { return r == notProcessed || r == ifSafe && safe }

// outcome is the circuit breaker's view of v; nil is a success.
func (v *verdict) outcome() breaker.Outcome {
	if v == nil {
		return breaker.Outcome{Kind: breaker.Good}
	}
	o := breaker.Outcome{Answered: v.StatusCode != 0 && !v.broken, Wait: v.RetryAfter, Cause: v}
	switch {
	case errors.Is(v.ended, context.Canceled):
	case v.ended != nil: // with short deadlines, a hung service looks like this
		o.Kind = breaker.Hasty
	case v.Kind == ErrThrottled: //nolint:errorlint // a verdict's kind is never wrapped
		o.Kind = breaker.Throttled
	case v.repeat != never:
		o.Kind = breaker.Failed
	case v.StatusCode != 0:
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
		return errors.Is(v.Kind, ErrUnexpectedResponse)
	}
}

// op names the call's operation in errors and logs.
func (c *call) op() string { return operationName(c.contract) }

// error makes the error of a call's request.
func (c *call) error(kind error, message string) Error {
	e := Error{Op: c.op(), ChatID: c.chatID, Kind: kind, Message: message, Attempts: c.sent, TokenEndpoint: c.isToken}
	return e
}

// panicked makes the error of a call whose goroutine, one of this package's, did not return. recovered is nil after
// runtime.Goexit. In the caller's own goroutine a panic of the caller's transport, limiter, budget or token source reaches
// the caller.
func (p *path) panicked(recovered any, c *call) *Error {
	e := c.error(ErrPanicked, "the goroutine was ended by runtime.Goexit, as t.FailNow calls it")
	e.Local = true
	if recovered != nil {
		secrets := p.secrets(c)
		e.Message = secrets.Show(fmt.Sprint(recovered), maxMessageBytes)
		if err, ok := recovered.(error); ok {
			e.Err = secrets.HideError(err)
		}
	}
	return &e
}

// foreign is the verdict on a request that the caller's own token source, limiter or budget refused. It is of the given
// kind, unless err is an *Error or the caller's context has ended.
func (p *path) foreign(c *call, err, kind error, message string) *verdict {
	if cause := clock.Ended(c.waits); cause != nil {
		return &verdict{ended: cause}
	}
	v := &verdict{Error: c.error(kind, message)}
	if e, ok := text.Find[*Error](err); ok {
		v.Error = *e
		v.Op = c.op()
		if _, earlier := text.Find[*tokens.RememberedError](err); earlier { // a recent failure of another call
			v.Local, v.Attempts = true, 0
		}
		if v.ChatID = c.chatID; v.TokenEndpoint {
			v.ChatID = ""
		}
	} else {
		v.Local, v.Err = true, p.secrets(c).HideError(err)
	}
	v.refusal = kind != ErrUnavailable && v.Kind != ErrUnavailable //nolint:errorlint // a kind is never wrapped
	return v
}

// failure makes the error of a call that ends with v. note follows its message.
//
//go:noinline
func (v *verdict) failure(note string) *Error {
	e := v.Error
	e.Message = joined(e.Message, note)
	return &e
}

// unsent makes the error of a call whose last request was not sent, or was interrupted by the caller's context. before
// is the verdict on the previous request: what the service answered is the reason, if the client alone refused to go on.
func (c *call) unsent(v, before *verdict) *Error {
	e := v.failure("")
	if v.ended != nil {
		ended := c.error(v.ended, "the caller's context ended the call")
		if e = &ended; !v.broken {
			e.Err = v.Err // such as the failure that opened the circuit breaker
		}
	}
	if before == nil {
		return e
	}
	earlier := before.failure("")
	switch {
	case v.ended != nil:
		e.Err = earlier
	case v.refusal:
		e, earlier = earlier, e
		e.Message = joined(e.Message, "not repeated: "+strings.TrimPrefix(earlier.Message, "not sent: "))
		e.RetryAfter = max(e.RetryAfter, earlier.RetryAfter)
	case !e.TokenEndpoint:
		e.Attempts = c.sent
	}
	if e.Err == nil {
		e.Err = earlier
	}
	return e
}

// reader makes the verdict on an answer, and redacts the secrets of its request.
type reader struct {
	call    *call
	secrets text.Secrets
	answer  *wire.Answer
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
	v := &verdict{Error: r.call.error(ErrUnavailable, ""), ended: f.Ended, broken: true}
	v.RequestID, v.Err = r.requestID(), r.secrets.HideError(f.Cause)
	if r.answer != nil {
		v.StatusCode = r.answer.Status
	}
	dns, unknownHost := text.Find[*net.DNSError](f.Cause)
	proxy, _ := text.Find[*wire.ProxyError](f.Cause)
	switch {
	case f.Stage == wire.Unbuilt:
		v.Kind, v.Local, v.broken, v.Message = ErrRejected, true, false, "the request could not be built"
	case f.Stage == wire.Switched:
		v.Kind, v.broken, v.Message = ErrUnexpectedResponse, false, fmt.Sprintf("HTTP %d is not an answer", v.StatusCode)
	case f.Stage == wire.Refused && proxy.Status == http.StatusProxyAuthRequired:
		v.Message = "the proxy asks for a user and password: put them into the proxy setting, such as HTTPS_PROXY"
	case f.Stage == wire.Refused:
		v.Message = "the proxy refused"
		if proxy.Status >= http.StatusInternalServerError {
			v.repeat = notProcessed
		}
	case f.Stage == wire.Untrusted:
		v.Kind = ErrTLS
	case f.Late && f.Stage == wire.Body:
		v.Message, v.repeat = "the body did not end in time", ifSafe
	case f.Late:
		v.Message, v.repeat = fmt.Sprintf("no answer within %s", limit), ifSafe
	case errors.Is(f.Cause, wire.ErrTooLarge):
		v.Kind, v.repeat = ErrUnexpectedResponse, never
	case f.Stage == wire.Body:
		v.Kind, v.Message, v.repeat = ErrUnexpectedResponse, "the body broke off", ifSafe
	case unknownHost:
		v.Message = "check the region, the base URL and the name server"
		if !dns.IsNotFound {
			v.repeat = notProcessed
		}
	case errors.Is(f.Cause, wire.ErrProxySetting):
		v.Message = "check the proxy setting, such as HTTPS_PROXY"
	case f.Stage == wire.Unsent:
		v.Message, v.repeat = "check the network, the proxy and the region", notProcessed
	default:
		v.Message, v.repeat = "check the network, the proxy and the region", ifSafe
	}
	if f.Unsent && (v.repeat == ifSafe || v.ended != nil) {
		v.repeat = notProcessed
	}
	if f.Proxy != "" {
		v.Message = joined(v.Message, "the proxy is "+f.Proxy)
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
// maxWait caps the wait that a message asks for.
func (r *reader) refused(now time.Time, maxWait time.Duration) *verdict {
	a, contract := r.answer, r.call.contract
	v := &verdict{Error: r.call.error(nil, "")}
	v.StatusCode, v.RetryAfter = a.Status, wire.RetryAfter(a.Header, now)
	answer := objectOf(a.Body)
	body := read(answer)
	code, message := body.error(func(code string) bool { return contract.LookupErrorCode(code) != nil })
	banned := body.isBan()
	if code == "" && message == "" && body.status == "" && body.punish == "" {
		switch kind := r.htmlKind(); {
		case kind != "":
			v.Message = fmt.Sprintf("the answer is %s, %d bytes", kind, len(a.Body))
			banned = a.Status == http.StatusForbidden // the ban page is not documented; the gateway's own refusals are JSON
		case len(a.Body) > 0 && !contract.Public: // a public operation's answer may hold a new, unknown token
			v.Message = "the answer holds neither a result nor an error: " + r.show(string(a.Body), maxSnippetBytes)
		default:
			v.Message = "the answer holds neither a result nor an error"
		}
	}
	v.Code = generated.Code(r.show(code, maxSnippetBytes))
	if message != "" {
		v.Message = r.show(message, maxMessageBytes)
	}
	if v.RequestID = r.show(body.requestID, maxSnippetBytes); v.RequestID == "" {
		v.RequestID = r.requestID()
	}
	for _, scope := range body.scopes[:min(len(body.scopes), maxScopes)] {
		v.RequiredScopes = append(v.RequiredScopes, r.show(scope, maxSnippetBytes))
	}

	switch row := contract.LookupErrorCode(code); {
	case banned:
		v.Kind, v.RetryAfter = ErrBlocked, max(v.RetryAfter, generated.BanTime)
	case row != nil:
		v.Kind = Sentinel(row.Kind)
		v.RetryAfter = max(v.RetryAfter, row.Wait)
		v.dropToken = row.Token == generated.TokenDrop || row.Token == generated.TokenFetch
		if row.Retry {
			v.repeat = ifSafe
		}
	case succeeds(contract, a.Status) && unsuccessful(contract, answer):
		v.Kind, v.partly = ErrRejected, true
	case contract.TokenQuery != "" && body.refused(): // the legacy API has thousands of codes, too
		v.Kind = ErrRejected
	default:
		r.byStatus(v)
	}
	if v.Kind == ErrThrottled { //nolint:errorlint // a verdict's kind is never wrapped
		v.repeat = notProcessed
		v.RetryAfter = max(v.RetryAfter, min(throttledFor(text.Cut(message, maxMessageBytes), now), maxWait))
	}
	return v
}

// byStatus makes the verdict on an answer without a known code.
func (r *reader) byStatus(v *verdict) {
	switch s := v.StatusCode; {
	case s >= 300 && s < 400:
		v.Kind, v.Message = ErrRedirect, "to "+r.redirectHost()
	case s == http.StatusUnauthorized:
		v.Kind, v.dropToken = ErrUnauthenticated, true
	case s == http.StatusForbidden:
		v.Kind = ErrPermissionDenied
	case s == http.StatusProxyAuthRequired:
		v.Kind = ErrUnavailable
		v.Message = joined(v.Message, "a proxy asks for a user and password: put them into the proxy setting, such as HTTP_PROXY")
	case s == http.StatusRequestTimeout:
		v.Kind, v.repeat = ErrUnavailable, ifSafe
	case s == http.StatusTooManyRequests:
		v.Kind, v.RetryAfter = ErrThrottled, max(v.RetryAfter, time.Second)
	case s == http.StatusNotImplemented, s == http.StatusHTTPVersionNotSupported:
		v.Kind = ErrUnavailable
	case s >= 500:
		v.Kind, v.repeat = ErrUnavailable, ifSafe
	case s >= 400:
		v.Kind = ErrRejected
	default:
		v.Kind = ErrUnexpectedResponse
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
