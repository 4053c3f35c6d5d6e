package dingtalktest

import (
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// Request is one request that an emulator got, without secrets: neither a body nor a query is kept.
type Request struct {
	Seq           int64          `json:"seq"`                 // counts the requests from 1, in the order of their answers
	Time          time.Time      `json:"time"`                // of the answer, by the emulator's clock; in the order of Seq
	Operation     string         `json:"operation,omitempty"` // the operation's ID in the contract; empty if none has this method and path
	Method        string         `json:"method"`
	Path          string         `json:"path"`              // as it came, still escaped
	ChatID        string         `json:"chatId,omitempty"`  // decoded; empty if the operation has none
	Header        http.Header    `json:"headers,omitempty"` // token, Authorization, Proxy-Authorization and Cookie replaced by "REDACTED"
	ContentLength int64          `json:"contentLength"`     // -1 if unknown
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
	secretHeaders = map[string]bool{call.TokenHeader: true, "Authorization": true, "Proxy-Authorization": true, "Cookie": true}
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

// newRequest makes the record of a request and its answer, without its header.
func newRequest(c *call.Call, a answer.Answer, fault string) Request {
	r := Request{
		Operation: c.OperationID(), Method: cut(c.Request.Method), Path: cut(c.Path), ChatID: cut(c.ChatID()),
		ContentLength: c.Request.ContentLength, Code: a.Code, Fault: fault,
	}
	if a.Action.Responds() {
		r.Status = a.Status
	}
	return r
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
