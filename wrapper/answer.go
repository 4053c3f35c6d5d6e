package dingtalk

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

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
)

// answer is a response that was read to its end.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	secrets secrets          // what the request carried
	limited io.LimitedReader // from which buffer is filled
	buffer  bytes.Buffer     // holds body
}

var answers = sync.Pool{New: func() any { return new(answer) }}

// readAnswer reads and closes a response. The answer's status and header are there even if its body fails.
func readAnswer(resp *http.Response, carried secrets) (*answer, error) {
	defer resp.Body.Close()
	a := answers.Get().(*answer)
	a.status, a.header, a.secrets = resp.StatusCode, resp.Header, carried
	body, err := decompressed(resp)
	if err != nil {
		return a, err
	}
	// One byte more than the cap tells a body that is too large from one that just fits: cutting would corrupt it.
	a.limited = io.LimitedReader{R: body, N: maxBodyBytes + 1}
	n, err := a.buffer.ReadFrom(&a.limited)
	if err == nil && n > maxBodyBytes {
		err = ErrTooLarge
	}
	a.body = a.buffer.Bytes()
	return a, err
}

// decompressed is a response's body. No encoding was asked for, but some gateways compress whatever is asked.
func decompressed(resp *http.Response) (io.Reader, error) {
	if !strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		return resp.Body, nil
	}
	body, err := gzip.NewReader(resp.Body)
	if errors.Is(err, io.EOF) {
		return http.NoBody, nil // as net/http takes it
	}
	return body, err
}

// release ends the use of the answer. One whose buffer a large body grew is not kept for others.
func (a *answer) release() {
	if a.buffer.Cap() <= 64<<10 {
		a.header, a.body, a.limited.R, a.secrets = nil, nil, nil, secrets{}
		a.buffer.Reset()
		answers.Put(a)
	}
}

// readFailure is the error of an answer whose body could not be read.
func (a *answer) readFailure(caller context.Context, err error) *Error {
	e := &Error{Kind: ErrUnexpectedResponse, StatusCode: a.status, RequestID: a.requestID(), Err: err, broken: true}
	switch {
	case errors.Is(err, ErrTooLarge):
	case errors.Is(err, errAttemptLimit), errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Err, e.retry = ErrUnavailable, errAttemptLimit, ended(caller) == nil
		e.Message = "the body did not end in time"
	default:
		e.Message, e.retry = "the body broke off", true
	}
	return e
}

// requestID is what the answer's header says; the body of an error may say it too.
func (a *answer) requestID() string {
	return a.clean(a.header.Get(requestIDHeader), maxSnippetBytes)
}

// clean makes a text of the answer fit for an error: no secret of the request, limited, and safe to print.
func (a *answer) clean(s string, limit int) string { return escape(cut(a.secrets.hide(s), limit)) }

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
	if inner := raw[1:max(len(raw)-1, 1)]; raw[0] == '"' && utf8.Valid(inner) && bytes.IndexByte(inner, '\\') < 0 {
		*t = text(inner) // raw is valid JSON, so nothing in it is left to decode
		return nil
	}
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
	_ = json.Unmarshal(a.body, &wire) // a field of another type than it used to be must not cost the others
	banned := wire.Punish != "" || wire.Status == bannedStatus
	if wire.empty() {
		switch kind := a.htmlKind(); {
		case kind != "":
			e.Message = fmt.Sprintf("the answer is %s, %d bytes", kind, len(a.body))
			// What the page of a banned address says is not documented. The gateway's own refusals are JSON.
			banned = a.status == http.StatusForbidden || bytes.Contains(a.body, []byte("punish"))
		case len(a.body) > 0 && !op.public: // a public operation's answer may hold a token, which nobody knows yet
			e.Message = "the answer holds neither a result nor an error: " + a.clean(string(a.body), maxSnippetBytes)
		default:
			e.Message = "the answer holds neither a result nor an error"
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
	case banned:
		e.Kind, e.RetryAfter = ErrBlocked, max(e.RetryAfter, generated.BanTime)
	case row != nil:
		e.Kind, e.retry = sentinel(row.Kind), row.Retry
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

// htmlKind says how an answer is HTML, by its label or by its body; it is empty if it is not. Gateways label their pages
// as the answer that was asked for.
func (a *answer) htmlKind() string {
	label := a.header.Get("Content-Type")
	mediaType, _, _ := strings.Cut(label, ";")
	switch {
	case strings.EqualFold(strings.TrimSpace(mediaType), "text/html"):
		return "text/html"
	case bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")):
		return "HTML labelled " + a.clean(label, maxSnippetBytes)
	default:
		return ""
	}
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
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
