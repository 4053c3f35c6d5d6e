package dingtalktest

import (
	"fmt"
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

// defaultInterval is what [Slow] waits before a byte where data names no interval.
const defaultInterval = 100 * time.Millisecond

// FaultKind describes one kind of fault: what it is called in data, and what may be said about it.
type FaultKind struct {
	Name     string   `json:"name"`     // in the field "fault"
	Does     string   `json:"does"`     // one sentence
	Fields   []string `json:"fields"`   // that it takes beside operation, times, always and delay, which all take
	Required []string `json:"required"` // those of Fields that it needs
	Word     bool     `json:"word"`     // whether the name alone is enough, so that [ParseFault] takes it

	answer func(f *Fault, e *Emulator, c *call) answer
}

// faultFields are the fields that data may give every fault: "operation" keeps it for the operation with this ID,
// "times" and "always" repeat it, "delay" is a duration as [time.ParseDuration] reads it.
var faultFields = []string{"always", "delay", "operation", "times"}

// responseFields are those of every fault that is answered with an HTTP response.
var responseFields = []string{"headers", "retryAfter", "status"}

// bodyFields are those of the answer that some faults send or spoil. Of the two bodies one may be given.
var bodyFields = []string{"body", "bodyBase64", "contentType"}

// faultKinds is the one list of faults: constructors, words and JSON name its rows.
var faultKinds = []FaultKind{
	{
		Name: kindCode, Does: "answers with an error code as the service does; one after which a token is to be dropped revokes the token of the request",
		Fields: fields(responseFields, "code", "message", "scopes"), Required: []string{"code"}, answer: (*Fault).refuse,
	},
	{
		Name: kindStickyToken, Does: "answers InvalidAuthentication; the next token call gives the same token again, which works",
		Fields: fields(responseFields, "message"), Word: true,
		answer: func(f *Fault, e *Emulator, c *call) answer {
			f.code = generated.CodeInvalidAuthentication
			return f.refuse(e, c)
		},
	},
	{
		Name: kindPage, Does: "answers with a page of HTML and a status, as the edge before the gateway does",
		Fields: responseFields, Required: []string{"status"},
		answer: func(f *Fault, _ *Emulator, _ *call) answer { return page(f.status) },
	},
	{
		Name: kindRaw, Does: "answers with a status, content type and body of your own; without a content type none is sent",
		Fields: fields(responseFields, bodyFields...), Required: []string{"status"},
		answer: func(f *Fault, _ *Emulator, _ *call) answer { return f.own() },
	},
	{
		Name: kindTruncated, Does: "sends half of the usual body, or of your own, and closes the connection",
		Fields: fields(responseFields, bodyFields...), Word: true, answer: spoil(truncate),
	},
	{
		Name: kindWrongLength, Does: "sends the usual body, or your own, with half its Content-Length",
		Fields: fields(responseFields, bodyFields...), Word: true, answer: spoil(overrun),
	},
	{
		Name: kindSlow, Does: "sends the usual body, or your own, byte by byte, one in an interval (100ms)",
		Fields: fields(fields(responseFields, bodyFields...), "interval"), Word: true, answer: spoil(trickle),
	},
	{
		Name: kindBytes, Does: "writes bytes of your own to the connection in place of a response, and closes it",
		Fields: []string{"body", "bodyBase64"},
		answer: func(f *Fault, _ *Emulator, _ *call) answer { return answer{act: sendRaw, body: f.body} },
	},
	{
		Name: kindSwitchingProtocols, Does: "answers 101 as the final status, and closes the connection", Word: true,
		answer: func(*Fault, *Emulator, *call) answer {
			return answer{act: sendRaw, body: []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")}
		},
	},
	{
		Name: kindReset, Does: "resets the connection before a byte is answered", Word: true,
		answer: func(*Fault, *Emulator, *call) answer { return answer{act: reset} },
	},
	{
		Name: kindHang, Does: "answers nothing until the client leaves", Word: true,
		answer: func(*Fault, *Emulator, *call) answer { return answer{act: hang} },
	},
	{
		Name: kindBan, Does: "answers with the page of a banned address", Fields: responseFields, Word: true,
		answer: func(*Fault, *Emulator, *call) answer { return banPage() },
	},
	{
		Name: kindBanJSON, Does: `answers with the JSON of a banned address: "punish":"deny"`, Fields: responseFields, Word: true,
		answer: func(*Fault, *Emulator, *call) answer { return banJSON() },
	},
	{
		Name: kindPass, Does: "answers as usual", Fields: responseFields, Word: true,
		answer: func(_ *Fault, e *Emulator, c *call) answer { return e.answer(c) },
	},
}

// FaultKinds returns the kinds of faults that there are, for those who list them. They are not to be changed.
func FaultKinds() []FaultKind { return slices.Clone(faultKinds) }

func kindNamed(name string) *FaultKind {
	if name == "" {
		name = kindPass
	}
	if i := slices.IndexFunc(faultKinds, func(k FaultKind) bool { return k.Name == name }); i >= 0 {
		return &faultKinds[i]
	}
	return nil
}

func fields(some []string, more ...string) []string {
	all := append(slices.Clone(some), more...)
	slices.Sort(all)
	return all
}

// answer is what a fault makes of a request.
func (f Fault) answer(e *Emulator, c *call) answer {
	a := kindNamed(f.kind).answer(&f, e, c)
	for name, values := range f.header {
		if a.header == nil {
			a.header = http.Header{}
		}
		a.header[name] = values
	}
	if f.status != 0 && a.act.responds() {
		a.status = f.status
	}
	return a
}

// aboutToken says whether a fault is a code that rejects a token.
func (f *Fault) aboutToken() bool {
	row := generated.LookupErrorCode(string(f.code))
	return f.kind == kindStickyToken || f.kind == kindCode && row != nil && row.Token == generated.TokenDrop
}

// refuse answers with the fault's code.
func (f *Fault) refuse(_ *Emulator, c *call) answer {
	a := refusal(f.code)
	if c.route != nil {
		a = refusalBy(c.route.Operation.LookupErrorCode(string(f.code)), f.code)
	}
	if f.message != "" {
		a.message = f.message
	}
	if f.scopes != nil {
		a.scopes = f.scopes
	}
	if c.route.legacy() {
		a = a.legacy()
	}
	return a
}

// own is the answer that the fault brings along.
func (f *Fault) own() answer {
	a := answer{status: http.StatusOK, body: f.body, header: http.Header{"Content-Type": nil}} // Otherwise net/http guesses one.
	if f.contentType != nil && *f.contentType != "" {
		a.header["Content-Type"] = []string{*f.contentType}
	}
	return a
}

// spoil gives the answer in earnest, or the fault's own, in a way that is not right.
func spoil(act action) func(*Fault, *Emulator, *call) answer {
	return func(f *Fault, e *Emulator, c *call) answer {
		a := f.own()
		if f.body == nil {
			a = e.answer(c)
		}
		a.act, a.interval = act, f.interval
		return a
	}
}

// page is synthetic: that the edge answers some errors as HTML is documented, its pages are not.
func page(status int) answer {
	return answer{status: status, edge: true, contentType: htmlType, body: fmt.Appendf(nil,
		"<!DOCTYPE html>\n<html><head><title>%d</title></head><body><h1>%d</h1><hr>Tengine</body></html>\n", status, status)}
}
