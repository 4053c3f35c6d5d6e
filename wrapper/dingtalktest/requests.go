package dingtalktest

import (
	"context"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Filter says which requests are meant. Its zero value means all.
type Filter struct {
	Operation string         // the ID of an operation
	ChatID    string         //
	Status    int            // of the answer
	Code      generated.Code // of the answer
	Fault     string         // the name of the fault that it met
	After     int64          // a Seq: requests that were answered later
}

func (f Filter) matches(r *Request) bool {
	return (f.Operation == "" || r.Operation == f.Operation) && (f.ChatID == "" || r.ChatID == f.ChatID) && (f.Status == 0 || r.Status == f.Status) &&
		(f.Code == "" || r.Code == f.Code) && (f.Fault == "" || r.Fault == f.Fault) && r.Seq > f.After
}

// Requests returns the last requests, oldest first, as they were answered: at most as many as [WithRecordSize] says.
// Texts over 2,048 bytes are cut and end in "…"; of more than 64 header fields some are left out. A request is on
// record by the time its client has the answer, and a hanging one from when it begins to hang.
func (e *Emulator) Requests() []Request { return e.RequestsOf(Filter{}) }

// RequestsOf returns those of them that a filter means.
func (e *Emulator) RequestsOf(f Filter) []Request {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.find(f)
}

// find is called with the lock held.
func (r *record) find(f Filter) []Request {
	found := []Request{}
	for i := r.first; i < len(r.kept); i++ {
		if one := r.kept[i].request; f.matches(&one) {
			one.Header = one.Header.Clone()
			found = append(found, one)
		}
	}
	return found
}

// WaitRequests returns the requests that a filter means as soon as there are n of them on record, or those that there are
// when ctx ends, with its error.
func (e *Emulator) WaitRequests(ctx context.Context, n int, f Filter) ([]Request, error) {
	r := &e.record
	for {
		r.mu.Lock()
		found := r.find(f)
		if len(found) >= n {
			r.mu.Unlock()
			return found, nil
		}
		if r.added == nil {
			r.added = make(chan struct{})
		}
		added := r.added
		r.mu.Unlock()
		select {
		case <-added:
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
}

// Dropped returns how many requests were recorded and are no longer on record, because they were too many or too much.
func (e *Emulator) Dropped() int64 {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.dropped
}

// ResetRequests forgets the requests and begins all counts again. [Request.Seq] goes on.
func (e *Emulator) ResetRequests() {
	r := &e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept, r.first, r.bytes, r.dropped, r.tallies = nil, 0, 0, 0, nil
}
