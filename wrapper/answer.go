package dingtalk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

const (
	// maxBodyBytes caps a body after decompression. Real ones are below 1 KiB; a gateway's HTML page may be larger.
	maxBodyBytes = 1 << 20
	// maxMessageBytes, maxSnippetBytes and maxScopes cap what an Error keeps of a body, maxCauseBytes what its text says
	// of its cause, which may repeat a malformed header.
	maxMessageBytes = 1 << 10
	maxCauseBytes   = 4 << 10
	maxSnippetBytes = 200
	maxScopes       = 20
	// banTime is how long an address stays banned, by the service's documentation.
	banTime = 5 * time.Minute
)

// answer is a response that was read to its end.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	buffer  *bytes.Buffer // holds body; goes back to the pool
	secrets secrets       // what the request carried
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readAnswer reads and closes a response. The answer's status and header are there even if its body fails.
func readAnswer(resp *http.Response, carried secrets) (*answer, error) {
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header, buffer: buffers.Get().(*bytes.Buffer), secrets: carried}
	a.buffer.Reset()
	// One byte more than the cap tells a body that is too large from one that just fits: cutting would corrupt it.
	n, err := a.buffer.ReadFrom(io.LimitReader(resp.Body, maxBodyBytes+1))
	if err == nil && n > maxBodyBytes {
		err = ErrTooLarge
	}
	a.body = a.buffer.Bytes()
	return a, err
}

// release ends the use of the answer's body. A buffer that one large body grew is not kept.
func (a *answer) release() {
	if a.buffer.Cap() <= 64<<10 {
		buffers.Put(a.buffer)
	}
	a.buffer, a.body = nil, nil
}

// readFailure is the error of an answer whose body could not be read.
func (a *answer) readFailure(caller context.Context, err error) *Error {
	e := &Error{Kind: ErrUnexpectedResponse, StatusCode: a.status, RequestID: a.requestID(), Err: err, broken: true}
	switch {
	case errors.Is(err, ErrTooLarge):
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Err, e.retry = ErrUnavailable, errAttemptLimit, ended(caller) == nil
		e.Message = "the body did not end in time"
	default:
		e.Message, e.retry = "the body broke off", true
	}
	return e
}

// requestID is what the answer's header says; the body of an error may say it too.
func (a *answer) requestID() string {
	return a.clean(a.header.Get(generated.RequestIDHeader), maxSnippetBytes)
}

// clean makes a text of the answer fit for an error: no secret of the request, limited, and safe to print.
func (a *answer) clean(s string, limit int) string { return escape(cut(a.secrets.hide(s), limit)) }

// decode fills op's result from the answer, or says why there is none.
func (a *answer) decode(op *operation, now time.Time) *Error {
	if a.status == http.StatusOK && json.Unmarshal(a.body, op.into) == nil && op.ok() {
		return nil
	}
	return a.failure(op, now)
}

// wireError is every error body that has been seen: the gateway's (whose fields encoding/json matches in any case), the
// legacy API's, and the one that a banned address gets.
type wireError struct {
	Code    text `json:"code"`
	Message text `json:"message"`

	RequestID text `json:"requestid"`
	Detail    struct {
		RequiredScopes []string `json:"requiredScopes"`
	} `json:"accessdenieddetail"`

	LegacyCode    text `json:"errcode"`
	LegacyMessage text `json:"errmsg"`

	Status text `json:"status"`
	Punish text `json:"punish"`
}

// bannedStatus is the field "status" of the body that a banned address gets.
const bannedStatus = "1111"

// text takes a JSON string, or the text of any other scalar: an error whose code is a number is still that error.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil && raw[0] != '{' && raw[0] != '[' {
		s = string(raw)
	}
	*t = text(s)
	return nil
}

// failure says what an answer that holds no result means. The code decides; without a known one, the status does.
func (a *answer) failure(op *operation, now time.Time) *Error {
	e := &Error{StatusCode: a.status, RetryAfter: retryAfter(a.header, now)}
	var wire wireError
	if mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); mediaType == "text/html" {
		e.Message = fmt.Sprintf("the answer is text/html, %d bytes", len(a.body))
		// What the page of a banned address says is not documented. The gateway's own refusals are JSON.
		if a.status == http.StatusForbidden || bytes.Contains(a.body, []byte("punish")) {
			wire.Punish = "page"
		}
	} else if json.Unmarshal(a.body, &wire) != nil || wire.empty() {
		e.Message = "the answer holds neither a result nor an error"
		if len(a.body) > 0 && !op.public { // a public operation's answer may hold a token, which nobody knows yet
			e.Message += ": " + a.clean(string(a.body), maxSnippetBytes)
		}
	}
	if wire.Code == "" && wire.LegacyCode != "" && wire.LegacyCode != "0" {
		wire.Code, wire.Message = wire.LegacyCode, wire.LegacyMessage
	}
	e.Code = generated.Code(a.clean(string(wire.Code), maxSnippetBytes))
	if wire.Message != "" {
		e.Message = a.clean(string(wire.Message), maxMessageBytes)
	}
	e.RequestID = cmp.Or(a.clean(string(wire.RequestID), maxSnippetBytes), a.requestID())
	for _, scope := range wire.Detail.RequiredScopes[:min(len(wire.Detail.RequiredScopes), maxScopes)] {
		e.RequiredScopes = append(e.RequiredScopes, a.clean(scope, maxSnippetBytes))
	}

	switch row := generated.LookupErrorCode(string(wire.Code)); {
	case wire.Punish != "" || wire.Status == bannedStatus:
		e.Kind, e.RetryAfter = ErrBlocked, max(e.RetryAfter, banTime)
	case row != nil:
		e.Kind, e.retry = kinds[row.Kind], row.Retry
		e.RetryAfter = max(e.RetryAfter, row.Wait)
		e.dropToken = row.Token == generated.TokenDrop || row.Token == generated.TokenFetch
	default:
		a.byStatus(e)
	}
	return e
}

// byStatus decides an answer whose code says nothing.
func (a *answer) byStatus(e *Error) {
	switch s := a.status; {
	case s >= 300 && s < 400:
		e.Kind, e.Message = ErrRedirect, "to "+a.redirectHost()
	case s == http.StatusUnauthorized:
		e.Kind, e.dropToken = ErrUnauthenticated, true
	case s == http.StatusForbidden:
		e.Kind = ErrPermissionDenied
	case s == http.StatusProxyAuthRequired:
		e.Kind = ErrUnavailable
	case s == http.StatusRequestTimeout:
		e.Kind, e.retry = ErrUnavailable, true
	case s == http.StatusTooManyRequests:
		e.Kind, e.retry, e.RetryAfter = ErrThrottled, true, max(e.RetryAfter, time.Second)
	case s == http.StatusNotImplemented, s == http.StatusHTTPVersionNotSupported:
		e.Kind = ErrUnavailable
	case s >= 500:
		e.Kind, e.retry = ErrUnavailable, true
	case s >= 400:
		e.Kind = ErrRejected
	default:
		e.Kind = ErrUnexpectedResponse
	}
}

func (w *wireError) empty() bool {
	return w.Code == "" && (w.LegacyCode == "" || w.LegacyCode == "0") && w.Message == "" && w.Status == "" && w.Punish == ""
}

// redirectHost names the host that a redirect points at; the rest of the URL may hold anything.
func (a *answer) redirectHost() string {
	resp := http.Response{Header: a.header}
	if u, err := resp.Location(); err == nil && u.Host != "" {
		return a.clean(u.Host, maxSnippetBytes)
	}
	return "the same host"
}

// cut shortens s to at most n bytes, at a character's start.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
