package dingtalktest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// FaultKind describes one kind of fault.
type FaultKind struct {
	Name     string   `json:"name"`     // in the field fault
	Does     string   `json:"does"`     // in one sentence
	Fields   []string `json:"fields"`   // the fields that it takes in addition to those that say which requests it is for, and delay
	Required []string `json:"required"` // the fields that it needs
	Word     bool     `json:"word"`     // whether the name alone is enough: it needs no field

	answer func(f *Fault, c *call.Call, regular answerer) answer.Answer
}

// answerer makes the regular answer, which a request without a fault gets.
type answerer func() answer.Answer

// commonFields are those that every kind takes.
var commonFields = []string{"fault", "operation", "chatId", "appKey", "requestHeaders", "reused", "times", "always", "delay"}

// The fields of a fault that is answered with an HTTP response, and of one with a body of its own.
var (
	responseFields = []string{"headers", "retryAfter", "status"}
	bodyFields     = []string{"body", "bodyBase64", "contentType", "headers", "retryAfter", "status"}
)

// faultKinds is the one list of faults: constructors, words and JSON name its rows.
var faultKinds = []FaultKind{
	{Name: kindCode, Does: "answers with an error code as the service does; one after which a token is to be dropped revokes the token of the request",
		Fields: append([]string{"code", "message", "scopes"}, responseFields...), Required: []string{"code"}, answer: (*Fault).refuse},
	{Name: kindStickyToken, Does: "answers InvalidAuthentication; the next token call returns the same token again, which works",
		Fields: append([]string{"message"}, responseFields...), answer: func(f *Fault, c *call.Call, regular answerer) answer.Answer {
			f.Code = generated.CodeInvalidAuthentication
			return f.refuse(c, regular)
		}},
	{Name: kindPage, Does: "answers with a page of HTML and a status, as the edge before the gateway does", Fields: responseFields,
		Required: []string{"status"}, answer: func(f *Fault, _ *call.Call, _ answerer) answer.Answer { return answer.Page(f.Status) }},
	{Name: "raw", Does: "answers with a status, content type and body of your own, also at a path that no operation has", Fields: bodyFields,
		Required: []string{"status"}, answer: func(f *Fault, _ *call.Call, _ answerer) answer.Answer { return f.own() }},
	{Name: "truncated", Does: "sends the first half of the regular body, or of your own, with the Content-Length of the whole, and closes the connection",
		Fields: bodyFields, answer: damage(answer.Truncate)},
	{Name: "wrong-length", Does: "sends the regular body, or your own, with half its Content-Length: a client that goes by it has half of the JSON",
		Fields: bodyFields, answer: damage(answer.Overrun)},
	{Name: "slow", Does: "sends the regular body, or your own, byte by byte, one in an interval (100ms)",
		Fields: append([]string{"interval"}, bodyFields...), answer: damage(answer.Trickle)},
	{Name: "bytes", Does: "writes bytes of your own to the connection in place of a response, and closes it", Fields: []string{"body", "bodyBase64"},
		answer: func(f *Fault, _ *call.Call, _ answerer) answer.Answer { return answer.Bytes(f.body()) }},
	{Name: "switching-protocols", Does: "answers 101 as the final status, and closes the connection",
		answer: always(answer.Bytes([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")))},
	{Name: "reset", Does: "resets the connection before a byte is answered, and does not process the request", answer: always(answer.Answer{Action: answer.Reset})},
	{Name: "lost", Does: "processes the request, and closes the connection before a byte is answered", answer: func(_ *Fault, _ *call.Call, regular answerer) answer.Answer {
		regular()
		return answer.Answer{Action: answer.Abort}
	}},
	{Name: "hang", Does: "answers nothing until the client leaves", answer: always(answer.Answer{Action: answer.Hang})},
	{Name: "ban", Does: "answers with the page of a banned address", Fields: responseFields, answer: always(answer.BanPage())},
	{Name: "ban-json", Does: `answers with the JSON of a banned address: "punish":"deny"; its real status is not known`, Fields: responseFields,
		answer: func(*Fault, *call.Call, answerer) answer.Answer { return answer.BanJSON() }},
	{Name: kindBusinessFailure, Does: `answers like a success that says that it failed, such as "success":false; for operations with x-success`,
		Fields: responseFields, answer: func(_ *Fault, c *call.Call, _ answerer) answer.Answer {
			return answer.JSON(cmp.Or(c.Route.Operation.Status, http.StatusOK), unsuccessful(c.Route))
		}},
	{Name: kindPass, Does: "answers as usual", Fields: responseFields, answer: func(_ *Fault, _ *call.Call, regular answerer) answer.Answer { return regular() }},
}

func always(a answer.Answer) func(*Fault, *call.Call, answerer) answer.Answer {
	return func(*Fault, *call.Call, answerer) answer.Answer { return a }
}

// FaultKinds lists the faults.
func FaultKinds() []FaultKind {
	list := slices.Clone(faultKinds)
	for i := range list {
		k := &list[i]
		k.Fields, k.Required, k.Word = append([]string{}, k.Fields...), append([]string{}, k.Required...), len(k.Required) == 0
	}
	return list
}

func kindNamed(name FaultName) *FaultKind {
	if i := slices.IndexFunc(faultKinds, func(k FaultKind) bool { return k.Name == cmp.Or(string(name), kindPass) }); i >= 0 {
		return &faultKinds[i]
	}
	return nil
}

// answer returns a fault's answer to a request.
func (f Fault) answer(c *call.Call, regular answerer) answer.Answer {
	a := kindNamed(f.Kind).answer(&f, c, regular)
	if a.Header == nil {
		a.Header = http.Header{}
	}
	for name, value := range f.Headers {
		a.Header.Set(name, value)
	}
	if f.RetryAfter != "" {
		a.Header.Set("Retry-After", f.RetryAfter)
	}
	if f.Status != 0 && a.Action.Responds() {
		a.Status = f.Status
	}
	return a
}

// refuse answers with the fault's code.
func (f *Fault) refuse(c *call.Call, _ answerer) answer.Answer {
	a := answer.Refusal(c.Route.Operation, f.Code)
	a.Message = cmp.Or(f.Message, a.Message)
	if f.Scopes != nil {
		a.Scopes = f.Scopes
	}
	if c.Route.Legacy() {
		a = a.Legacy()
	}
	return a
}

func (f *Fault) body() []byte {
	if f.BodyBase64 != nil {
		return f.BodyBase64
	}
	return []byte(f.Body)
}

// own is the answer that is in the fault.
func (f *Fault) own() answer.Answer {
	a := answer.Answer{Status: http.StatusOK, Body: f.body(), Header: http.Header{"Content-Type": nil}} // Otherwise net/http guesses one.
	if f.ContentType != "" {
		a.Header["Content-Type"] = []string{f.ContentType}
	}
	return a
}

// damage damages the regular answer, or the fault's own.
func damage(action answer.Action) func(*Fault, *call.Call, answerer) answer.Answer {
	return func(f *Fault, _ *call.Call, regular answerer) answer.Answer {
		a := f.own()
		if len(a.Body) == 0 {
			a = regular()
		}
		a.Action, a.Interval = action, cmp.Or(time.Duration(f.Interval), 100*time.Millisecond)
		return a
	}
}

// unsuccessful is an operation's example with other values in the fields that tell its success.
func unsuccessful(r *call.Route) []byte {
	body := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(r.Example), &body) // Without an example there are these fields alone.
	for _, field := range r.Operation.Success {
		value := field.Value
		switch {
		case value == "true":
			value = "false"
		case value == "false":
			value = "true"
		case json.Valid([]byte(value)):
			value = "-1"
		default:
			value = `"failed"`
		}
		body[field.Name] = json.RawMessage(value)
	}
	return data.Encode(body)
}

// maxFaultBody bounds a body, in bytes.
const maxFaultBody = 1 << 20

// ParseFault reads a fault from a word: what it does, and after a colon how many requests it is for, a number or "always". What
// it does is an error code in any of its spellings or the name of its Go constant without "Code", an HTTP
// status from 400 to 599 for a [Page], or the name of one of [FaultKinds] that needs nothing more.
func ParseFault(word string) (Fault, error) {
	what, times, counted := strings.Cut(word, ":")
	f := Fault{Kind: FaultName(what)}
	if !f.named() {
		return Fault{}, &UnknownFaultError{Name: what}
	}
	if f.Forever = times == "always"; counted && !f.Forever {
		var err error
		if f.Requests, err = strconv.Atoi(times); err != nil || f.Requests < 1 {
			return Fault{}, errors.New("after the colon comes a number from 1, or always")
		}
	}
	return f, f.check()
}

// UnknownFaultError reports that no fault has a name.
type UnknownFaultError struct{ Name string }

// Error quotes the name.
func (e *UnknownFaultError) Error() string {
	names := make([]string, len(faultKinds))
	for i, k := range faultKinds {
		names[i] = k.Name
	}
	return fmt.Sprintf("there is no fault %s: it is an error code, an HTTP status from 400 to 599, or one of %s", strconv.Quote(e.Name), strings.Join(names, ", "))
}

// named puts a kind in the place of a code or a status that stands for one, and reports whether it knows the name.
func (f *Fault) named() bool {
	name := string(f.Kind)
	if f.Kind != "" && kindNamed(f.Kind) != nil {
		return true
	}
	if i := slices.IndexFunc(generated.ErrorCodes, func(row generated.ErrorCode) bool { return row.Name == name }); i >= 0 {
		f.Kind, f.Code = kindCode, generated.ErrorCodes[i].Code
		return true
	}
	if row := generated.LookupErrorCode(name); row != nil {
		f.Kind, f.Code = kindCode, row.Code
		if slices.Contains(row.Aliases, name) {
			f.Code = generated.Code(name)
		}
		return true
	}
	if status, err := strconv.Atoi(name); err == nil && status >= 400 && status <= 599 {
		if f.Kind = kindPage; f.Status == 0 {
			f.Status = status
		}
		return true
	}
	return false
}

// UnmarshalJSON reads a text, or a number that is a status, as [ParseFault] does, or an object with the fields of [Fault], of
// which its kind takes some.
func (f *Fault) UnmarshalJSON(raw []byte) error {
	var word FaultName
	if raw[0] != '{' {
		if err := data.Decode(raw, &word); err != nil {
			return err
		}
		fault, err := ParseFault(string(word))
		*f = fault
		return err
	}
	type plain Fault
	var read plain
	if err := data.Decode(raw, &read); err != nil {
		return err
	}
	fault, code := Fault(read), read.Code
	switch fault.Code = ""; {
	case !fault.named():
		return &UnknownFaultError{Name: string(fault.Kind)}
	case fault.Code != "" && code != "":
		return fmt.Errorf("fault %s takes no code in addition to its name", read.Kind)
	case code != "":
		fault.Code = code
	}
	*f = fault
	return fault.check()
}

// check compares the fault with the row of its kind.
func (f *Fault) check() error {
	k := kindNamed(f.Kind)
	if k == nil {
		return &UnknownFaultError{Name: string(f.Kind)}
	}
	var given map[string]json.RawMessage
	must(json.Unmarshal(data.Encode(f), &given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(commonFields, name) && !slices.Contains(k.Fields, name) {
			return fmt.Errorf("fault %s takes no %s", k.Name, name)
		}
	}
	for _, name := range k.Required {
		if given[name] == nil {
			return fmt.Errorf("fault %s needs %s", k.Name, name)
		}
	}
	switch {
	case f.Requests != 0 && f.Forever:
		return errors.New("give times or always, not both")
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return fmt.Errorf("status %d is not from 200 to 999", f.Status)
	case f.Body != "" && f.BodyBase64 != nil:
		return errors.New("give body or bodyBase64, not both")
	case len(f.body()) > maxFaultBody:
		return fmt.Errorf("a body has at most %d bytes", maxFaultBody)
	case !isFieldValue(f.ContentType):
		return errors.New("contentType cannot be sent as it is")
	case !isFieldValue(f.RetryAfter):
		return errors.New("retryAfter cannot be sent as it is")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		if !isToken(name) || !isFieldValue(f.Headers[name]) {
			return fmt.Errorf("header %q: neither this name nor this value can be sent as it is", name)
		}
	}
	return nil
}

// isToken reports whether a header may have this name (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && strings.Trim(text, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" &&
		!slices.Contains([]string{"Content-Length", "Transfer-Encoding"}, http.CanonicalHeaderKey(text))
}

// isFieldValue reports whether net/http sends a text as a header's value.
func isFieldValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) && strings.TrimSpace(text) == text
}

// must is for what a test has wrong.
func must(err error) {
	if err != nil {
		panic("dingtalktest: " + err.Error())
	}
}
