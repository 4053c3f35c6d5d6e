package dingtalktest

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Request is one request that an emulator got, without secrets. Its query is not kept.
type Request struct {
	Seq           int64          `json:"seq"`                 // counts the requests from 1, in the order of their answers
	Time          time.Time      `json:"time"`                // of the answer, by the emulator's clock; in the order of seq
	Operation     string         `json:"operation,omitempty"` // the operation's ID; absent if none has this method and path
	Method        string         `json:"method"`
	Path          string         `json:"path"`              // as it came, still escaped
	ChatID        string         `json:"chatId,omitempty"`  // of path or query, decoded; absent if the operation has none there
	Header        http.Header    `json:"headers,omitempty"` // REDACTED stands for the values of token, Authorization, Proxy-Authorization and Cookie
	Body          string         `json:"body,omitempty"`    // the first 16 KiB. REDACTED stands for app secrets and tokens, and in JSON and forms for the values of fields that are named as a secret or token. One over 64 KiB is not kept
	ContentLength int64          `json:"contentLength"`     // -1 if unknown
	Status        int            `json:"status"`            // of the answer; 0 if it was no HTTP response
	Code          generated.Code `json:"code,omitempty"`    // of the answer, if it was an error
	Fault         string         `json:"fault,omitempty"`   // the name of the fault that it met; for a code, the code
}

// Redacted stands in a [Request] for a value that may be a secret.
const Redacted = "REDACTED"

// What is kept of one request is bounded as well as how many are kept.
const (
	maxRecordedText   = 2048     // bytes of a path, a chat id or a header value
	maxRecordedBody   = 16 << 10 // bytes
	maxSearchedBody   = 64 << 10 // bytes; a longer one is not searched for secrets, and not kept
	maxRecordedFields = 64       // header fields
	maxRecordedBytes  = 8 << 20
	requestBytes      = 512  // of one request beside its texts, about
	maxCodes          = 1000 // different codes of an operation that are counted
)

var secretHeaders = map[string]bool{
	http.CanonicalHeaderKey(generated.TokenHeader): true, "Authorization": true, "Proxy-Authorization": true, "Cookie": true,
}

// Tally counts the requests of one operation.
type Tally struct {
	Requests int64                    `json:"requests"` // how many arrived
	Status   map[int]int64            `json:"statuses"` // answers by HTTP status; 0 for those that were no HTTP response
	Codes    map[generated.Code]int64 `json:"codes"`    // answers by error code
}

// bytes is about how much memory a request takes.
func (r *Request) bytes() int {
	n := requestBytes + len(r.Method) + len(r.Path) + len(r.ChatID) + len(r.Body)
	for name, values := range r.Header {
		n += len(name) + 64
		for _, value := range values {
			n += len(value) + 16
		}
	}
	return n
}

// redact copies a header without what may be secret.
func redact(header http.Header) http.Header {
	kept := make(http.Header, min(len(header), maxRecordedFields))
	for name, values := range header {
		if len(kept) == maxRecordedFields {
			break
		}
		if secretHeaders[name] {
			values = []string{Redacted}
		}
		short := make([]string, min(len(values), maxRecordedFields))
		for i := range short {
			short[i] = cut(values[i], maxRecordedText)
		}
		kept[cut(name, maxRecordedText)] = short
	}
	return kept
}

// cut bounds a text. A part of a long text is copied, so that it does not keep the whole in memory.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.Clone(text[:most]) + "…"
}

// secretField finds the name of a field that may hold a secret; a page's token is none.
var secretField = regexp.MustCompile(`(?i)secret|passw|credential|suiteticket|aeskey|(access|refresh|id|user|app|sso|jsapi|auth|bearer).?token|^token$|private.?key`)

