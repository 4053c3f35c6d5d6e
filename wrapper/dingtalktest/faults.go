package dingtalktest

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Fault is something to do to a request instead of answering it in earnest. A constructor says what, methods say to
// which requests and with what details; each method returns a changed copy. Queue faults with [Emulator.FailNext]. The
// zero Fault is [Pass].
type Fault struct {
	kind      faultKind
	code      generated.Code
	status    int
	message   string
	scopes    []string
	header    http.Header
	body      []byte
	delay     time.Duration
	times     int // more than the first; negative: always
	operation string
}

type faultKind int

const (
	passFault faultKind = iota
	codeFault
	rawFault
	bytesFault
	resetFault
	hangFault
	banFault
	banJSONFault
)

// Code answers with an error code: with status and message of its row in [generated.ErrorCodes], any of the row's
// spellings being sent as it is given. A code without a row is answered with status 400 and itself for a message.
// Bodies of codes that no live answer was seen of are synthetic.
func Code(code generated.Code) Fault { return Fault{kind: codeFault, code: code} }

// Raw answers with this status, content type and body, whatever the contract says. None is sent if the
// content type is empty. The status must be one that net/http sends, 200 to 999.
func Raw(status int, contentType string, body []byte) Fault {
	f := Fault{kind: rawFault, status: status, body: slices.Clone(body), header: http.Header{"Content-Type": {contentType}}}
	if contentType == "" {
		f.header["Content-Type"] = nil // Otherwise net/http guesses one.
	}
	return f
}

// Bytes writes raw to the bare connection in place of an HTTP response, and closes it: a torn header, a body shorter
// than its Content-Length, broken chunks. A whole response should say "Connection: close", or the client may send its
// next request on the connection that is about to end. HTTP/1 only; under HTTP/2 the stream is cut.
func Bytes(raw []byte) Fault { return Fault{kind: bytesFault, body: slices.Clone(raw)} }

// Reset resets the connection (TCP RST) before a byte is answered. Under HTTP/2 the stream is cut.
func Reset() Fault { return Fault{kind: resetFault} }

// Hang answers nothing until the client leaves or the emulator is closed.
func Hang() Fault { return Fault{kind: hangFault} }

// Ban answers with the HTML page of a banned address, here with status 403. Page and status are synthetic.
func Ban() Fault { return Fault{kind: banFault} }

// BanJSON answers as banned addresses have been answered, too: JSON with "punish":"deny". The status of that is not
// known; it is 200 here unless [Fault.WithStatus] says otherwise.
func BanJSON() Fault { return Fault{kind: banJSONFault} }

// Pass answers in earnest: to let a request through between two faults, or to delay it.
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

// answer is what a fault other than Pass makes of a request.
func (f Fault) answer(r *route) answer {
	switch f.kind {
	case codeFault:
		a := refusal(f.code)
		if r != nil {
			a = refusalBy(r.Operation.LookupErrorCode(string(f.code)), f.code)
		}
		if f.message != "" {
			a.message = f.message
		}
		if f.scopes != nil {
			a.scopes = f.scopes
		}
		return a
	case rawFault:
		return answer{status: f.status, body: f.body}
	case bytesFault:
		return answer{act: sendRaw, body: f.body}
	case resetFault:
		return answer{act: reset}
	case hangFault:
		return answer{act: hang}
	case banJSONFault:
		return banJSON()
	default:
		return banPage()
	}
}

// decorate applies the details that any answer may have.
func (a *answer) decorate(f Fault) {
	a.header = f.header
	if f.status != 0 && a.act == respond {
		a.status = f.status
	}
}

// faults is the queue.
type faults struct {
	mu     sync.Mutex
	queue  []Fault
	queued atomic.Int64 // len(queue), so that a request that finds none takes no lock
}

// FailNext queues faults. Each request takes the first that is meant for its operation, so that they apply in order;
// a request that finds none is answered in earnest. A fault that is not bound to an operation by [Fault.For] also
// applies to requests that match none.
func (e *Emulator) FailNext(queue ...Fault) {
	q := &e.faults
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, queue...)
	q.queued.Store(int64(len(q.queue)))
}

// ClearFaults empties the queue. Requests that a fault holds already are not let go: [Emulator.Close] does that.
func (e *Emulator) ClearFaults() {
	q := &e.faults
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = nil
	q.queued.Store(0)
}

// Pending returns how many faults are queued, each counted once however often it is to be repeated.
func (e *Emulator) Pending() int { return int(e.faults.queued.Load()) }

// take removes the fault for a request of this operation from the queue.
func (q *faults) take(operation string) (Fault, bool) {
	if q.queued.Load() == 0 {
		return Fault{}, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.queue {
		f := &q.queue[i]
		if f.operation != "" && f.operation != operation {
			continue
		}
		taken := *f
		switch {
		case f.times > 0:
			f.times--
		case f.times == 0:
			q.queue = slices.Delete(q.queue, i, i+1)
			q.queued.Store(int64(len(q.queue)))
		}
		return taken, true
	}
	return Fault{}, false
}
