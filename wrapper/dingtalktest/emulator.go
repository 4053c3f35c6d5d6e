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

// bodyLimit is how much of a request's body is read, in bytes. A token request takes about a hundred.
const bodyLimit = 64 << 10

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
	done      chan struct{}
	close     sync.Once
}

// New returns an emulator that knows the reference page's chat and accepts [AppKey] and [AppSecret], without limits,
// latency or faults, unless options say otherwise.
func New(opts ...Option) *Emulator {
	e := &Emulator{tokens: newTokens(), done: make(chan struct{})}
	s := defaults()
	for _, opt := range opts {
		opt(s)
	}
	e.settings.Store(s)
	e.record.resize(s.recordSize)
	return e
}

// Configure applies options to a running emulator: a permission taken away, a limit lowered, a chat added. Requests
// that have arrived keep the settings that they met. Options that count over time, such as [WithQPS] and
// [WithMonthlyQuota], keep what they have counted.
func (e *Emulator) Configure(opts ...Option) {
	e.configure.Lock()
	defer e.configure.Unlock()
	s := e.settings.Load().clone()
	for _, opt := range opts {
		opt(s)
	}
	e.settings.Store(s)
	e.record.resize(s.recordSize)
}

// Close ends the requests that are waiting on [WithLatency], [Fault.WithDelay] or [Hang] by cutting their connections,
// and those that would wait from now on. Everything else goes on: a program that serves an emulator itself calls Close
// before [http.Server.Shutdown]. It may be called more than once.
func (e *Emulator) Close() { e.close.Do(func() { close(e.done) }) }

// ServeHTTP answers one request as the gateway would, or as the next queued [Fault] says.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := e.settings.Load()
	c := &call{settings: s, request: r, now: s.clock()}
	c.path = wirePath(r.URL)
	c.route, c.params = match(s.routes, r.Method, c.path)
	e.record.arrived(c.operation())

	fault, faulty := e.faults.take(c.operation())
	var a answer
	switch {
	case faulty && fault.kind != passFault:
		a = fault.answer(c.route)
	default:
		a = e.answer(c)
	}
	if c.route.legacy() {
		a = a.legacy()
	}
	if faulty {
		a.decorate(fault)
	}

	if delay := s.latency + fault.delay; delay > 0 && !e.wait(r, delay) {
		a = answer{act: abort}
	}
	// Recorded before the first byte leaves, so that a client that has its answer finds its request on record.
	e.record.add(c, a)
	e.send(w, r, a)
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
}

func (c *call) operation() string {
	if c.route == nil {
		return ""
	}
	return c.route.Operation.ID
}

// answer decides what the gateway says to a request that no fault was queued for.
func (e *Emulator) answer(c *call) answer {
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

// wait holds a request back. It says false if the client left or the emulator was closed meanwhile.
func (e *Emulator) wait(r *http.Request, d time.Duration) bool {
	drain(r)
	return sleep(r.Context(), e.done, d)
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

// readBody reads a request's body, and one byte past the limit if it is too long.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil { // It never is in a request that came over a network.
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
}

// drain reads a request's body. net/http notices that a client has left only once the body is read, and closing a
// connection that holds unread bytes resets it before the client has read what was sent.
func drain(r *http.Request) {
	if r.Body != nil {
		_, _ = io.CopyN(io.Discard, r.Body, bodyLimit)
	}
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