// redactBody is a body without secrets: those that are given, and the values of fields with a name like theirs.
func redactBody(body []byte, contentType string, secrets []string) string {
	if len(body) == 0 || len(body) > maxSearchedBody {
		return ""
	}
	text := string(body)
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if decoder.UseNumber(); decoder.Decode(&value) == nil {
		if found := redactJSON(&value, secrets); found {
			if raw, err := json.Marshal(value); err == nil {
				text = string(raw)
			}
		}
	} else if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		fields := strings.Split(text, "&")
		for i, field := range fields {
			name, _, _ := strings.Cut(field, "=")
			if decoded, _ := url.QueryUnescape(name); secretField.MatchString(decoded) {
				fields[i] = name + "=" + Redacted
			}
		}
		text = strings.Join(fields, "&")
	}
	for _, secret := range secrets {
		for _, spelling := range []string{secret, url.QueryEscape(secret)} {
			if spelling != "" {
				text = strings.ReplaceAll(text, spelling, Redacted)
			}
		}
	}
	return cut(strings.ToValidUTF8(text, "\ufffd"), maxRecordedBody)
}

// redactJSON replaces secrets in a decoded value, and reports whether there were any.
func redactJSON(value *any, secrets []string) (found bool) {
	switch v := (*value).(type) {
	case map[string]any:
		for name, inner := range v {
			if _, text := inner.(string); text && secretField.MatchString(name) {
				inner, found = Redacted, true
			}
			found = redactJSON(&inner, secrets) || found
			v[name] = inner
		}
	case []any:
		for i := range v {
			found = redactJSON(&v[i], secrets) || found
		}
	case string:
		for _, secret := range secrets {
			if strings.Contains(v, secret) {
				*value, found = strings.ReplaceAll(v, secret, Redacted), true
			}
		}
	}
	return found
}

// Filter selects requests. Its zero value selects all.
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

// record holds the last requests, and counts all.
type record struct {
	mu      sync.Mutex
	size    int
	kept    []Request // oldest first
	bytes   int       // of what is kept
	seq     int64
	dropped int64
	tallies map[string]*Tally
	added   chan struct{} // closed by the next request, if somebody waits for one
}

func (r *record) resize(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size = size
	r.trim()
}

// trim drops the oldest requests of those that are too many or too much.
func (r *record) trim() {
	for len(r.kept) > 0 && (len(r.kept) > r.size || r.bytes > maxRecordedBytes) {
		r.bytes -= r.kept[0].bytes()
		r.kept[0] = Request{}
		r.kept = r.kept[1:]
		r.dropped++
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

// arrived counts a request before it has an answer.
func (r *record) arrived(operation string) {
	r.mu.Lock()
	r.tally(operation).Requests++
	r.mu.Unlock()
}

// add records a request that was answered, and returns it with its number. Without a header it is counted and not kept.
func (r *record) add(entry Request, header http.Header, body string) Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(entry.Operation)
	t.Status[entry.Status]++
	if _, counted := t.Codes[entry.Code]; entry.Code != "" && (counted || len(t.Codes) < maxCodes) {
		t.Codes[entry.Code]++
	}
	r.seq++
	entry.Seq = r.seq
	if r.size > 0 && header != nil {
		whole := entry
		whole.Header, whole.Body = header, body
		r.kept, r.bytes = append(r.kept, whole), r.bytes+whole.bytes()
		r.trim()
	}
	if r.added != nil {
		close(r.added)
		r.added = nil
	}
	return entry
}

// wait returns the requests that match all filters as soon as there are n of them, or those that there are when ctx ends.
func (r *record) wait(ctx context.Context, n int, filters ...Filter) ([]Request, error) {
	for {
		found := []Request{}
		r.mu.Lock()
		for i := range r.kept {
			if one := r.kept[i]; !slices.ContainsFunc(filters, func(f Filter) bool { return !f.matches(&one) }) {
				one.Header = one.Header.Clone()
				found = append(found, one)
			}
		}
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

// counts returns a copy of the tallies.
func (r *record) counts() map[string]Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]Tally, len(r.tallies))
	for operation, t := range r.tallies {
		counts[operation] = Tally{Requests: t.Requests, Status: maps.Clone(t.Status), Codes: maps.Clone(t.Codes)}
	}
	return counts
}

func (r *record) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept, r.bytes, r.dropped, r.tallies = nil, 0, 0, nil
}
