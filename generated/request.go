package generated

import (
	"bytes"
	"context"
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
	path      string // escaped; unset parameters are in braces
	query     string // escaped
	header    []headerField
	body      []byte
	form      *form // instead of body
	hasBody   bool
	err       error
}

type headerField struct{ name, value string }

// NewRequest starts a request to an operation. The parameters of its path must be set.
func NewRequest(operation *Operation) Request {
	return Request{Operation: operation, path: operation.Path}
}

// SetPath sets a parameter of the path, escaped so that it stays within its segment; commas join the values of a list. It refuses an empty value,
// "." and "..", because they would change the path.
func (r *Request) SetPath(name string, values ...string) {
	r.checkText("path", name, values)
	escaped := ""
	for i, value := range values {
		if i > 0 {
			escaped += ","
		}
		escaped += url.PathEscape(value)
	}
	if escaped == "" || escaped == "." || escaped == ".." {
		r.fail(errors.New("the parameter " + name + " is empty or made of dots, which would change the path"))
		return
	}
	r.checkParameter("path", name, values)
	filled := strings.Replace(r.path, "{"+name+"}", escaped, 1)
	if filled == r.path {
		r.fail(errors.New("the path has no parameter " + name + " that is not set"))
	}
	r.path = filled
}

// AddQuery adds a parameter to the query; commas join the values of a list. Call it once per item for a list whose items are
// separate parameters.
func (r *Request) AddQuery(name string, values ...string) {
	r.checkText("query", name, values)
	r.checkParameter("query", name, values)
	if r.query != "" {
		r.query += "&"
	}
	r.query += url.QueryEscape(name) + "="
	for i, value := range values {
		if i > 0 {
			r.query += ","
		}
		r.query += url.QueryEscape(value)
	}
}

// checkText refuses what the service would read as other text.
func (r *Request) checkText(in, name string, values []string) {
	if !utf8.ValidString(name) || slices.ContainsFunc(values, func(value string) bool { return !utf8.ValidString(value) }) {
		r.fail(fmt.Errorf("the parameter %q of the %s is not UTF-8 text", name, in))
	}
}

// CheckHeader refuses a header that a request cannot be given: one that net/http, a proxy or the client sets, and one with a
// line break or another character that a header cannot carry. The error does not repeat the value.
func CheckHeader(name, value string) error {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "-")) { // to some gateways both are the same
	case "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "http2-settings",
		"keep-alive", "te", "trailer", "transfer-encoding", "upgrade", tokenHeader:
		return fmt.Errorf("the header %s is no choice: every request has it already", name)
	}
	switch {
	case strings.HasPrefix(strings.ToLower(name), "proxy-"):
		return fmt.Errorf("the header %s is no choice: it is for a proxy", name)
	case name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("()<>@,;:\\\"/[]?={}", c) }):
		return fmt.Errorf("the header %q has a character that a header cannot carry", name)
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) || !utf8.ValidString(value):
		return fmt.Errorf("the header %s has a character that a header cannot carry", name)
	}
	return nil
}

