package generated

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
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

// SetBody sets the body: value as JSON; a [json.RawMessage] is sent as it is. The operation's Content decides what else
// is done: fields with JSON in a string take any value, fields that are only read are left out, and a required list or map
// that is nil is empty. A required field that is not set, a value outside the contract's lengths and limits, and text that
// is not UTF-8 are errors of the request.
func (r *Request) SetBody(value any) {
	body, err := encodeText(value)
	if err != nil {
		r.fail(fmt.Errorf("the body: %w", err))
		return
	}
	if r.Operation != nil && r.Operation.Content != nil {
		_, given := value.(json.RawMessage)
		if body, err = r.Operation.Content.fit(body, "", given); err != nil {
			r.fail(err)
			return
		}
	}
	r.body, r.hasBody = body, true
}

// AddFile adds a file to a body of multipart/form-data. A name with a line break or another control character is an error of
// the request.
func (r *Request) AddFile(name string, file File) {
	if file.Content == nil || file.Name == "" {
		r.fail(errors.New("the file " + name + " has no name or no content"))
		return
	}
	if file.MediaType == "" {
		file.MediaType = "application/octet-stream"
	}
	r.addPart(name, file.Name, file.MediaType)
	if r.err != nil {
		return
	}
	f := r.form
	f.files, f.ends = append(f.files, file.Content), append(f.ends, f.body.Len())
	if size := sizeOf(file.Content); size < 0 || f.size < 0 {
		f.size = -1
	} else {
		f.size += size
	}
}

// AddField adds a field that is no file to a body of multipart/form-data, once for each value.
func (r *Request) AddField(name string, values ...string) {
	for _, value := range values {
		if r.addPart(name, "", ""); r.err == nil {
			r.form.body.WriteString(value)
		}
	}
}

func (r *Request) addPart(name, file, mediaType string) {
	if strings.ContainsFunc(name+file+mediaType, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.fail(fmt.Errorf("the name of the field %q, or of its file, has a control character", name))
		return
	}
	if r.form == nil {
		r.form = &form{set: map[string]bool{}}
		r.form.writer = multipart.NewWriter(&r.form.body)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + quote(name) + `"`}}
	if mediaType != "" {
		header.Set("Content-Disposition", header.Get("Content-Disposition")+`; filename="`+quote(file)+`"`)
		header.Set("Content-Type", mediaType)
	}
	_, err := r.form.writer.CreatePart(header)
	if err != nil { // a buffer takes everything
		r.fail(err)
	}
	r.form.set[name], r.hasBody = true, true
}

// SetParams adds the parameters of the query and the headers from an object with a field for each; a field that is absent or
// null adds nothing, and one that holds JSON takes any value.
func (r *Request) SetParams(params any) {
	object := map[string]json.RawMessage{}
	raw, err := encodeText(params)
	if err = cmp.Or(err, json.Unmarshal(raw, &object)); err != nil {
		r.fail(fmt.Errorf("the parameters: %w", err))
		return
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
	raw, err := encodeText(value)
	if err != nil {
		r.fail(err)
	}
	return texts(raw, true)
}

// texts returns the text of a value, or of a list's items.
func texts(raw json.RawMessage, list bool) (all []string) {
	items := []json.RawMessage{raw}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil
	case list && raw[0] == '[':
		_ = json.Unmarshal(raw, &items) // which encoding/json wrote
	}
	for _, item := range items {
		text := ""
		if json.Unmarshal(item, &text) != nil {
			text = string(item)
		}
		all = append(all, text)
	}
	return all
}

// checkParameter holds a parameter to its limits in the contract.
func (r *Request) checkParameter(in, name string, values []string) {
	if r.Operation == nil {
		return
	}
	for i := range r.Operation.Parameters {
		p := &r.Operation.Parameters[i]
		if p.In != in || p.Name != name {
			continue
		}
		for _, value := range values {
			var err error
			switch {
			case p.JSON && !json.Valid([]byte(value)):
				err = errors.New("is a text that is not JSON")
			case p.JSON && p.MaxBytes > 0 && len(value) > p.MaxBytes:
				err = fmt.Errorf("is %d bytes of JSON, and at most %d are allowed", len(value), p.MaxBytes)
			case p.Type == "string":
				err = p.limitText(value)
			case p.Type == "integer", p.Type == "number":
				err = p.limitNumber(value)
			}
			if err != nil {
				r.fail(fmt.Errorf("the parameter %s %w", name, err))
			}
		}
	}
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

// Page returns the request of another page: a copy with the operation's Paging.In set.
func (r Request) Page(value string) Request {
	p := r.Operation.Paging
	if p.Query {
		pairs := slices.DeleteFunc(strings.Split(r.query, "&"), func(pair string) bool {
			return pair == "" || strings.HasPrefix(pair, url.QueryEscape(p.In)+"=")
		})
		r.query = strings.Join(pairs, "&")
		r.AddQuery(p.In, value)
		return r
	}
	object := map[string]json.RawMessage{}
	if r.hasBody && string(r.body) != "null" {
		if err := json.Unmarshal(r.body, &object); err != nil {
			r.fail(err)
			return r
		}
	}
	object[p.In] = json.RawMessage(value)
	if p.Text {
		object[p.In], _ = json.Marshal(value) // a string
	}
	body, err := encode(object)
	if err != nil {
		r.fail(err)
	}
	r.body, r.hasBody = body, true
	return r
}

// Sent returns a parameter of the query, or a field of the body, as text; it is empty if it is not part of the request.
func (r *Request) Sent(name string, query bool) string {
	if query {
		values, _ := url.ParseQuery(r.query)
		return values.Get(name)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(r.body, &object) != nil {
		return ""
	}
	return strings.Trim(string(object[name]), `"`)
}

// Streamed reports whether the request has files.
func (r *Request) Streamed() bool { return r.form != nil }

// Touched reports whether a file of the request was read, so that it cannot be sent again.
func (r *Request) Touched() bool {
	r.form.mu.Lock()
	defer r.form.mu.Unlock()
	return r.form.touched
}

// Finish ends the reading of the request's files.
func (r *Request) Finish() {
	r.form.mu.Lock()
	r.form.finished = true
	r.form.mu.Unlock()
}
