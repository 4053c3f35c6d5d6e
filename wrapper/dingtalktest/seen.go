package dingtalktest

import (
	"context"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Requests returns the last requests, oldest first, as they were answered: at most as many as [WithRecordSize] says.
// Texts over 2,048 bytes are cut and end in "…"; of more than 64 header fields some are left out. A request is on
// record by the time its client has the answer, and a hanging one from when it begins to hang.
func (e *Emulator) Requests() []Request { return e.RequestsOf(Filter{}) }

// RequestsOf returns those of them that a filter means.
func (e *Emulator) RequestsOf(f Filter) []Request {
	e.state.record.mu.Lock()
	defer e.state.record.mu.Unlock()
	return e.state.record.find(f)
}

// WaitRequests returns the requests that a filter means as soon as there are n of them on record, or those that there are
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
	return int(e.state.record.count(operation.ID))
}

// Counts returns the same for all operations, by their IDs, with what was answered. Requests that match no operation
// are counted under the empty ID.
func (e *Emulator) Counts() map[string]Tally { return e.state.record.counts() }

// Group returns a group that the emulator knows, as it is now.
func (e *Emulator) Group(chatID string) (Group, bool) {
	g, ok := e.state.groups.byChat(e.state.settings.Load(), chatID)
	return g.clone(), ok
}

// Groups returns the groups that were created or changed through the emulator, in the order of their chat ids: the last
// 10,000.
func (e *Emulator) Groups() []Group { return e.state.groups.list() }

// Messages returns the messages that robots sent, oldest first: the last 10,000.
func (e *Emulator) Messages() []Message { return e.state.messages.list() }
