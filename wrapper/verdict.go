package dingtalk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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

// outcome is the circuit breaker's view of v; nil is a success.
func (v *verdict) outcome() breaker.Outcome {
	if v == nil {
		return breaker.Outcome{Kind: breaker.Good}
	}
	o := breaker.Outcome{Answered: v.StatusCode != 0 && !v.broken, Wait: v.RetryAfter, Cause: &v.Error}
	switch {
	case errors.Is(v.ended, context.Canceled):
	case v.ended != nil: // with short deadlines, a hung service looks like this
		o.Kind = breaker.Hasty
	case v.Kind == ErrThrottled, v.Kind == ErrBlocked: //nolint:errorlint // a verdict's kind is never wrapped
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
	return v.repeat != notProcessed && (v.repeat == ifSafe || v.ended != nil || v.partly || errors.Is(v.Kind, ErrUnexpectedResponse))
}

//go:noinline
func (c *call) verdict(kind error, message string) *verdict {
	return &verdict{Error: Error{Op: operationName(c.contract), ChatID: c.chatID, Kind: kind, Message: message, Attempts: c.sent, TokenEndpoint: c.isToken}}
}

// panicked makes the error of a call whose goroutine, one of this package's, did not return. recovered is nil after runtime.Goexit.
func (p *path) panicked(recovered any, c *call) (e *Error) {
	e = &c.verdict(ErrPanicked, "the goroutine was ended by runtime.Goexit, as t.FailNow calls it").Error
	e.Local = true
	if recovered != nil {
		secrets := p.secrets(c)
		e.Message = secrets.Show(fmt.Sprint(recovered), maxMessageBytes)
		if err, ok := recovered.(error); ok {
			defer func() { _ = recover() }() // its text may panic
			e.Err = secrets.HideError(err)
		}
	}
	return e
}

// foreign is the verdict on a request that the caller's own token source, limiter or budget refused. It is of the given
// kind, unless err is an *Error or the caller's context has ended.
func (p *path) foreign(c *call, err, kind error, message string) *verdict {
	if cause := clock.Ended(c.waits); cause != nil {
		return &verdict{ended: cause}
	}
	v, secrets := c.verdict(kind, message), p.secrets(c)
	if e, ok := text.Find[*Error](err); ok {
		v.Error = *e
		v.Op, v.Kind, v.EndsRun = operationName(c.contract), cmp.Or(e.Kind, kind), false
		v.Code = generated.Code(secrets.Show(string(e.Code), maxSnippetBytes)) // it may be the caller's own error
		v.Message, v.Err = secrets.Show(e.Message, maxMessageBytes), secrets.HideError(e.Err)
		if _, earlier := text.Find[*tokens.RememberedError](err); earlier { // a recent failure of another call
			v.Local, v.Attempts = true, 0
		}
		v.ChatID = when(!v.TokenEndpoint, c.chatID)
	} else {
		v.Local, v.Err = true, secrets.HideError(err)
	}
	v.refusal = kind != ErrUnavailable && v.Kind != ErrUnavailable //nolint:errorlint // a kind is never wrapped
	return v
}

func (p *path) unsendable(o *generated.Operation, err error) *Error {
	message := p.secrets(new(call)).Show("not sent: "+err.Error(), maxMessageBytes)
	return &Error{Op: operationName(o), Kind: ErrRejected, Local: true, Message: message}
}

// failure makes the error of a call that ends with v. note follows its message.
//
//go:noinline
func (v *verdict) failure(note string) *Error {
	e := v.Error
	e.Message = joined("; ", e.Message, note)
	return &e
}

// unsent makes the error of a call whose last request was not sent, or was interrupted by the caller's context. before
// is the verdict on the previous request: what the service answered is the reason, if the client alone refused to go on.
func (c *call) unsent(v, before *verdict) *Error {
	e := v.failure("")
	if v.ended != nil {
		if e = &c.verdict(v.ended, "the caller's context ended the call").Error; !v.broken {
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
		e.Message = joined("; ", e.Message, "not repeated: "+strings.TrimPrefix(earlier.Message, "not sent: "))
		e.RetryAfter = max(e.RetryAfter, earlier.RetryAfter)
	case !e.TokenEndpoint:
		e.Attempts = c.sent
	}
	if e.Err == nil {
		e.Err = earlier
	}
	return e
}

// unanswered makes the verdict on an attempt without a complete answer.
func (p *path) unanswered(c *call, a *wire.Answer, f *wire.Failure) *verdict {
	kind, says, again := ErrUnavailable, "check the network, the proxy and the region", ifSafe
	dns, unknownHost := text.Find[*net.DNSError](f.Cause)
	proxy, _ := text.Find[*wire.ProxyError](f.Cause)
	switch {
	case f.Stage == wire.Unbuilt:
		kind, says, again = ErrRejected, "the request could not be built", never
	case f.Stage == wire.Switched:
		kind, says, again = ErrUnexpectedResponse, fmt.Sprintf("HTTP %d is not an answer", a.Status), never
	case f.Stage == wire.Refused:
		if says, again = "the proxy refused", never; proxy.Status == http.StatusProxyAuthRequired {
			says = "the proxy asks for a user and password: put them into the proxy setting, such as HTTPS_PROXY"
		} else if proxy.Status >= http.StatusInternalServerError {
			again = notProcessed
		}
	case errors.Is(f.Cause, generated.ErrFilePanicked):
		kind, says, again = ErrPanicked, "", never
	case f.Stage == wire.Untrusted:
		kind, says, again = ErrTLS, "", never
	case f.Late && f.Stage == wire.Body:
		says = "the body did not end in time"
	case f.Late:
		says = fmt.Sprintf("no answer within %s", p.wire.Limit())
	case errors.Is(f.Cause, wire.ErrTooLarge):
		kind, says, again = ErrUnexpectedResponse, "", never
	case f.Stage == wire.Body:
		kind, says = ErrUnexpectedResponse, "the body broke off"
	case unknownHost:
		if says, again = "check the region, the base URL and the name server", notProcessed; dns.IsNotFound {
			again = never
		}
	case errors.Is(f.Cause, wire.ErrProxySetting):
		says, again = "check the proxy setting, such as HTTPS_PROXY", never
	}
	if f.Unsent && (again == ifSafe || f.Ended != nil) {
		again = notProcessed
	}
	if f.Proxy != "" {
		says = joined("; ", says, "the proxy is "+f.Proxy)
	}
	v := c.verdict(kind, says)
	v.repeat, v.ended, v.broken = again, f.Ended, f.Stage != wire.Unbuilt && f.Stage != wire.Switched
	v.Local, v.Err = f.Stage == wire.Unbuilt, p.secrets(c).HideError(f.Cause)
	if a != nil {
		v.StatusCode, v.RequestID = a.Status, p.secrets(c).Show(a.Header.Get(requestIDHeader), maxSnippetBytes)
	}
	return v
}

// refused makes the verdict on an answer without a result. The code decides; without a known code, the status does.
func (p *path) refused(c *call, a *wire.Answer, answer object) *verdict {
	now, secrets := p.clock.Now(), p.secrets(c)
	answer = object(when(json.Valid(a.Body), string(answer)))
	body := read(answer)
	code, message := body.error(c.contract)
	banned, says := body.isBan(), secrets.Show(message, maxMessageBytes)
	if code == "" && message == "" && body.status == "" && body.punish == "" {
		says = "the answer holds neither a result nor an error"
		kind := a.Header.Get("Content-Type") // gateways label their pages with what the request asked for
		if strings.HasPrefix(strings.ToLower(kind), "text/html") {
			kind = "text/html"
		} else if kind = "HTML labelled " + cmp.Or(kind, "nothing"); !bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<")) {
			kind = ""
		}
		if kind != "" {
			says = fmt.Sprintf("the answer is %s, %d bytes", secrets.Show(kind, maxSnippetBytes), len(a.Body))
			banned = a.Status == http.StatusForbidden // the ban page is not documented; the gateway's own refusals are JSON
		} else if len(a.Body) > 0 && !c.contract.Public { // a public operation's answer may hold a new, unknown token
			says += ": " + secrets.Show(string(a.Body), maxSnippetBytes)
		}
	}
	v := c.verdict(nil, says)
	v.StatusCode, v.RetryAfter = a.Status, wire.RetryAfter(a.Header, now)
	v.Code = generated.Code(secrets.Show(code, maxSnippetBytes))
	v.RequestID = secrets.Show(cmp.Or(body.requestID, a.Header.Get(requestIDHeader)), maxSnippetBytes)
	for _, scope := range body.scopes[:min(len(body.scopes), maxScopes)] {
		v.RequiredScopes = append(v.RequiredScopes, secrets.Show(scope, maxSnippetBytes))
	}
	switch row := c.contract.Rule(code); {
	case banned:
		v.Kind, v.RetryAfter = ErrBlocked, generated.BanTime // whatever a gateway's page asks for
	case row != nil:
		v.Kind = Sentinel(row.Kind)
		v.RetryAfter = max(v.RetryAfter, row.Wait)
		v.dropToken = row.Token == generated.TokenDrop || row.Token == generated.TokenFetch
		if row.Retry {
			v.repeat = ifSafe
		}
	case succeeds(c.contract, a.Status) && unsuccessful(c.contract, answer):
		v.Kind, v.partly = ErrRejected, true
	case c.contract.TokenQuery != "" && body.refused(): // the legacy API has thousands of codes, too
		v.Kind = ErrRejected
	default:
		v.byStatus(a, secrets)
	}
	if v.Kind == ErrThrottled { //nolint:errorlint // a verdict's kind is never wrapped
		v.repeat = notProcessed
		v.RetryAfter = max(v.RetryAfter, min(wire.ThrottledFor(text.Cut(message, maxMessageBytes), now), p.retry.MaxWait))
	}
	return v
}

// byStatus makes the verdict on an answer without a known code.
func (v *verdict) byStatus(a *wire.Answer, secrets text.Secrets) {
	switch s := a.Status; {
	case s >= 300 && s < 400:
		v.Kind, v.Message = ErrRedirect, "to the same host"
		resp := http.Response{Header: a.Header}
		if u, err := resp.Location(); err == nil && u.Host != "" {
			v.Message = "to " + secrets.Show(u.Host, maxSnippetBytes) // the rest of the URL may hold secrets
		}
	case s == http.StatusUnauthorized:
		v.Kind, v.dropToken = ErrUnauthenticated, true
	case s == http.StatusForbidden:
		v.Kind = ErrPermissionDenied
	case s == http.StatusProxyAuthRequired:
		v.Kind = ErrUnavailable
		v.Message = joined("; ", v.Message, "a proxy asks for a user and password: put them into the proxy setting, such as HTTP_PROXY")
	case s == http.StatusTooManyRequests:
		v.Kind, v.RetryAfter = ErrThrottled, max(v.RetryAfter, time.Second)
	case s == http.StatusNotImplemented, s == http.StatusHTTPVersionNotSupported:
		v.Kind = ErrUnavailable
	case s >= 500, s == http.StatusRequestTimeout:
		v.Kind, v.repeat = ErrUnavailable, ifSafe
	case s >= 400:
		v.Kind = ErrRejected
	default:
		v.Kind = ErrUnexpectedResponse
	}
}
