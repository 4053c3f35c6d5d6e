package dingtalktest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/hold"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// Emulator stands in for DingTalk's gateway. It is an [http.Handler]; [NewServer] puts it behind a loopback listener,
// and a program may serve it with a server of its own, which should have [ConnContext]. All methods may be called at any time
// from any goroutine. Nothing that fmt prints of it holds the app secret or a token.
type Emulator struct {
	state     state
	gate      hold.Gate
	configure sync.Mutex // serialises changes of settings
	recording sync.Mutex // the record's times are in its order
	initial   *Settings  // of New, for Reset; behind a pointer, so that printing a copy of the struct shows an address
}

// New returns an emulator that knows the reference page's chat and accepts [AppKey] and [AppSecret], without limits,
// latency or faults, unless options change that. It panics if the settings are wrong: if they describe one group twice, or
// queue a fault that does not exist.
func New(opts ...Option) *Emulator {
	settings := defaults()
	for _, opt := range opts {
		opt(&settings)
	}
	e := &Emulator{state: state{tokens: tokens.New()}, initial: &settings}
	must(e.state.begin(e.initial.clone()))
	return e
}

// must is for what a test has wrong.
func must(err error) {
	if err != nil {
		panic("dingtalktest: " + err.Error())
	}
}

// Reset puts the emulator back to its state after [New]: its settings, queue of faults, tokens, groups, messages, record,
// counts and time. Requests that a fault or a latency holds are cut.
func (e *Emulator) Reset() {
	e.configure.Lock()
	defer e.configure.Unlock()
	e.gate.Release()
	e.state.forget()
	must(e.state.begin(e.initial.clone()))
}

// Configure applies options to a running emulator: a permission taken away, a limit lowered, a chat added. Requests
// that have arrived keep the settings that they met. Limits that were counted against keep their counts. It panics as [New] does.
func (e *Emulator) Configure(opts ...Option) {
	must(e.change(func(s *Settings) error {
		for _, opt := range opts {
			opt(s)
		}
		return nil
	}))
}

// ConfigureJSON changes the settings that a JSON object names, as [Settings.UnmarshalJSON] does. If one is wrong, nothing is
// changed.
func (e *Emulator) ConfigureJSON(raw []byte) error {
	return e.change(func(s *Settings) error { return data.Decode(raw, s) })
}

func (e *Emulator) change(settings func(*Settings) error) error {
	e.configure.Lock()
	defer e.configure.Unlock()
	s := e.state.setup.Load().clone()
	s.Faults, s.Time = nil, nil // they took effect before
	if err := settings(&s); err != nil {
		return err
	}
	return e.state.begin(s)
}

// Settings returns the settings without secrets: AppKeys lists the keys of the credentials.
func (e *Emulator) Settings() Settings { return e.state.setup.Load().shown() }

// Close ends the requests that are waiting on a latency, a delay or [Hang] by closing their connections, and those that would
// wait from now on. Everything else goes on: a program that serves an emulator itself calls Close
// before [http.Server.Shutdown]. It may be called more than once.
func (e *Emulator) Close() { e.gate.Close() }

// ServeHTTP answers one request as the gateway would, or as the next queued [Fault] says.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	set := e.state.setup.Load()
	held := e.gate.Channel()
	x := &exchange{Call: call.New(set.routes, r, e.state.now(set)), setup: set, reused: isReused(r.Context())}
	e.state.record.arrived(x.OperationID())

	a := answer.Answer{Action: answer.Abort}
	if x.Receive(w, set.BodyTime) {
		a = e.state.decide(x)
		if delay := time.Duration(set.Latency + x.fault.Delay); delay > 0 && !hold.Sleep(r.Context(), held, delay) {
			a = answer.Answer{Action: answer.Abort}
		}
	}
	// Recorded before the first byte leaves, so that a client that has its answer finds its request on record.
	entry := e.record(x, a)
	if set.Observe != nil {
		set.Observe(entry)
	}
	a.Send(w, x.Request, held)
}

// ConnContext is for the http.Server of a program that serves an emulator itself: without it, no connection counts as reused
// (see Reused in [Fault]).
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, requestsKey{}, new(atomic.Int64))
}

// requestsKey is the key of a connection's number of requests in a context.
type requestsKey struct{}

// isReused counts a request, and reports whether its connection carried another one before.
func isReused(ctx context.Context) bool {
	n, _ := ctx.Value(requestsKey{}).(*atomic.Int64)
	return n != nil && n.Add(1) > 1
}

// record returns the entry without its header and body.
func (e *Emulator) record(x *exchange, a answer.Answer) Request {
	entry := Request{
		Operation: x.OperationID(), Method: cut(x.Request.Method, maxRecordedText), Path: cut(x.Path, maxRecordedText), ChatID: cut(x.ChatID(), maxRecordedText),
		ContentLength: x.Request.ContentLength, Code: a.Code,
	}
	if a.Action.Responds() {
		entry.Status = a.Status
	}
	if x.faulty {
		entry.Fault = x.fault.Name()
	}
	var header http.Header
	var body string
	if x.RecordSize > 0 {
		header, body = redact(x.Request.Header), redactBody(x.Body, x.Request.Header.Get("Content-Type"), e.state.secrets(x.setup))
	}
	e.recording.Lock()
	defer e.recording.Unlock()
	entry.Time = e.state.now(x.setup)
	return e.state.record.add(entry, header, body)
}
