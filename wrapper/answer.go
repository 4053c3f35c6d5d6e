package dingtalk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// object is the text of a JSON object, or empty. It is the one reader of fields that no type declares: it decodes nothing
// that nobody asks for, whatever a body holds. Its fields say nothing before its text was found to be valid.
type object string

// objectOf returns a body that begins as an object does; any other is empty.
func objectOf(body []byte) object {
	trimmed := string(bytes.TrimLeft(body, " \t\r\n"))
	return object(when(strings.HasPrefix(trimmed, "{"), trimmed))
}

// next returns the first field, as it stands there, and what follows it. After the last field there is no name, not even "".
func (o object) next() (name, value string, others object) {
	name, rest := split(strings.TrimPrefix(string(o), "{"))
	value, rest = split(rest)
	return name, value, object(rest)
}

// split splits JSON after its first value. There is none before the end of an object or a list.
func split(s string) (value, rest string) {
	for s != "" && (s[0] <= ' ' || s[0] == ',' || s[0] == ':') {
		s = s[1:]
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case ' ', '\t', '\r', '\n', ',', ':', '}', ']':
			if depth == 0 {
				return s[:i], s[i:]
			}
			if s[i] == '}' || s[i] == ']' {
				depth--
			}
		}
	}
	return s, ""
}

// field returns a field as it stands there, or nothing if it is absent or null. Names match as in encoding/json: none is
// longer than its JSON. A field of an object is object.field.
func (o object) field(name string) (value string) {
	exact := false
	for raw, found, rest := o.next(); raw != "" && name != ""; raw, found, rest = rest.next() {
		if other, _ := unquote(when(len(raw) >= len(`""`)+len(name), raw)); other == name || !exact && strings.EqualFold(other, name) {
			value, exact = found, exact || other == name
		}
	}
	if outer, inner, nested := strings.Cut(name, "."); nested && value == "" {
		return object(o.field(outer)).field(inner)
	}
	return when(value != "null", value)
}

// scalar returns the text of a JSON string, or of any other scalar; it is empty for null, an object and a list.
func scalar(raw string) string {
	switch {
	case raw == "" || raw == "null" || raw[0] == '{' || raw[0] == '[':
		return ""
	case raw[0] != '"':
		return raw
	}
	if text, err := unquote(raw); err == nil {
		return text
	}
	var text string // on the heap, so only here
	_ = json.Unmarshal([]byte(raw), &text)
	return text
}

// unquote decodes a JSON string, unless it holds surrogates, as no field's name does. It is far cheaper than encoding/json.
func unquote(raw string) (string, error) { return strconv.Unquote(strings.ReplaceAll(raw, `\/`, "/")) }

// decoders is a pool: a new decoder grows a buffer for its answer. last is the size of the answer before.
var decoders = sync.Pool{New: func() any {
	var from bytes.Reader
	decoder := json.NewDecoder(&from)
	decoder.UseNumber()
	return func(body []byte, value any) (last int64, err error) {
		last = from.Size()
		from.Reset(body)
		return last, decoder.Decode(value)
	}
}}

// decodeJSON decodes a body of one value, and keeps every digit of a number in a value of type any. It looks at every byte of
// the body's JSON before it touches the value, and at none behind it.
func decodeJSON(body []byte, value any) bool {
	decoder := decoders.Get().(func([]byte, any) (int64, error))
	last, err := decoder(body, value)
	if err == nil && last <= max(64<<10, int64(2*len(body))) { // after an error it would go on with the rest of this body
		decoders.Put(decoder)
	}
	return err == nil
}

// succeeds reports whether an operation answers a success with status.
func succeeds(o *generated.Operation, status int) bool {
	return status == o.Status || o.Status == 0 && status/100 == 2
}

// decode decodes the body of a success, whose fields are answer, into value, and reports whether it is one.
func decode(o *generated.Operation, answer object, body []byte, value any) bool {
	e := read(answer)
	switch {
	case e.fails(o) || unsuccessful(o, answer):
		return o.Empty && !json.Valid(body)
	case o.Empty:
		return !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) // a proxy's login page is no success
	}
	for _, name := range o.Required { // neither absent, nor null, nor blank
		if raw := answer.field(name); raw == "" || raw[0] == '"' && strings.TrimSpace(scalar(raw)) == "" {
			return false
		}
	}
	ok := strings.TrimRight(string(e.rest), " \t\r\n") == "}" || answer == "" && string(bytes.TrimSpace(body)) != "null" && json.Valid(body)
	return ok && decodeJSON(body, value)
}

