package dingtalktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// New returns an emulator that knows the reference page's chat and accepts [AppKey] and [AppSecret], without limits,
// latency or faults, unless options change that. It panics if the settings are wrong: if they describe one group twice, or
// queue a fault that does not exist.
func New(opts ...Option) *Emulator {
	settings := defaults()
	for _, opt := range opts {
		opt(&settings)
	}
	e := &Emulator{gate: answer.NewGate(), tokens: tokens.New(), initial: &settings}
	must(e.begin(e.initial.clone()))
	return e
}

// Reset puts the emulator back to its state after [New]: its settings, queue of faults, tokens, groups, messages, record,
// counts and time. Requests that a fault or a latency holds are cut.
func (e *Emulator) Reset() {
	e.configure.Lock()
	defer e.configure.Unlock()
	e.gate.Release(false)
	e.faults.clear()
	e.record.forget()
	e.tokens.Forget()
	e.limits.Forget()
	e.groups.forget()
	e.messages.forget()
	e.offset.Store(0)
	must(e.begin(e.initial.clone()))
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

// ConfigureJSON changes the settings that a JSON object names, as [Settings.UnmarshalJSON] does. If one is wrong, nothing is changed.
func (e *Emulator) ConfigureJSON(raw []byte) error {
	return e.change(func(s *Settings) error { return data.Decode(raw, s) })
}

func (e *Emulator) change(settings func(*Settings) error) error {
	e.configure.Lock()
	defer e.configure.Unlock()
	s := e.setup.Load().clone()
	s.Faults, s.Time = nil, nil // they took effect before
	if err := settings(&s); err != nil {
		return err
	}
	return e.begin(s)
}

// Settings returns the settings without secrets: AppKeys lists the keys of the credentials.
func (e *Emulator) Settings() Settings { return e.setup.Load().shown() }

// Close ends the requests that are waiting on a latency, a delay or [Hang] by closing their connections, and those that would
// wait from now on. Everything else goes on: a program that serves an emulator itself calls Close
// before [http.Server.Shutdown]. It may be called more than once.
func (e *Emulator) Close() { e.gate.Release(true) }

// ServeHTTP answers one request as the gateway would, or as the next queued [Fault] says.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	set := e.setup.Load()
	held := e.gate.Channel()
	x := &exchange{Call: call.New(set.routes, r, e.now(set)), setup: set, reused: isReused(r.Context())}
	e.record.arrived(x.Route.Operation.ID)

	a := answer.Answer{Action: answer.Abort}
	if x.Receive(w, set.BodyTime) {
		a = e.decide(x)
		if delay := time.Duration(set.Latency + x.fault.Delay); delay > 0 && !answer.Sleep(r.Context(), held, delay) {
			a = answer.Answer{Action: answer.Abort}
		}
	}
	// Recorded before the first byte leaves, so that a client that has its answer finds its request on record.
	entry := e.note(x, a)
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

// note records a request, and returns the entry without its header and body.
func (e *Emulator) note(x *exchange, a answer.Answer) Request {
	entry := Request{
		Operation: x.Route.Operation.ID, Method: cut(x.Request.Method, maxRecordedText), Path: cut(x.Path, maxRecordedText), ChatID: cut(x.ChatID(), maxRecordedText),
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
		header, body = redact(x.Request.Header), redactBody(x.Body, x.Request.Header.Get("Content-Type"), slices.AppendSeq(e.tokens.All(), maps.Values(x.apps)))
	}
	e.recording.Lock()
	defer e.recording.Unlock()
	entry.Time = e.now(x.setup)
	return e.record.add(entry, header, body)
}

// begin puts settings into effect, and queues the faults and sets the time that come with them. If one is wrong, nothing changes.
func (e *Emulator) begin(settings Settings) error {
	set := newSetup(settings)
	if set.Time != nil && (set.Time.Year() < 1970 || set.Time.Year() > 2200) {
		return errors.New("time: a time is from 1970 to 2200")
	}
	if err := checkGroups(set.Groups); err != nil {
		return err
	}
	if err := e.faults.add(set, settings.Faults); err != nil {
		return err
	}
	e.setup.Store(set)
	e.record.resize(set.RecordSize)
	if set.Time != nil {
		e.offset.Store(int64(set.Time.Sub(set.Clock())))
	}
	return nil
}

func (e *Emulator) now(set *setup) time.Time {
	return set.Clock().Add(time.Duration(e.offset.Load()))
}

// FailNext queues faults. Each request takes the first that it meets, so that they apply in order; a request that meets none
// gets the regular answer. A fault that is not bound to an operation also applies to requests that match none, and one that
// rejects the token only to requests that carry one. It panics where [Emulator.Queue] returns an error.
func (e *Emulator) FailNext(queue ...Fault) { must(e.Queue(queue...)) }

// Queue is FailNext for faults that come from elsewhere. It queues all of them, or returns an error: if a fault lacks what its
// kind needs or has what it does not take, or names an operation that the emulator does not have, or if more than 10,000
// faults or 8 MiB would be queued.
func (e *Emulator) Queue(queue ...Fault) error {
	return e.faults.add(e.setup.Load(), queue)
}

// ClearFaults empties the queue. Requests that a fault already holds stay held: [Emulator.Reset] and
// [Emulator.Close] end those.
func (e *Emulator) ClearFaults() { e.faults.clear() }

// Pending returns how many faults are queued. A repeated fault counts once.
func (e *Emulator) Pending() int { return len(e.Faults()) }

// Faults returns the queue, in its order, with the repeats that are left.
func (e *Emulator) Faults() []Fault { return e.faults.list() }

// RejectTokens makes every token issued so far invalid before its time. The next token call issues a new one, unless
// [Settings].StickyToken is set.
func (e *Emulator) RejectTokens() { e.tokens.RejectAll() }

// ExpireTokens ends the time of every token issued so far. The next token call issues a new one.
func (e *Emulator) ExpireTokens() { e.tokens.ExpireAll() }

// IssueToken returns a token of the first app, in the order of the app keys, without a request: for clients that are given
// a token instead of credentials.
func (e *Emulator) IssueToken() string {
	s := e.setup.Load()
	return e.tokens.Issue(s.app, time.Duration(s.TokenLifetime), s.StickyToken, e.now(s))
}

// Credentials are those of the first app.
func (e *Emulator) Credentials() (appKey, appSecret string) {
	s := e.setup.Load()
	return s.app, s.apps[s.app]
}

// QuotaUsed returns how many conversions have counted towards the monthly quota this month.
func (e *Emulator) QuotaUsed() int { return e.limits.Used(e.Now()) }

// ResetQuota begins the month's count again.
func (e *Emulator) ResetQuota() { e.limits.ForgetMonth() }

// Now is the emulator's time.
func (e *Emulator) Now() time.Time { return e.now(e.setup.Load()) }

// AdvanceClock moves the emulator's time: tokens grow older, months end, limits per second begin again. A negative d moves it back.
func (e *Emulator) AdvanceClock(d time.Duration) { e.offset.Add(int64(d)) }

// SetGroup puts a group in the place of the one with its chat id: to disband it, or to take a robot out of it.
func (e *Emulator) SetGroup(g Group) { e.groups.keep(g.complete()) }

// MarkRead adds users to those who have read a message, and reports whether there is a message of this key. A user counts once.
func (e *Emulator) MarkRead(processQueryKey string, userIDs ...string) bool {
	return e.messages.markRead(processQueryKey, userIDs)
}

// Requests returns the last requests, oldest first, as they were answered: at most as many as RecordSize in [Settings], and those
// that match a filter if one is given. Texts over 2,048 bytes and bodies over 16 KiB are cut and end in "…"; of more than 64
// header fields some are left out. A request is on record by the time its client has the answer, and a hanging one from when it
// begins to hang.
func (e *Emulator) Requests(filters ...Filter) []Request {
	found, _ := e.record.wait(context.Background(), 0, filters...)
	return found
}

// WaitRequests returns the requests that match a filter as soon as there are n of them on record, or those that there are
// when ctx ends, with its error.
func (e *Emulator) WaitRequests(ctx context.Context, n int, f Filter) ([]Request, error) {
	return e.record.wait(ctx, n, f)
}

// Dropped returns how many requests were recorded and are no longer on record, because they were too many or too much.
func (e *Emulator) Dropped() int64 {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.dropped
}

// ResetRequests forgets the requests and begins all counts again. [Request.Seq] goes on.
func (e *Emulator) ResetRequests() { e.record.forget() }

// Count returns how many requests of an operation have arrived, answered or not, since the emulator was made or
// [Emulator.ResetRequests] was called. It is exact however few requests are kept.
func (e *Emulator) Count(operation generated.Operation) int {
	return int(e.record.counts()[operation.ID].Requests)
}

// Counts returns the counts of all operations, by their IDs, with the statuses and codes of the answers. Requests that match
// no operation are counted under the empty ID.
func (e *Emulator) Counts() map[string]Tally { return e.record.counts() }

// Group returns a group that the emulator knows, as it is now.
func (e *Emulator) Group(chatID string) (Group, bool) {
	g, ok := e.groups.byChat(e.setup.Load(), chatID)
	return g.clone(), ok
}

// Groups returns the groups that were created or changed through the emulator, in the order of their chat ids: the last 10,000.
func (e *Emulator) Groups() []Group { return e.groups.list() }

// Messages returns the messages that robots sent, oldest first: the last 10,000, and at most 8 MiB of them.
func (e *Emulator) Messages() []Message { return e.messages.list() }

// String says what the emulator holds, without secrets.
func (e *Emulator) String() string {
	requests := int64(0)
	for _, tally := range e.Counts() {
		requests += tally.Requests
	}
	return fmt.Sprintf("dingtalktest.Emulator(chats: %d, requests: %d, queued faults: %d)", len(e.Settings().Chats), requests, e.Pending())
}

// Format prints String whatever the verb.
func (e *Emulator) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, e.String()) }

