package dingtalk

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// succeeds reports whether an operation answers a success with status.
func succeeds(o *Operation, status int) bool {
	if o.Status == 0 {
		return status >= http.StatusOK && status < http.StatusMultipleChoices
	}
	return status == o.Status
}

// decode decodes the body of a success into value, and reports whether it is one.
func decode(o *Operation, body []byte, value any) bool {
	answer := objectOf(body)
	switch {
	case isFailure(o, answer):
		return false
	case o.Empty:
		start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 64)])) // a proxy's login page is no success
		return !bytes.HasPrefix(start, []byte("<!doctype html")) && !bytes.HasPrefix(start, []byte("<html"))
	}
	for _, name := range o.Required { // neither absent, nor null, nor blank
		if raw := answer.field(name); raw == "" || raw[0] == '"' && strings.TrimSpace(scalar(raw)) == "" {
			return false
		}
	}
	return string(bytes.TrimSpace(body)) != "null" && decodeJSON(body, value)
}

// isFailure reports whether an answer with a success's status is an error: the legacy API's, a ban's, the gateway's, which
// has a request id that no success has in its body, or one by a field whose value the contract gives for a success.
func isFailure(o *Operation, answer object) bool {
	e := read(answer)
	return e.refused() || e.isBan() || !isSuccess(e.code) && e.message != "" && e.requestID != "" && !slices.Contains(o.OwnFields, "code") ||
		unsuccessful(o, answer)
}

// unsuccessful reports whether a field of an answer has another value than a success's. An absent one says nothing.
func unsuccessful(o *Operation, answer object) bool {
	for name, want := range o.Success {
		if raw := answer.field(name); raw != "" && !strings.EqualFold(scalar(raw), want) {
			return true
		}
	}
	return false
}
