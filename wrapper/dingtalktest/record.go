package dingtalktest

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Request is one request that an emulator got, without secrets: neither a body nor a query is kept.
type Request struct {
	Time          time.Time      // when it arrived, by the emulator's clock
	Operation     string         // the operation's ID in the contract; empty if none has this method and path
	Method        string         //
	Path          string         // as it came, still escaped
	ChatID        string         // decoded; empty if the operation has none
	Header        http.Header    // token, Authorization, Proxy-Authorization and Cookie replaced by "REDACTED"
	ContentLength int64          // -1 if it was not told
	Status        int            // of the answer; 0 if it was no HTTP response, or the client left before it
	Code          generated.Code // of the answer, if it was an error
}

// Redacted stands in a [Request] for the value of a header that may hold a secret.
const Redacted = "REDACTED"

// What is kept of one request is bounded as well as how many are kept.
const (
	maxRecordedText   = 2048 // bytes of a path, a chat id or a header value
	maxRecordedFields = 64   // header fields
)

var (
	redactedValue = []string{Redacted}
	secretHeaders = map[string]bool{tokenHeader: true, "Authorization": true, "Proxy-Authorization": true, "Cookie": true}
)

// Tally counts the requests of one operation.
type Tally struct {
	Requests int64                    // that arrived
	Status   map[int]int64            // answers by HTTP status; 0 for those that were no HTTP response
	Codes    map[generated.Code]int64 // answers by error code
}

// Class returns the number of answers with a status of this class: 2 for 200 to 299, and so on.
func (t Tally) Class(hundreds int) int64 {
	var n int64
	for status, count := range t.Status {
		if status/100 == hundreds && status != 0 {
			n += count
		}
	}
	return n
}

// record holds the last requests in a ring, and counts all.
type record struct {
	mu      sync.Mutex
	size    int
	ring    []Request
	oldest  int
	tallies map[string]*Tally
}

func (r *record) resize(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size == r.size {
		return
	}
	kept := r.inOrder()
	r.ring = append([]Request(nil), kept[max(0, len(kept)-size):]...)
	r.size, r.oldest = size, 0
}

func (r *record) inOrder() []Request {
	return append(append(make([]Request, 0, len(r.ring)), r.ring[r.oldest:]...), r.ring[:r.oldest]...)
}

// tally is called with the lock held.
func (r *record) tally(operation string) *Tally {
	t := r.tallies[operation]
	if t == nil {
		t = &Tally{Status: map[int]int64{}, Codes: map[generated.Code]int64{}}
		if r.tallies == nil {
			r.tallies = map[string]*Tally{}
		}
		r.tallies[operation] = t
	}
	return t
}

// arrived counts a request before it is known what it will be answered.
func (r *record) arrived(operation string) {
	r.mu.Lock()
	r.tally(operation).Requests++
	r.mu.Unlock()
}

// add records what a request is answered.
func (r *record) add(c *call, a answer) {
	status := a.status
	if a.act != respond {
		status = 0
	}
	var entry Request
	keep := c.settings.recordSize > 0
	if keep {
		entry = c.entry()
		entry.Status, entry.Code = status, a.code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(c.operation())
	t.Status[status]++
	if a.code != "" {
		t.Codes[a.code]++
	}
	switch {
	case !keep || r.size == 0:
	case len(r.ring) < r.size:
		r.ring = append(r.ring, entry)
	default:
		r.ring[r.oldest] = entry
		r.oldest = (r.oldest + 1) % r.size
	}
}

// entry is what is kept of a request.
func (c *call) entry() Request {
	entry := Request{
		Time: c.now, Operation: c.operation(), Method: cut(c.request.Method), Path: cut(c.path),
		Header: redact(c.request.Header), ContentLength: c.request.ContentLength,
	}
	if c.route != nil && c.route.chatParam >= 0 {
		entry.ChatID = cut(c.params[c.route.chatParam])
	}
	return entry
}

// redact copies a header without what may be secret. Values are shared with the original, which nobody changes, unless
// they are cut.
func redact(header http.Header) http.Header {
	kept := make(http.Header, min(len(header), maxRecordedFields))
	for name, values := range header {
		if len(kept) == maxRecordedFields {
			break
		}
		if secretHeaders[name] {
			values = redactedValue
		}
		kept[cut(name)] = cutAll(values)
	}
	return kept
}

func cutAll(values []string) []string {
	long := len(values) > maxRecordedFields
	for _, value := range values {
		long = long || len(value) > maxRecordedText
	}
	if !long {
		return values
	}
	short := make([]string, 0, min(len(values), maxRecordedFields))
	for _, value := range values[:cap(short)] {
		short = append(short, cut(value))
	}
	return short
}

// cut bounds a text. A part of a long text is copied, so that it does not keep the whole in memory.
func cut(text string) string {
	if len(text) <= maxRecordedText {
		return text
	}
	return strings.Clone(text[:maxRecordedText]) + "…"
}

// Requests returns the last requests, oldest first, as they were answered: at most as many as [WithRecordSize] says.
// Texts over 2,048 bytes are cut and end in "…"; of more than 64 header fields some are left out. A request is on
// record by the time its client has the answer, and a hanging one from when it begins to hang.
func (e *Emulator) Requests() []Request {
	r := &e.record
	r.mu.Lock()
	list := r.inOrder()
	r.mu.Unlock()
	for i := range list {
		list[i].Header = list[i].Header.Clone()
	}
	return list
}

// ResetRequests forgets the requests and begins all counts again.
func (e *Emulator) ResetRequests() {
	r := &e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring, r.oldest, r.tallies = nil, 0, nil
}

// Count returns how many requests of an operation have arrived, answered or not, since the emulator was made or
// [Emulator.ResetRequests] was called. It is exact however few requests are kept.
func (e *Emulator) Count(operation generated.Operation) int {
	r := &e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tallies[operation.ID]; t != nil {
		return int(t.Requests)
	}
	return 0
}

// Counts returns the same for all operations, by their IDs, with what was answered. Requests that match no operation
// are counted under the empty ID.
func (e *Emulator) Counts() map[string]Tally {
	r := &e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]Tally, len(r.tallies))
	for operation, t := range r.tallies {
		counts[operation] = Tally{Requests: t.Requests, Status: maps.Clone(t.Status), Codes: maps.Clone(t.Codes)}
	}
	return counts
}

func (r *record) total() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n int64
	for _, t := range r.tallies {
		n += t.Requests
	}
	return n
}
