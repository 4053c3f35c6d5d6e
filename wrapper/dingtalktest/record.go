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
	Seq           int64          `json:"seq"`                 // counts the requests from 1, in the order of their answers
	Time          time.Time      `json:"time"`                // when it arrived, by the emulator's clock
	Operation     string         `json:"operation,omitempty"` // the operation's ID in the contract; empty if none has this method and path
	Method        string         `json:"method"`
	Path          string         `json:"path"`              // as it came, still escaped
	ChatID        string         `json:"chatId,omitempty"`  // decoded; empty if the operation has none
	Header        http.Header    `json:"headers,omitempty"` // token, Authorization, Proxy-Authorization and Cookie replaced by "REDACTED"
	ContentLength int64          `json:"contentLength"`     // -1 if it was not told
	Status        int            `json:"status"`            // of the answer; 0 if it was no HTTP response, or the client left before it
	Code          generated.Code `json:"code,omitempty"`    // of the answer, if it was an error
	Fault         string         `json:"fault,omitempty"`   // the name of the fault that it met
}

// Redacted stands in a [Request] for the value of a header that may hold a secret.
const Redacted = "REDACTED"

// What is kept of one request is bounded as well as how many are kept.
const (
	maxRecordedText   = 2048 // bytes of a path, a chat id or a header value
	maxRecordedFields = 64   // header fields
	maxRecordedBytes  = 8 << 20
	requestBytes      = 512 // of one request beside its texts, about
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

// record holds the last requests, and counts all.
type record struct {
	mu      sync.Mutex
	size    int
	kept    []kept // oldest first, from first on
	first   int
	bytes   int // of what is kept
	seq     int64
	dropped int64
	tallies map[string]*Tally
	added   chan struct{} // closed by the next request, if somebody waits for one
}

type kept struct {
	request Request
	bytes   int
}

func (r *record) resize(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size = size
	r.trim()
}

// trim drops the oldest requests of those that are too many or too much.
func (r *record) trim() {
	for r.first < len(r.kept) && (len(r.kept)-r.first > r.size || r.bytes > maxRecordedBytes) {
		r.bytes -= r.kept[r.first].bytes
		r.kept[r.first] = kept{}
		r.first++
		r.dropped++
	}
	// Where at least half is past, what is left moves to the front: each request is moved once at most, on average.
	if r.first > len(r.kept)/2 {
		n := copy(r.kept, r.kept[r.first:])
		clear(r.kept[n:])
		r.kept, r.first = r.kept[:n], 0
	}
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

// add records what a request is answered, and returns what it has of it, without the header.
func (r *record) add(c *call, a answer) Request {
	entry := c.entry()
	if a.act.responds() {
		entry.Status = a.status
	}
	entry.Code = a.code
	var header http.Header
	if c.settings.recordSize > 0 {
		header = redact(c.request.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(c.operation())
	t.Status[entry.Status]++
	if a.code != "" {
		t.Codes[a.code]++
	}
	r.seq++
	entry.Seq = r.seq
	if r.size > 0 && header != nil {
		whole := entry
		whole.Header = header
		one := kept{whole, whole.bytes()}
		r.kept, r.bytes = append(r.kept, one), r.bytes+one.bytes
		r.trim()
	}
	if r.added != nil {
		close(r.added)
		r.added = nil
	}
	return entry
}

// bytes is about how much memory a request takes.
func (r *Request) bytes() int {
	n := requestBytes + len(r.Method) + len(r.Path) + len(r.ChatID)
	for name, values := range r.Header {
		n += len(name) + 64
		for _, value := range values {
			n += len(value) + 16
		}
	}
	return n
}

// entry is what is kept of a request.
func (c *call) entry() Request {
	entry := Request{
		Time: c.now, Operation: c.operation(), Method: cut(c.request.Method), Path: cut(c.path),
		ContentLength: c.request.ContentLength,
	}
	if c.faulty {
		entry.Fault = c.fault.Name()
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