// AddHeader adds a header; commas join the values of a list. It refuses what [CheckHeader] does, and headers of every request.
func (r *Request) AddHeader(name string, values ...string) {
	value := strings.Join(values, ",")
	err := CheckHeader(name, value)
	switch strings.ToLower(name) {
	case "accept", "authorization", "cookie", "user-agent":
		err = fmt.Errorf("the header %s is no parameter: every request has it already", name)
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.checkParameter("header", name, values)
	r.header = append(r.header, headerField{name, value})
}

func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Err returns why the request cannot be sent, or nil.
func (r *Request) Err() error {
	if r.err != nil || r.Operation == nil {
		return r.err
	}
	if strings.Contains(r.path, "{") {
		return errors.New("a parameter of the path is not set")
	}
	for i := range r.Operation.Parameters {
		if p := &r.Operation.Parameters[i]; p.Required && !r.has(p) {
			return errors.New("the parameter " + p.Name + " is not set")
		}
	}
	if r.Operation.Body == BodyRequired && !r.hasBody {
		return errors.New("the body is not set")
	}
	if c := r.Operation.Content; c != nil && c.Type == "form" && r.hasBody {
		for _, f := range c.Fields {
			if f.Required && (r.form == nil || !r.form.set[f.Name]) {
				return errors.New("the field " + f.Name + " of the body is not set")
			}
		}
	}
	return nil
}

// has reports whether a parameter of the query or the headers is set.
func (r *Request) has(p *Field) bool {
	switch p.In {
	case "query":
		return strings.Contains("&"+r.query, "&"+url.QueryEscape(p.Name)+"=")
	case "header":
		return slices.ContainsFunc(r.header, func(h headerField) bool { return strings.EqualFold(h.name, p.Name) })
	default:
		return true
	}
}

// CheckPath checks the path of an operation without a contract: it must begin with a slash, have no segment "." or "..",
// escaped or not, and hold neither control characters nor a broken escape. Other characters are escaped if need be.
func (r *Request) CheckPath() error {
	if !strings.HasPrefix(r.path, "/") || strings.HasPrefix(r.path, "//") || strings.ContainsAny(r.path, "?#\\{}") {
		return errors.New("the path is not one below the base URL")
	}
	for segment := range strings.SplitSeq(r.path, "/") {
		plain, err := url.PathUnescape(segment)
		switch {
		case err != nil || plain == "." || plain == "..":
			return errors.New("a segment of the path is made of dots, or not escaped")
		case !utf8.ValidString(plain) || strings.ContainsFunc(segment, unicode.IsControl):
			return errors.New("the path is not UTF-8 text, or holds a control character")
		}
	}
	return nil
}

// escaped escapes the characters that a path cannot hold as they are: otherwise net/url would undo the escapes of all.
func escaped(path string) string {
	const odd = " \"#<>?\\^`{|}"
	if !strings.ContainsFunc(path, func(c rune) bool { return c < ' ' || c >= 0x7f || strings.ContainsRune(odd, c) }) {
		return path
	}
	var out strings.Builder
	for i := range len(path) {
		if c := path[i]; c < ' ' || c >= 0x7f || strings.IndexByte(odd, c) >= 0 {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
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

// URL returns the request's URL below a base URL without a slash at its end.
func (r *Request) URL(base *url.URL) (*url.URL, error) {
	target := *base
	target.RawPath = target.EscapedPath() + escaped(r.path)
	var err error
	if target.Path, err = url.PathUnescape(target.RawPath); err != nil {
		return nil, err
	}
	target.RawQuery = r.query
	return &target, nil
}

// RequestEditorFn changes a request before it is sent.
type RequestEditorFn func(ctx context.Context, req *http.Request) error

// HTTPRequestDoer sends requests, as *http.Client does.
type HTTPRequestDoer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Client sends the requests of the contract, without time limits, checks of answers or retries.
type Client struct {
	// Server is the base URL, such as ServerURLInternational. Its path has no slash at the end.
	Server *url.URL
	// Client sends the requests.
	Client HTTPRequestDoer
	// Header, if set, is part of every request. Requests without a body, own headers or editors share this map: nothing may
	// change it, neither Client nor its transport.
	Header http.Header
	// RequestEditors change every request, before the editors of a call.
	RequestEditors []RequestEditorFn
}

// ClientOption configures NewClient.
type ClientOption func(*Client) error

// NewClient makes a client for a base URL, with a new http.Client unless an option sets another.
func NewClient(server string, opts ...ClientOption) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil {
		return nil, err
	}
	client := Client{Server: base}
	for _, opt := range opts {
		if err := opt(&client); err != nil {
			return nil, err
		}
	}
	if client.Client == nil {
		client.Client = &http.Client{}
	}
	return &client, nil
}

// WithHTTPClient sends requests through doer.
func WithHTTPClient(doer HTTPRequestDoer) ClientOption {
	return func(c *Client) error {
		c.Client = doer
		return nil
	}
}

// WithRequestEditorFn adds an editor for every request.
func WithRequestEditorFn(fn RequestEditorFn) ClientOption {
	return func(c *Client) error {
		c.RequestEditors = append(c.RequestEditors, fn)
		return nil
	}
}

// Send sends a request to the client's server.
func (c *Client) Send(ctx context.Context, r Request, editors ...RequestEditorFn) (*http.Response, error) {
	if err := r.Err(); err != nil {
		return nil, err
	}
	target, err := r.URL(c.Server)
	if err != nil {
		return nil, err
	}
	// http.NewRequest would parse the URL again, and allocate another header.
	req := (&http.Request{
		Method: r.Operation.Method, URL: target, Host: target.Host, Header: c.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if req.Header == nil {
		req.Header = http.Header{}
	} else if r.hasBody || len(r.header)+len(c.RequestEditors)+len(editors) > 0 {
		req.Header = req.Header.Clone()
	}
	for _, field := range r.header {
		req.Header.Set(field.name, field.value)
	}
	switch {
	case r.form != nil:
		r.form.attach(req)
	case r.hasBody:
		attachBody(req, r.body)
	}
	for _, edit := range c.RequestEditors {
		if err := edit(ctx, req); err != nil {
			return nil, err
		}
	}
	for _, edit := range editors {
		if err := edit(ctx, req); err != nil {
			return nil, err
		}
	}
	return c.Client.Do(req)
}

func attachBody(req *http.Request, body []byte) {
	req.Header.Set("Content-Type", "application/json")
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
}
