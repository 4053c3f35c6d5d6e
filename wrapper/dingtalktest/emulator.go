package dingtalktest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// The chat of the reference page, which every emulator knows.
const (
	ChatID             = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	OpenConversationID = "cidl1B8RVUFmkO50OC9uEbySQ=="
)

// The made-up credentials that an emulator accepts unless [WithCredentials] names others.
const (
	AppKey    = "dingemulatorappkey"
	AppSecret = "emulator-app-secret-of-no-worth"
)

// Scope is the permission that a conversion needs.
const Scope = generated.PermissionChatIDToOpenConversationID

// Emulator stands in for DingTalk's gateway. It is an [http.Handler]; [NewServer] puts it behind a loopback listener,
// and a program may serve it with a server of its own. All methods may be called at any time from any goroutine.
// Nothing that fmt prints of it holds the app secret or a token.
type Emulator struct {
	settings  atomic.Pointer[settings]
	configure sync.Mutex // serialises changes of settings
	tokens    *tokens    // behind a pointer, so that printing a copy of the struct shows an address
	limits    limits
	groups    groups
	messages  messages
	faults    faults
	record    record
	held      held
	offset    atomic.Int64 // how far AdvanceClock has moved the time, in nanoseconds
	initial   *settings    // what New made, for Reset
}

// New returns an emulator that knows the reference page's chat and accepts [AppKey] and [AppSecret], without limits,
// latency or faults, unless options say otherwise.
func New(opts ...Option) *Emulator {
	e := &Emulator{tokens: newTokens()}
	s := defaults()
	for _, opt := range opts {
		opt(s)
	}
	e.initial = s
	e.begin(s)
	return e
}

// begin takes settings over, and queues the faults and sets the time that came with them.
func (e *Emulator) begin(s *settings) {
	e.settings.Store(s)
	e.record.resize(s.recordSize)
	if !s.time.IsZero() {
		e.offset.Store(int64(s.time.Sub(s.clock())))
	}
	e.FailNext(s.faults...)
}

// Reset makes the emulator what it was when [New] returned: its settings, queue of faults, tokens, record, counts and
// time. Requests that a fault or a latency holds are cut.
func (e *Emulator) Reset() {
	e.configure.Lock()
	defer e.configure.Unlock()
	e.held.release()
	e.ClearFaults()
	e.ResetRequests()
	e.tokens.forget()
	e.limits.forget()
	e.groups.forget()
	e.messages.forget()
	e.offset.Store(0)
	e.begin(e.initial)
}

// Configure applies options to a running emulator: a permission taken away, a limit lowered, a chat added. Requests
// that have arrived keep the settings that they met. Options that count over time, such as [WithQPS] and
// [WithMonthlyQuota], keep what they have counted.
func (e *Emulator) Configure(opts ...Option) {
	e.configure.Lock()
	defer e.configure.Unlock()
	s := e.settings.Load().clone()
	s.faults, s.time = nil, time.Time{} // those were queued and set before
	for _, opt := range opts {
		opt(s)
	}
	e.begin(s)
}

// Close ends the requests that are waiting on [WithLatency], [Fault.WithDelay] or [Hang] by cutting their connections,
// and those that would wait from now on. Everything else goes on: a program that serves an emulator itself calls Close
// before [http.Server.Shutdown]. It may be called more than once.
func (e *Emulator) Close() { e.held.close() }

// ServeHTTP answers one request as the gateway would, or as the next queued [Fault] says.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := e.settings.Load()
	held := e.held.channel()
	c := &call{settings: s, request: r, now: e.now(s)}
	c.path = wirePath(r.URL)
	c.route, c.params = match(s.routes, r.Method, c.path)
	e.record.arrived(c.operation())

	var a answer
	if r, complete := receive(w, r, s.bodyTime); complete {
		c.request = r
		a = e.decide(c)
		if delay := s.latency + c.fault.delay; delay > 0 && !sleep(r.Context(), held, delay) {
			a = answer{act: abort}
		}
	} else {
		a = answer{act: abort}
	}
	// Recorded before the first byte leaves, so that a client that has its answer finds its request on record.
	entry := e.record.add(c, a)
	if s.observe != nil {
		s.observe(entry)
	}
	e.send(w, c.request, a, held)
}

