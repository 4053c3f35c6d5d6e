package dingtalk

import (
	"bytes"
	"encoding/json"
	"io"
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

// decode decodes the body of a success; ok is false if the body is not one.
func decode[T any](o *Operation, body []byte) (value T, ok bool) {
	if !decodeInto(o, body, &value) {
		var none T
		return none, false
	}
	return value, true
}

func decodeInto(o *Operation, body []byte, value any) bool {
	body = bytes.TrimSpace(body)
	if o.Empty {
		return !isFailure(o, body) && !isPage(body)
	}
	if bytes.Equal(body, []byte("null")) || isFailure(o, body) || !complete(body, o.Required) {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(value) != nil {
		return false
	}
	_, err := decoder.Token()
	return err == io.EOF
}

// complete reports whether body has all required fields, none of them null or blank. Names match as in encoding/json.
func complete(body []byte, required []string) bool {
	if len(required) == 0 {
		return true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return false
	}
	for _, name := range required {
		if raw := fieldOf(fields, name); raw == nil || isBlank(raw) {
			return false
		}
	}
	return true
}

func isBlank(raw json.RawMessage) bool {
	var s string
	return len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil && strings.TrimSpace(s) == ""
}

// isPage reports whether a body is a web page, as of a proxy's login.
func isPage(body []byte) bool {
	start := bytes.ToLower(body[:min(len(body), 16)])
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// isFailure reports whether a body with a success's status is an error: the legacy API's, a ban's, the gateway's, which
// has a request id that no success has in its body, or one by a field whose value the contract gives for a success.
func isFailure(o *Operation, body []byte) bool {
	if len(body) == 0 || body[0] != '{' {
		return false
	}
	var e envelope
	e.read(body)
	return e.refused() || e.isBan() || !isSuccess(e.Code) && e.Message != "" && e.RequestID != "" && !slices.Contains(o.OwnFields, "code") ||
		unsuccessful(o, body)
}

// unsuccessful reports whether a field of an answer has another value than a success's. An absent one says nothing.
func unsuccessful(o *Operation, body []byte) bool {
	for name, want := range o.Success {
		if raw := fieldAt(body, name); raw != nil && !strings.EqualFold(scalar(raw), want) {
			return true
		}
	}
	return false
}
