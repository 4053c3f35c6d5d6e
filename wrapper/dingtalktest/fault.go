package dingtalktest

import (
	"cmp"
	"encoding/json"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// Fault replaces the regular answer to a request. Queue it with [Emulator.FailNext]. It is data: a struct in Go, and in JSON an
// object or a word (see [ParseFault]). A constructor fills in what its kind needs, and a method returns a changed copy:
//
//	dingtalktest.Code(generated.CodeServiceBusy).For(generated.OperationGetAccessToken).Times(2)
//	dingtalktest.Fault{Kind: "code", Code: "serviceBusy", Operation: "getAccessToken", Requests: 2}
//
// [FaultKinds] lists the kinds and the fields that each takes. The zero Fault is [Pass].
type Fault struct {
	Kind FaultName `json:"fault" required:"true"` // a name from GET /fault-kinds, an error code in any of its spellings, or an HTTP status from 400 to 599

	// Which requests it is for: those that match all that is given.

	Operation      string            `json:"operation,omitempty" max:"1000"`           // the ID of an operation; absent: any request
	ChatID         string            `json:"chatId,omitempty" max:"1000"`              // the chat id in path, query or body, or of the openConversationId in the body
	AppKey         string            `json:"appKey,omitempty" max:"1000"`              // the app that asks for a token, or whose token the request carries
	RequestHeaders map[string]string `json:"requestHeaders,omitempty"`                 // headers of the request with their values
	Reused         bool              `json:"reused,omitempty"`                         // only a request on a connection that carried another one before
	Requests       int               `json:"times,omitempty" min:"1" max:"1000000000"` // how many requests it is for; absent: one
	Forever        bool              `json:"always,omitempty"`                         // for every such request until the faults are cleared

	// What the answer is.

	Delay       Duration          `json:"delay,omitempty"`                      // the time before the answer
	Code        generated.Code    `json:"code,omitempty"`                       // the error code
	Status      int               `json:"status,omitempty" min:"200" max:"999"` // the HTTP status
	Message     string            `json:"message,omitempty"`                    // the error's message
	Scopes      []string          `json:"scopes,omitzero"`                      // the permissions that the answer says are missing; empty: it names none
	Headers     map[string]string `json:"headers,omitempty"`                    // headers of the answer
	RetryAfter  string            `json:"retryAfter,omitempty"`                 // the header Retry-After: seconds, a date, or nonsense
	ContentType string            `json:"contentType,omitempty"`                // absent: none is sent with a body of your own
	Body        string            `json:"body,omitempty" max:"1048576"`         // a body of your own
	BodyBase64  []byte            `json:"bodyBase64,omitempty"`                 // the same, for bytes that are no text
	Interval    Duration          `json:"interval,omitempty"`                   // the time before each byte
}

// The kinds that code of this package names.
const (
	kindPass            = "pass"
	kindCode            = "code"
	kindStickyToken     = "sticky-token"
	kindPage            = "page"
	kindBusinessFailure = "business-failure"
)

// FaultName is the name of a fault's kind.
type FaultName string

// UnmarshalJSON reads a text, or a number, which is a status.
func (n *FaultName) UnmarshalJSON(raw []byte) error {
	var number json.Number
	if raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		*n = FaultName(number)
		return nil
	}
	return data.Decode(raw, (*string)(n))
}

// Duration is a time that JSON has as a text such as 50ms, of up to 8760h.
type Duration time.Duration

// MarshalText is the time as [time.ParseDuration] reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a time such as 50ms.
func (d *Duration) UnmarshalText(text []byte) error {
	read, err := data.Duration(string(text))
	*d = Duration(read)
	return err
}

// Code answers with an error code: with status and message of its row in [generated.ErrorCodes], any of the row's
// spellings being sent as it is given. A code without a row is answered with status 400 and itself as the message.
// Bodies of codes that were never observed are synthetic.
//
// A code after which a caller should drop its token, such as [generated.CodeInvalidAuthentication], revokes the token of the
// request, so that the next token call returns another. So does any other fault that answers with such a code or with
// status 401. [StickyToken] is the case in which the token call returns the same one again.
func Code(code generated.Code) Fault { return Fault{Kind: kindCode, Code: code} }

// StickyToken answers InvalidAuthentication and leaves the token as it was, so that the next token call returns the same
// one again, which then works. The service may do that; a caller must not loop. In [Settings].StickyToken is the case in which
// the returned token stays rejected.
func StickyToken() Fault { return Fault{Kind: kindStickyToken} }

// Raw answers with this status, from 200 to 999, this content type and this body, whatever the contract says. An empty content
// type is not sent.
func Raw(status int, contentType string, body []byte) Fault {
	return Fault{Kind: "raw", Status: status, ContentType: contentType}.withBody(body)
}

// Page answers with a page of HTML and this status, from 200 to 999, as the edge before the gateway does. The page is synthetic.
func Page(status int) Fault { return Fault{Kind: kindPage, Status: status} }

// Bytes writes raw to the bare connection in place of an HTTP response, and closes it: a torn header, a body shorter
// than its Content-Length, broken chunks. A whole response should say "Connection: close", or the client may send its
// next request on the connection that is about to end. HTTP/1 only; over HTTP/2 the stream is reset. Whatever the bytes
// say, the request's token stays valid.
func Bytes(raw []byte) Fault { return Fault{Kind: "bytes"}.withBody(raw) }

// Reset resets the connection (TCP RST) before a byte is answered, and does not process the request. Over HTTP/2 the stream is
// reset (INTERNAL_ERROR) and the connection stays. HTTP libraries repeat such a request by themselves if the connection carried
// another one before: Reused in the Fault waits for one of those.
func Reset() Fault { return Fault{Kind: "reset"} }

// Lost processes the request, so that a message is sent and a group created, and closes the connection before a byte is
// answered. Over HTTP/2 the stream is reset. A caller that repeats the request does it twice.
func Lost() Fault { return Fault{Kind: "lost"} }

// Hang answers nothing until the client leaves, or the emulator is reset or closed.
func Hang() Fault { return Fault{Kind: "hang"} }

// Pass answers regularly: to let a request through between two faults, or to delay it.
func Pass() Fault { return Fault{Kind: kindPass} }

// Times repeats the fault for n requests in all; n below 1 is 1.
func (f Fault) Times(n int) Fault { f.Requests = max(n, 1); return f }

// Always repeats the fault until [Emulator.ClearFaults].
func (f Fault) Always() Fault { f.Forever = true; return f }

// For keeps the fault for requests of one operation; other requests do not meet it.
func (f Fault) For(operation generated.Operation) Fault { f.Operation = operation.ID; return f }

// WithDelay delays the answer by d of real time, or until the client leaves.
func (f Fault) WithDelay(d time.Duration) Fault { f.Delay = Duration(d); return f }

// WithHeader adds a header to an answer that is an HTTP response; for [Bytes] write it among the bytes.
func (f Fault) WithHeader(name, value string) Fault {
	f.Headers = maps.Clone(f.Headers)
	if f.Headers == nil {
		f.Headers = map[string]string{}
	}
	f.Headers[name] = value
	return f
}

func (f Fault) withBody(body []byte) Fault {
	if utf8.Valid(body) {
		f.Body = string(body)
	} else {
		f.BodyBase64 = body
	}
	return f
}

// Name is the kind of the fault; for [Code] it is the code.
func (f Fault) Name() string {
	if f.Kind == kindCode {
		return string(f.Code)
	}
	return cmp.Or(string(f.Kind), kindPass)
}
