package generated

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Request is a request to an operation, for any base URL. Make one with [NewRequest]. An invalid parameter or body is kept as
// an error: [Request.Err] returns it, and the request is not sent.
type Request struct {
	Operation *Operation
	path      string      // escaped; unset parameters are in braces
	params    []parameter // of the query and the headers
	json      []byte      // the body; nil: none
	rest      rest        // nil: of a plain request
	err       error
}

type parameter struct{ in, name, value string } // the value is as it is sent

// rest is what plain requests do without. An app whose requests are all plain does not link it, nor forms if it uploads no file.
type rest interface {
	missing(o *Operation, path string, params []parameter, body bool) error
	attach(o *Operation, path string, params []parameter, r *http.Request) error // with what missing says
}

// NewRequest starts a request to an operation. The parameters of its path must be set.
func NewRequest(operation *Operation) Request {
	return Request{Operation: operation, path: operation.Path, rest: full{}}
}

// NewPlainRequest is [NewRequest] for an operation without a query, headers of its own and limits of its parameters, whose path
// needs no escapes. body is JSON, or nil for none. Neither it nor whether all parameters are set is checked.
func NewPlainRequest(operation *Operation, body []byte) Request {
	return Request{Operation: operation, path: operation.Path, json: body}
}

// SetPath sets a parameter of the path, escaped so that it stays within its segment; commas join the values of a list. It
// refuses an empty value, "." and "..", because they would change the path.
func (r *Request) SetPath(name string, values ...string) {
	r.fill(name, r.text("path", name, values, url.PathEscape))
}

// setText is SetPath for a text without limits: an app that needs no other does not link the checks.
func (r *Request) setText(name, value string) {
	if !utf8.ValidString(value) {
		r.fail(errors.New("the parameter " + name + " is not UTF-8 text"))
	}
	r.fill(name, url.PathEscape(value))
}

func (r *Request) fill(name, value string) {
	why := ""
	before, after, found := strings.Cut(r.path, "{"+name+"}")
	switch {
	case value == "" || value == "." || value == "..":
		why = "the parameter " + name + " is empty or made of dots, which would change the path"
	case !found:
		why = "the path has no parameter " + name + " that is not set"
	default:
		r.path = before + value + after
		return
	}
	r.fail(errors.New(why))
}

// AddQuery adds a parameter to the query; commas join the values of a list. Call it once per item for a list whose items are
// separate parameters.
func (r *Request) AddQuery(name string, values ...string) {
	r.add("query", name, r.text("query", name, values, url.QueryEscape))
}

// add leaves the parameters of the request's copies as they are.
func (r *Request) add(in, name, value string) {
	r.params = append(slices.Clip(r.params), parameter{in, name, value})
	if r.rest == nil {
		r.rest = full{}
	}
}

// text checks a parameter's values, and returns them as they are sent.
func (r *Request) text(in, name string, values []string, escape func(string) string) (text string) {
	parameters := cmp.Or(r.Operation, new(Operation)).Parameters
	known := slices.IndexFunc(parameters, func(p Field) bool { return p.In == in && p.Name == name })
	for i, value := range values {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			r.fail(fmt.Errorf("the parameter %q of the %s is not UTF-8 text", name, in))
		}
		if known >= 0 {
			if err := parameters[known].check(value); err != nil {
				r.fail(fmt.Errorf("the parameter %s %w", name, err))
			}
		}
		if i > 0 {
			text += ","
		}
		text += escape(value)
	}
	return text
}

// CheckHeader refuses a header that a request cannot be given: one that net/http, a proxy or the client sets, and one with a
// line break or another character that a header cannot carry. The error does not repeat the value.
func CheckHeader(name, value string) error {
	plain := strings.ToLower(strings.ReplaceAll(name, "_", "-")) // to some gateways both are the same
	switch plain {
	case "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "http2-settings",
		"keep-alive", "te", "trailer", "transfer-encoding", "upgrade", tokenHeader:
		return fmt.Errorf("the header %s is no choice: every request has it already", name)
	}
	odd := func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("()<>@,;:\\\"/[]?={}", c) }
	switch {
	case strings.HasPrefix(plain, "proxy-"):
		return fmt.Errorf("the header %s is no choice: it is for a proxy", name)
	case name == "" || strings.ContainsFunc(name, odd), !utf8.ValidString(value),
		strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
		return fmt.Errorf("the header %q has a character that a header cannot carry", name)
	}
	return nil
}

// AddHeader adds a header; commas join the values of a list. It refuses what [CheckHeader] does, and headers of every request.
func (r *Request) AddHeader(name string, values ...string) {
	value := r.text("header", name, values, strings.Clone)
	err := CheckHeader(name, value)
	switch strings.ToLower(name) {
	case "accept", "authorization", "cookie", "user-agent":
		err = fmt.Errorf("the header %s is no parameter: every request has it already", name)
	}
	r.fail(err)
	r.add("header", name, value)
}

// SetBody sets the body: value as JSON; a [json.RawMessage] is sent as it is. The operation's Content decides what else
// is done: fields with JSON in a string take any value, fields that are only read are left out, and a required list or map
// that is nil is empty. A required field that is not set, a value outside the contract's lengths and limits, and text that
// is not UTF-8 are errors of the request.
func (r *Request) SetBody(value any) {
	raw, err := encode(value)
	if err == nil && r.Operation != nil && r.Operation.Content != nil {
		_, given := value.(json.RawMessage)
		raw, err = r.Operation.Content.fitBody(raw, given)
	} else if err != nil {
		err = fmt.Errorf("the body: %w", err)
	}
	r.fail(err)
	r.json = raw
}

