package dingtalktest

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// The names of the faults, as data spells them.
const (
	kindPass               = "pass"
	kindCode               = "code"
	kindStickyToken        = "sticky-token"
	kindPage               = "page"
	kindRaw                = "raw"
	kindTruncated          = "truncated"
	kindWrongLength        = "wrong-length"
	kindSlow               = "slow"
	kindBytes              = "bytes"
	kindSwitchingProtocols = "switching-protocols"
	kindReset              = "reset"
	kindHang               = "hang"
	kindBan                = "ban"
	kindBanJSON            = "ban-json"
)

// Fault replaces the regular answer to a request. A constructor says what, methods say to
// which requests and with what details; each method returns a changed copy. Queue faults with [Emulator.FailNext]. The
// zero Fault is [Pass].
//
// A fault is also data, as [FaultKinds] describes it: JSON that [Fault.UnmarshalJSON] reads, and a word that [ParseFault]
// reads. Both make the same faults as the constructors do.
type Fault struct {
	kind        string // one of the names; empty is Pass
	code        generated.Code
	status      int
	message     string
	scopes      []string
	header      http.Header
	contentType *string
	body        []byte // nil: the kind's own
	delay       time.Duration
	interval    time.Duration
	times       int // more than the first; negative: always
	operation   string
}

// Code answers with an error code: with status and message of its row in [generated.ErrorCodes], any of the row's
// spellings being sent as it is given. A code without a row is answered with status 400 and itself for a message.
// Bodies of codes that no live answer was seen of are synthetic.
//
// A code after which a caller should drop its token, as [generated.CodeInvalidAuthentication], revokes the token that
// the request carries, so that the next token call gives another. So does any other fault that answers with such a
// code or with status 401. [StickyToken] is the case in which the token call gives the same one again.
func Code(code generated.Code) Fault { return Fault{kind: kindCode, code: code} }

// StickyToken answers InvalidAuthentication and leaves the token as it was, so that the next token call gives the same
// one again, which then works. The service may do that; a caller must not loop. [WithStickyToken] is the case in which
// the token that is given again stays rejected.
func StickyToken() Fault { return Fault{kind: kindStickyToken} }

// Raw answers with this status, content type and body, whatever the contract says. None is sent if the
// content type is empty. The status must be one that net/http sends, 200 to 999.
func Raw(status int, contentType string, body []byte) Fault {
	return Fault{kind: kindRaw, status: status, contentType: &contentType}.withBody(body)
}

// Page answers with a page of HTML and this status, as the edge before the gateway does. The page is synthetic. The status
// must be one that net/http sends, 200 to 999.
func Page(status int) Fault { return Fault{kind: kindPage, status: status} }

// Bytes writes raw to the bare connection in place of an HTTP response, and closes it: a torn header, a body shorter
// than its Content-Length, broken chunks. A whole response should say "Connection: close", or the client may send its
// next request on the connection that is about to end. HTTP/1 only; under HTTP/2 the stream is cut. Whatever the bytes
// say, the request's token stays valid.
func Bytes(raw []byte) Fault { return Fault{kind: kindBytes}.withBody(raw) }

// SwitchingProtocols answers 101 as the final status, and closes the connection. HTTP/1 only, as [Bytes].
func SwitchingProtocols() Fault { return Fault{kind: kindSwitchingProtocols} }

// Truncated sends of the regular answer the first half of its body, rounded down, and closes the connection:
// Content-Length says more than comes. [Fault.WithStatus] and [Fault.WithBody] give it another answer to cut.
func Truncated() Fault { return Fault{kind: kindTruncated} }

// WrongLength sends the regular answer with a Content-Length of half its body, rounded down, sends all of the body
// and closes the connection: a client that goes by the length has half of the JSON. [Fault.WithStatus] and
// [Fault.WithBody] give it another answer. HTTP/1 only, as [Bytes].
func WrongLength() Fault { return Fault{kind: kindWrongLength} }

// Slow sends the regular answer, waiting for this interval of real time before each byte of the body. [Fault.WithStatus] and
// [Fault.WithBody] give it another answer.
func Slow(interval time.Duration) Fault { return Fault{kind: kindSlow, interval: interval} }

// Reset resets the connection (TCP RST) before a byte is answered. Under HTTP/2 the stream is cut.
func Reset() Fault { return Fault{kind: kindReset} }

// Hang answers nothing until the client leaves, or the emulator is reset or closed.
func Hang() Fault { return Fault{kind: kindHang} }

// Ban answers with the HTML page of a banned address, here with status 403. Page and status are synthetic.
func Ban() Fault { return Fault{kind: kindBan} }

// BanJSON answers as banned addresses have been answered, too: JSON with "punish":"deny". The status of that is not
// known; it is 200 here unless [Fault.WithStatus] says otherwise.
func BanJSON() Fault { return Fault{kind: kindBanJSON} }

// Pass answers regularly: to let a request through between two faults, or to delay it.
func Pass() Fault { return Fault{} }

// Times repeats the fault for n requests in all; n below 1 is 1.
func (f Fault) Times(n int) Fault {
	f.times = max(n, 1) - 1
	return f
}

// Always repeats the fault until [Emulator.ClearFaults].
func (f Fault) Always() Fault {
	f.times = -1
	return f
}

// For keeps the fault for requests of one operation; others pass it by.
func (f Fault) For(operation generated.Operation) Fault {
	f.operation = operation.ID
	return f
}

// WithDelay holds the answer back for d of real time, or until the client leaves.
func (f Fault) WithDelay(d time.Duration) Fault {
	f.delay = d
	return f
}

// WithRetryAfter adds the header Retry-After with this value: seconds, a date, or rubbish.
func (f Fault) WithRetryAfter(value string) Fault { return f.WithHeader("Retry-After", value) }

// WithHeader adds a header to an answer that is an HTTP response; for [Bytes] it is to be among the bytes.
func (f Fault) WithHeader(name, value string) Fault {
	f.header = maps.Clone(f.header)
	if f.header == nil {
		f.header = http.Header{}
	}
	f.header[http.CanonicalHeaderKey(name)] = []string{value}
	return f
}

// WithStatus replaces the HTTP status, for the codes that come with more than one. It must be one that net/http sends,
// 200 to 999.
func (f Fault) WithStatus(status int) Fault {
	f.status = status
	return f
}

// WithMessage replaces the message of a [Code].
func (f Fault) WithMessage(message string) Fault {
	f.message = message
	return f
}

// WithScopes names the permissions that a [Code] says are missing; without arguments the answer names none, as some do.
func (f Fault) WithScopes(scopes ...string) Fault {
	f.scopes = append([]string{}, scopes...)
	return f
}

// WithBody gives [Truncated], [WrongLength] and [Slow] this answer to damage: 200 unless [Fault.WithStatus] says
// otherwise, and without a content type if that is empty.
func (f Fault) WithBody(contentType string, body []byte) Fault {
	f.contentType = &contentType
	return f.withBody(body)
}

func (f Fault) withBody(body []byte) Fault {
	f.body = slices.Clone(body)
	if f.body == nil {
		f.body = []byte{}
	}
	return f
}

// Name is the kind of the fault, one of [FaultKinds]; for [Code] it is the code.
func (f Fault) Name() string {
	switch f.kind {
	case "":
		return kindPass
	case kindCode:
		return string(f.code)
	}
	return f.kind
}

// aboutToken says whether a fault is a code that rejects a token.
func (f *Fault) aboutToken() bool {
	row := generated.LookupErrorCode(string(f.code))
	return f.kind == kindStickyToken || f.kind == kindCode && row != nil && row.Token == generated.TokenDrop
}