// fails reports whether an answer with a success's status is an error: the legacy API's, a ban's, or the gateway's, which
// has a request id that no success has in its body.
func (e *envelope) fails(o *generated.Operation) bool {
	return e.refused() || e.isBan() || !isSuccess(e.code) && e.message != "" && e.requestID != "" && !slices.Contains(o.OwnFields, "code")
}

// unsuccessful reports whether a field of an answer has another value than a success's. An absent one says nothing.
func unsuccessful(o *generated.Operation, answer object) (is bool) {
	for _, want := range o.Success {
		raw := answer.field(want.Name)
		is = is || raw != "" && !strings.EqualFold(scalar(raw), want.Value)
	}
	return is
}

// envelope is an error's body of every observed form: the gateway's, the legacy API's, and a banned address's.
type envelope struct {
	code, message, requestID string
	scopes                   []string

	legacyCode, subCode, legacyMessage string
	otherCode, otherMessage            string // beside a field such as success: false
	status, punish                     string
	rest                               object // behind the fields
}

// read reads an answer, whatever the case of its fields' names.
func read(answer object) (e envelope) {
	fields := [...]struct {
		name string
		to   *string
	}{
		{"code", &e.code}, {"message", &e.message}, {"requestid", &e.requestID},
		{"errcode", &e.legacyCode}, {"sub_code", &e.subCode}, {"errmsg", &e.legacyMessage},
		{"errorcode", &e.otherCode}, {"errormsg", &e.otherMessage}, {"errormessage", &e.otherMessage},
		{"status", &e.status}, {"punish", &e.punish}, {"accessdenieddetail", new(string)},
	}
	quoted, raw, last := "", "", [len(fields)]string{} // of a field that is repeated, only the last text is decoded
	for quoted, raw, e.rest = answer.next(); quoted != ""; quoted, raw, e.rest = e.rest.next() {
		if len(quoted) < len(`"code"`) { // the shortest: an answer of 1 MiB may hold 170,000 fields
			continue
		}
		name, _ := strconv.Unquote(quoted) // none of these names has a slash
		for i := range fields {
			if len(name) == len(fields[i].name) && strings.EqualFold(name, fields[i].name) {
				last[i] = raw
			}
		}
	}
	for i, raw := range last {
		*fields[i].to = cmp.Or(scalar(raw), *fields[i].to)
	}
	if detail := object(last[len(last)-1]); detail != "" {
		var scopes []string                                                 // on the heap, so only here
		_ = json.Unmarshal([]byte(detail.field("requiredScopes")), &scopes) // of another type, it says nothing
		e.scopes = scopes
	}
	return e
}

// isBan reports whether the body is the whole answer to a banned address. A name of it alone may be a success's field or
// an echo of the request.
func (e *envelope) isBan() bool { return e.status == "1111" && e.punish != "" && e.code == "" }

// error returns the code and message of either API. For errors of its gateway, the legacy API answers a general code
// and a sub_code, which is given if the operation's contract lists it; of the code 88 the sub_code decides even if it is not known.
func (e *envelope) error(o *generated.Operation) (code, message string) {
	if isSuccess(e.code) && e.refused() {
		if !isSuccess(e.subCode) && e.legacyCode == "88" || o.Rule(e.subCode) != nil {
			return e.subCode, e.legacyMessage
		}
		return e.legacyCode, e.legacyMessage
	}
	message = cmp.Or(e.message, e.otherMessage)
	if e.legacyCode == "" {
		message = cmp.Or(message, e.legacyMessage)
	}
	return cmp.Or(e.code, e.otherCode), message
}

// refused reports whether the body is an error of the legacy API.
func (e *envelope) refused() bool { return !isSuccess(e.legacyCode) }

// isSuccess reports whether a code is none, or that of a success in any spelling of the number.
func isSuccess(code string) bool {
	if code == "" || code == "0" {
		return true
	}
	n, err := strconv.ParseFloat(code, 64)
	return err == nil && (n == 0 || n == http.StatusOK)
}
