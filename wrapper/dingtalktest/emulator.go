package dingtalktest

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/hold"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// Emulator stands in for DingTalk's gateway. It is an [http.Handler]; [NewServer] puts it behind a loopback listener,
// and a program may serve it with a server of its own. All methods may be called at any time from any goroutine.
// Nothing that fmt prints of it holds the app secret or a token.
type Emulator struct {
	state     state
	gate      hold.Gate
	configure sync.Mutex // serialises changes of settings
	recording sync.Mutex // the record's times are in its order
	initial   *settings  // what New made, for Reset
}

// New returns an emulator that knows the reference page's chat and accepts [AppKey] and [AppSecret], without limits,
// latency or faults, unless options say otherwise.
func New(opts ...Option) *Emulator {
	e := &Emulator{state: state{tokens: tokens.New()}, initial: defaults()}
	for _, opt := range opts {
		opt(e.initial)
	}
	e.state.begin(e.initial)
	return e
}

// Reset puts the emulator back to its state after [New]: its settings, queue of faults, tokens, groups, messages, record,
// counts and time. Requests that a fault or a latency holds are cut.
func (e *Emulator) Reset() {
	e.configure.Lock()
	defer e.configure.Unlock()
	e.gate.Release()
	e.state.forget()
	e.state.begin(e.initial)
}

// Configure applies options to a running emulator: a permission taken away, a limit lowered, a chat added. Requests
// that have arrived keep the settings that they met. Options that count over time, such as [WithQPS] and
// [WithMonthlyQuota], keep what they have counted.
func (e *Emulator) Configure(opts ...Option) {
	e.configure.Lock()
	defer e.configure.Unlock()
	s := e.state.settings.Load().clone()
	s.faults, s.time = nil, time.Time{} // those were queued and set before
	for _, opt := range opts {
		opt(s)
	}
	e.state.begin(s)
}

// Close ends the requests that are waiting on [WithLatency], [Fault.WithDelay] or [Hang] by cutting their connections,
// and those that would wait from now on. Everything else goes on: a program that serves an emulator itself calls Close
// before [http.Server.Shutdown]. It may be called more than once.
func (e *Emulator) Close() { e.gate.Close() }

// ServeHTTP answers one request as the gateway would, or as the next queued [Fault] says.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := e.state.settings.Load()
	held := e.gate.Channel()
	x := &exchange{Call: call.New(s.routes, r, e.state.now(s)), settings: s}
	e.state.record.arrived(x.OperationID())

	a := answer.Answer{Action: answer.Abort}
	if received, complete := call.Receive(w, r, s.bodyTime); complete {
		x.Request = received
		a = e.state.decide(x)
		if delay := s.latency + x.fault.delay; delay > 0 && !hold.Sleep(r.Context(), held, delay) {
			a = answer.Answer{Action: answer.Abort}
		}
	}
	// Recorded before the first byte leaves, so that a client that has its answer finds its request on record.
	entry := e.record(x, a)
	if s.observe != nil {
		s.observe(entry)
	}
	a.Send(w, x.Request, held)
}

// record returns the entry without its header.
func (e *Emulator) record(x *exchange, a answer.Answer) Request {
	var fault string
	if x.faulty {
		fault = x.fault.Name()
	}
	var header http.Header
	if x.settings.recordSize > 0 {
		header = redact(x.Request.Header)
	}
	entry := newRequest(&x.Call, a, fault)
	e.recording.Lock()
	defer e.recording.Unlock()
	entry.Time = e.state.now(x.settings)
	return e.state.record.add(entry, header)
}

// String says how much the emulator holds, and nothing of its secrets.
func (e *Emulator) String() string {
	return fmt.Sprintf("dingtalktest.Emulator(chats: %d, requests: %d, queued faults: %d)",
		len(e.state.settings.Load().chats), e.state.record.total(), e.state.faults.queued.Load())
}

// GoString is the same as String.
func (e *Emulator) GoString() string { return e.String() }

// Format prints String whatever the verb.
func (e *Emulator) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, e.String()) }