// decide is what a request is answered: what the next fault says that is meant for it, or the truth. An answer that makes
// clients drop their token is true from then on: the token is revoked.
func (e *Emulator) decide(c *call) answer {
	fault, faulty := e.faults.take(c)
	if !faulty {
		return e.answer(c)
	}
	c.fault, c.faulty = fault, true
	a := fault.answer(e, c)
	if fault.kind != kindStickyToken && a.rejectsToken(c.route) {
		e.tokens.reject(c.token())
	}
	return a
}

// call is one request on its way through the emulator.
type call struct {
	settings *settings
	request  *http.Request
	now      time.Time
	path     string   // escaped
	route    *route   // nil if no operation has this method and path
	params   []string // values of the path's parameters, in its order
	app      string   // whose token the request carries, once that is known
	fault    Fault    // that was queued for it
	faulty   bool     // whether there was one
}

func (c *call) operation() string {
	if c.route == nil {
		return ""
	}
	return c.route.Operation.ID
}

// public says whether a request is one of an operation that takes no token.
func (c *call) public() bool { return c.route != nil && c.route.Operation.Public }

// answer is what is said to a request that no fault was queued for.
func (e *Emulator) answer(c *call) answer {
	a := e.gateway(c)
	if c.route.legacy() {
		a = a.legacy()
	}
	return a
}

// gateway decides what the gateway says.
func (e *Emulator) gateway(c *call) answer {
	s := c.settings
	switch {
	case s.banned:
		return banPage()
	case c.route == nil && !underGateway(s.routes, c.path):
		return notRouted()
	case c.route == nil:
		return refusal(generated.CodeActionNotFound)
	}
	if !c.route.Operation.Public {
		if code, refused := e.admit(c); refused {
			a := refusal(code)
			if code == generated.CodePermissionDenied {
				a.scopes = c.settings.missingScopes
			}
			return a
		}
	}
	return c.route.handle(e, c)
}

// admit makes the checks that the gateway makes for every operation that takes a token. The order is an assumption:
// that of the real gateway is not documented.
func (e *Emulator) admit(c *call) (code generated.Code, refused bool) {
	s := c.settings
	token := c.token()
	if token == "" {
		return generated.CodeMissingToken, true
	}
	app, valid := e.tokens.check(token, c.now)
	if !valid {
		return generated.CodeInvalidAuthentication, true
	}
	c.app = app
	if s.addressRefused {
		return generated.CodeIPNotAllowed, true
	}
	if len(s.missingScopes) > 0 {
		return generated.CodePermissionDenied, true
	}
	return e.limits.admit(s, app, c.route.Operation.ID, c.now)
}

// convert answers chatIdToOpenConversationId. It ignores the request's body.
func (e *Emulator) convert(c *call) answer {
	if c.settings.hiddenOwners[c.params[0]] {
		return refusal(generated.CodeOwnerNotVisible)
	}
	id, known := e.groups.openConversationID(c.settings, c.params[0])
	if !known {
		return refusal(generated.CodeInvalidChatID)
	}
	return success(generated.ChatIDToOpenConversationIDResponseBody{OpenConversationID: id})
}

func sleep(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-done:
	}
	return false
}

// String says how much the emulator holds, and nothing of its secrets.
func (e *Emulator) String() string {
	s := e.settings.Load()
	return fmt.Sprintf("dingtalktest.Emulator(chats: %d, requests: %d, queued faults: %d)",
		len(s.chats), e.record.total(), e.Pending())
}

// GoString is the same as String.
func (e *Emulator) GoString() string { return e.String() }

// Format prints String whatever the verb.
func (e *Emulator) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, e.String()) }
