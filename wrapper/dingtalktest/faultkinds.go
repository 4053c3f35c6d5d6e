package dingtalktest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
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

// The queue is bounded in faults and in what they hold, in bytes of JSON.
const (
	maxFaults     = 10_000
	maxFaultBytes = 8 << 20
)

// faultQueue holds the faults that are still to happen.
type faultQueue struct {
	mu    sync.Mutex
	queue []Fault
	bytes int
}

// size is how many bytes of the queue's a fault takes, however often it is for a request.
func (f Fault) size() int {
	f.Requests = 0
	return len(data.Encode(f))
}

// add queues all of the faults or none: not one that no request could meet, or that is none.
func (q *faultQueue) add(set *setup, faults []Fault) error {
	bytes := 0
	for _, f := range faults {
		if err := f.check(); err != nil {
			return err
		}
		if f.Operation != "" && !slices.ContainsFunc(set.routes, func(r *call.Route) bool { return r.Operation.ID == f.Operation }) {
			return fmt.Errorf("fault %s: there is no operation %s", f.Name(), strconv.Quote(f.Operation))
		}
		bytes += f.size()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue)+len(faults) > maxFaults || q.bytes+bytes > maxFaultBytes {
		return fmt.Errorf("at most %d faults of %d bytes can be queued: use times, or always", maxFaults, maxFaultBytes)
	}
	q.queue, q.bytes = append(q.queue, faults...), q.bytes+bytes
	return nil
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue, q.bytes = nil, 0
}

func (q *faultQueue) list() []Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Fault{}, q.queue...)
}

// take removes the first fault that a request meets from the queue.
func (q *faultQueue) take(meets func(*Fault) bool) (f Fault, found bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.queue {
		f := &q.queue[i]
		if !meets(f) {
			continue
		}
		taken := *f
		switch {
		case f.Requests > 1:
			f.Requests--
		case !f.Forever:
			q.bytes -= f.size()
			q.queue = slices.Delete(q.queue, i, i+1)
		}
		return taken, true
	}
	return Fault{}, false
}