// SetParams adds the parameters of the query and the headers from an object with a field for each; a field that is absent or
// null adds nothing, and one that holds JSON takes any value.
func (r *Request) SetParams(params any) {
	decoded, err := plain(params)
	object, _ := decoded.(map[string]any)
	if err != nil {
		r.fail(fmt.Errorf("the parameters: %w", err))
	}
	for i := range r.Operation.Parameters {
		p := &r.Operation.Parameters[i]
		values := texts(object[p.Name], p.List)
		switch {
		case p.In == "path" || len(values) == 0:
		case p.In == "header":
			r.AddHeader(p.Name, values...)
		case p.Explode:
			for _, value := range values {
				r.AddQuery(p.Name, value)
			}
		default:
			r.AddQuery(p.Name, values...)
		}
	}
}

// Texts returns a value as text, as it stands in a path or a form: the items of a list, and nothing for nil.
func (r *Request) Texts(value any) []string {
	decoded, err := plain(value)
	r.fail(err)
	return texts(decoded, true)
}

// plain returns a value as its JSON is decoded.
func plain(value any) (any, error) {
	raw, err := encode(value)
	decoded, odd := decode[any](raw)
	return decoded, cmp.Or(err, odd)
}

func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Err returns why the request cannot be sent, or nil.
func (r *Request) Err() error {
	if r.err == nil && r.rest != nil && r.Operation != nil {
		return r.rest.missing(r.Operation, r.path, r.params, r.json != nil)
	}
	return r.err
}

// Touched reports whether a file of the request was read, so that it cannot be sent again.
func (r *Request) Touched() bool {
	f, is := r.rest.(interface{ read() bool })
	return is && f.read()
}

// full is the rest of a request whose body is no form.
type full struct{}

func (full) missing(o *Operation, path string, params []parameter, body bool) error {
	switch {
	case strings.Contains(path, "{"):
		return errors.New("a parameter of the path is not set")
	case o.Body == BodyRequired && !body:
		return errors.New("the body is not set")
	}
	for i := range o.Parameters {
		p := &o.Parameters[i]
		if _, set := find(params, p.In, p.Name); p.Required && p.In != "path" && !set {
			return errors.New("the parameter " + p.Name + " is not set")
		}
	}
	return nil
}

func (f full) attach(o *Operation, path string, params []parameter, r *http.Request) error {
	r.URL.RawPath = escaped(r.URL.RawPath)
	for _, p := range params {
		if p.in == "header" {
			r.Header.Set(p.name, p.value)
		} else {
			r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&"+url.QueryEscape(p.name)+"="+p.value, "&")
		}
	}
	return f.missing(o, path, params, r.Body != nil)
}

// find returns a parameter of the query or the headers, as it is sent.
func find(params []parameter, in, name string) (value string, found bool) {
	for _, p := range params {
		if p.in == in && (p.name == name || in == "header" && strings.EqualFold(p.name, name)) {
			return p.value, true
		}
	}
	return "", false
}

// CheckPath checks the path of an operation without a contract: it must begin with a slash, have no segment "." or "..",
// escaped or not, and hold neither control characters nor a broken escape. Other characters are escaped if need be.
func (r *Request) CheckPath() error {
	if !strings.HasPrefix(r.path, "/") || strings.HasPrefix(r.path, "//") || strings.ContainsAny(r.path, "?#\\{}") {
		return errors.New("the path is not one below the base URL")
	}
	for segment := range strings.SplitSeq(r.path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || plain == "." || plain == ".." || !utf8.ValidString(plain) || strings.ContainsFunc(segment, unicode.IsControl) {
			return errors.New("a segment of the path is made of dots, not escaped, not UTF-8 text, or holds a control character")
		}
	}
	return nil
}

// escaped escapes the characters that a path cannot hold as they are: otherwise net/url would undo the escapes of all.
func escaped(path string) string {
	var all []byte
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>?\\^`{|}", c) >= 0 {
			all = fmt.Appendf(all, "%%%02X", c)
		} else {
			all = append(all, c)
		}
	}
	return string(all)
}

// String names only the operation: parameters and body may be secret.
func (r Request) String() string {
	if r.Operation == nil {
		return "generated.Request"
	}
	return "generated.Request(" + r.Operation.Method + " " + r.Operation.Path + ")"
}

// Format is String for every verb of fmt.
func (r Request) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, r.String()) }

// Page returns the request of another page: a copy with the operation's Paging.In set.
func (r Request) Page(value string) Request {
	p := r.Operation.Paging
	if p.Query {
		r.params = slices.DeleteFunc(slices.Clone(r.params), func(q parameter) bool { return q.in == "query" && q.name == p.In })
		r.AddQuery(p.In, value)
		return r
	}
	object := r.object()
	if object[p.In] = json.Number(value); p.Text {
		object[p.In] = value
	}
	raw, err := encode(object)
	r.fail(err)
	r.json = raw
	return r
}

// object returns the fields of a body in JSON.
func (r *Request) object() map[string]any {
	object, err := decode[map[string]any](r.json)
	if err != nil && r.json != nil {
		r.fail(errors.New("the body is no object"))
	}
	if object == nil {
		object = map[string]any{}
	}
	return object
}

// Sent returns a parameter of the query, or a field of the body, as text; it is empty if it is not part of the request.
func (r *Request) Sent(name string, query bool) string {
	if !query {
		return strings.Join(texts(r.object()[name], false), "")
	}
	value, _ := find(r.params, "query", name)
	value, _ = url.QueryUnescape(value) // which QueryEscape made
	return value
}
