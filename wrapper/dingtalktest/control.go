package dingtalktest

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// FailNext queues faults. Each request takes the first that it meets, so that they apply in order; a request that meets none
// gets the regular answer. A fault that is not bound to an operation also applies to requests that match none, and one that
// rejects the token only to requests that carry one. It panics where [Emulator.Queue] returns an error.
func (e *Emulator) FailNext(queue ...Fault) { must(e.Queue(queue...)) }

// Queue is FailNext for faults that come from elsewhere. It queues all of them, or returns an error: if a fault lacks what its
// kind needs or has what it does not take, or names an operation that the emulator does not have, or if more than 10,000
// faults or 8 MiB would be queued.
func (e *Emulator) Queue(queue ...Fault) error { return e.state.queue(e.state.setup.Load(), queue) }

// ClearFaults empties the queue. Requests that a fault already holds stay held: [Emulator.Reset] and
// [Emulator.Close] end those.
func (e *Emulator) ClearFaults() { e.state.faults.clear() }

// Pending returns how many faults are queued. A repeated fault counts once.
func (e *Emulator) Pending() int { return len(e.Faults()) }

// Faults returns the queue, in its order, with the repeats that are left.
func (e *Emulator) Faults() []Fault { return e.state.faults.list() }

// RejectTokens makes every token issued so far invalid before its time. The next token call issues a new one, unless
// [Settings].StickyToken is set.
func (e *Emulator) RejectTokens() { e.state.tokens.RejectAll() }

// ExpireTokens ends the time of every token issued so far. The next token call issues a new one.
func (e *Emulator) ExpireTokens() { e.state.tokens.ExpireAll() }

// IssueToken returns a token of the first app, in the order of the app keys, without a request: for clients that are given
// a token instead of credentials.
func (e *Emulator) IssueToken() string {
	s := e.state.setup.Load()
	return e.state.tokens.Issue(s.app, time.Duration(s.TokenLifetime), s.StickyToken, e.state.now(s))
}

// Credentials are those of the first app.
func (e *Emulator) Credentials() (appKey, appSecret string) {
	s := e.state.setup.Load()
	return s.app, s.apps[s.app]
}

// QuotaUsed returns how many conversions have counted towards the monthly quota this month.
func (e *Emulator) QuotaUsed() int { return e.state.limits.Used(e.Now()) }

// ResetQuota begins the month's count again.
func (e *Emulator) ResetQuota() { e.state.limits.ForgetMonth() }

// Now is the emulator's time.
func (e *Emulator) Now() time.Time { return e.state.now(e.state.setup.Load()) }

// AdvanceClock moves the emulator's time: tokens grow older, months end, limits per second begin again. A negative d moves it
// back.
func (e *Emulator) AdvanceClock(d time.Duration) { e.state.offset.Add(int64(d)) }

// SetGroup puts a group in the place of the one with its chat id: to disband it, or to take a robot out of it.
func (e *Emulator) SetGroup(g Group) { e.state.groups.keep(g.complete()) }

// MarkRead adds users to those who have read a message, and reports whether there is a message of this key. A user counts
// once.
func (e *Emulator) MarkRead(processQueryKey string, userIDs ...string) bool {
	return e.state.messages.markRead(processQueryKey, userIDs)
}

// Requests returns the last requests, oldest first, as they were answered: at most as many as RecordSize in [Settings].
// Texts over 2,048 bytes and bodies over 16 KiB are cut and end in "…"; of more than 64 header fields some are left out. A
// request is on record by the time its client has the answer, and a hanging one from when it begins to hang.
func (e *Emulator) Requests() []Request { return e.RequestsOf(Filter{}) }

// RequestsOf returns the requests on record that match a filter.
func (e *Emulator) RequestsOf(f Filter) []Request {
	found, _ := e.WaitRequests(context.Background(), 0, f)
	return found
}

// WaitRequests returns the requests that match a filter as soon as there are n of them on record, or those that there are
// when ctx ends, with its error.
func (e *Emulator) WaitRequests(ctx context.Context, n int, f Filter) ([]Request, error) {
	return e.state.record.wait(ctx, n, f)
}

// Dropped returns how many requests were recorded and are no longer on record, because they were too many or too much.
func (e *Emulator) Dropped() int64 {
	e.state.record.mu.Lock()
	defer e.state.record.mu.Unlock()
	return e.state.record.dropped
}

// ResetRequests forgets the requests and begins all counts again. [Request.Seq] goes on.
func (e *Emulator) ResetRequests() { e.state.record.forget() }

// Count returns how many requests of an operation have arrived, answered or not, since the emulator was made or
// [Emulator.ResetRequests] was called. It is exact however few requests are kept.
func (e *Emulator) Count(operation generated.Operation) int {
	return int(e.state.record.counts()[operation.ID].Requests)
}

// Counts returns the counts of all operations, by their IDs, with the statuses and codes of the answers. Requests that match
// no operation are counted under the empty ID.
func (e *Emulator) Counts() map[string]Tally { return e.state.record.counts() }

// Group returns a group that the emulator knows, as it is now.
func (e *Emulator) Group(chatID string) (Group, bool) {
	g, ok := e.state.groups.byChat(e.state.setup.Load(), chatID)
	return g.clone(), ok
}

// Groups returns the groups that were created or changed through the emulator, in the order of their chat ids: the last
// 10,000.
func (e *Emulator) Groups() []Group { return e.state.groups.list() }

// Messages returns the messages that robots sent, oldest first: the last 10,000, and at most 8 MiB of them.
func (e *Emulator) Messages() []Message { return e.state.messages.list() }

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