// Server is an emulator behind a listener on the loopback interface.
type Server struct {
	URL string // such as http://127.0.0.1:40001, without a slash at the end
	*Emulator
	stop func()
}

// NewServer starts an emulator for a test and closes it when the test ends. Without a test, as in an Example, tb is nil
// and the caller calls Close. It speaks HTTP/1 and, to clients that begin with it, unencrypted HTTP/2.
func NewServer(tb testing.TB, opts ...Option) *Server {
	emulator := New(opts...)
	listening := httptest.NewUnstartedServer(emulator)
	listening.Config.ReadHeaderTimeout, listening.Config.ConnContext = 10*time.Second, ConnContext
	listening.Config.Protocols = new(http.Protocols)
	listening.Config.Protocols.SetHTTP1(true)
	listening.Config.Protocols.SetUnencryptedHTTP2(true)
	listening.Start()
	// The server is held by a closure, so that fmt does not walk through it while it runs.
	s := &Server{URL: listening.URL, Emulator: emulator, stop: sync.OnceFunc(func() {
		emulator.Close()
		// A client that has sent half a request would hold up the next call for ever.
		listening.CloseClientConnections()
		listening.Close()
	})}
	if tb != nil {
		tb.Cleanup(s.Close)
	}
	return s
}

// Close stops the server and cuts its connections, also those that hang. It may be called more than once, also before the test ends.
func (s *Server) Close() { s.stop() }

// String says where the server is, and nothing of its secrets.
func (s Server) String() string { return fmt.Sprintf("dingtalktest.Server(%s, %s)", s.URL, s.Emulator) }

// Format prints String whatever the verb.
func (s Server) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }
