package dingtalktest

import (
	"net/http"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// defaultInterval is the wait of [Slow] before each byte unless data names another.
const defaultInterval = 100 * time.Millisecond

// FaultKind describes one kind of fault: what it is called in data, and what may be said about it.
type FaultKind struct {
	Name     string   `json:"name"`     // in the field "fault"
	Does     string   `json:"does"`     // one sentence
	Fields   []string `json:"fields"`   // that it takes beside operation, times, always and delay, which all take
	Required []string `json:"required"` // those of Fields that it needs
	Word     bool     `json:"word"`     // whether the name alone is enough, so that [ParseFault] takes it

	answer func(f *Fault, c *call.Call, regular answerer) answer.Answer
}

// answerer makes the regular answer, which a request without a fault gets.
type answerer func() answer.Answer

// faultFields are the fields that data may give every fault: "operation" keeps it for the operation with this ID,
// "times" and "always" repeat it, "delay" is a duration as [time.ParseDuration] reads it.
var faultFields = []string{"always", "delay", "operation", "times"}

// responseFields are those of every fault that is answered with an HTTP response.
var responseFields = []string{"headers", "retryAfter", "status"}

// bodyFields are those of the answer that some faults send or damage. Of the two bodies one may be given.
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
		answer: func(f *Fault, c *call.Call, regular answerer) answer.Answer {
			f.code = generated.CodeInvalidAuthentication
			return f.refuse(c, regular)
		},
	},
	{
		Name: kindPage, Does: "answers with a page of HTML and a status, as the edge before the gateway does",
		Fields: responseFields, Required: []string{"status"},
		answer: func(f *Fault, _ *call.Call, _ answerer) answer.Answer { return answer.Page(f.status) },
	},
	{
		Name: kindRaw, Does: "answers with a status, content type and body of your own; without a content type none is sent",
		Fields: fields(responseFields, bodyFields...), Required: []string{"status"},
		answer: func(f *Fault, _ *call.Call, _ answerer) answer.Answer { return f.own() },
	},
	{
		Name: kindTruncated, Does: "sends half of the usual body, or of your own, and closes the connection",
		Fields: fields(responseFields, bodyFields...), Word: true, answer: damage(answer.Truncate),
	},
	{
		Name: kindWrongLength, Does: "sends the usual body, or your own, with half its Content-Length",
		Fields: fields(responseFields, bodyFields...), Word: true, answer: damage(answer.Overrun),
	},
	{
		Name: kindSlow, Does: "sends the usual body, or your own, byte by byte, one in an interval (100ms)",
		Fields: fields(fields(responseFields, bodyFields...), "interval"), Word: true, answer: damage(answer.Trickle),
	},
	{
		Name: kindBytes, Does: "writes bytes of your own to the connection in place of a response, and closes it",
		Fields: []string{"body", "bodyBase64"},
		answer: func(f *Fault, _ *call.Call, _ answerer) answer.Answer {
			return answer.Answer{Action: answer.Raw, Body: f.body}
		},
	},
	{
		Name: kindSwitchingProtocols, Does: "answers 101 as the final status, and closes the connection", Word: true,
		answer: func(*Fault, *call.Call, answerer) answer.Answer {
			return answer.Answer{Action: answer.Raw, Body: []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")}
		},
	},
	{
		Name: kindReset, Does: "resets the connection before a byte is answered", Word: true,
		answer: func(*Fault, *call.Call, answerer) answer.Answer { return answer.Answer{Action: answer.Reset} },
	},
	{
		Name: kindHang, Does: "answers nothing until the client leaves", Word: true,
		answer: func(*Fault, *call.Call, answerer) answer.Answer { return answer.Answer{Action: answer.Hang} },
	},
	{
		Name: kindBan, Does: "answers with the page of a banned address", Fields: responseFields, Word: true,
		answer: func(*Fault, *call.Call, answerer) answer.Answer { return answer.BanPage() },
	},
	{
		Name: kindBanJSON, Does: `answers with the JSON of a banned address: "punish":"deny"`, Fields: responseFields, Word: true,
		answer: func(*Fault, *call.Call, answerer) answer.Answer { return answer.BanJSON() },
	},
	{
		Name: kindPass, Does: "answers as usual", Fields: responseFields, Word: true,
		answer: func(_ *Fault, _ *call.Call, regular answerer) answer.Answer { return regular() },
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

// answer returns a fault's answer to a request.
func (f Fault) answer(c *call.Call, regular answerer) answer.Answer {
	a := kindNamed(f.kind).answer(&f, c, regular)
	for name, values := range f.header {
		if a.Header == nil {
			a.Header = http.Header{}
		}
		a.Header[name] = values
	}
	if f.status != 0 && a.Action.Responds() {
		a.Status = f.status
	}
	return a
}

// refuse answers with the fault's code.
func (f *Fault) refuse(c *call.Call, _ answerer) answer.Answer {
	a := answer.Refusal(c.Operation(), f.code)
	if f.message != "" {
		a.Message = f.message
	}
	if f.scopes != nil {
		a.Scopes = f.scopes
	}
	if c.Route.Legacy() {
		a = a.Legacy()
	}
	return a
}

// own is the answer that the fault brings along.
func (f *Fault) own() answer.Answer {
	a := answer.Answer{Status: http.StatusOK, Body: f.body, Header: http.Header{"Content-Type": nil}} // Otherwise net/http guesses one.
	if f.contentType != nil && *f.contentType != "" {
		a.Header["Content-Type"] = []string{*f.contentType}
	}
	return a
}

// damage damages the regular answer, or the fault's own.
func damage(action answer.Action) func(*Fault, *call.Call, answerer) answer.Answer {
	return func(f *Fault, _ *call.Call, regular answerer) answer.Answer {
		a := f.own()
		if f.body == nil {
			a = regular()
		}
		a.Action, a.Interval = action, f.interval
		return a
	}
}
