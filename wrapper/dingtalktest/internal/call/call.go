// Package call is one request to the emulator, as the contract reads it: which operation it is of, what its parameters and
// its body are, and what it lacks.
package call

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Call is one request on its way through the emulator.
type Call struct {
	Request *http.Request
	Now     time.Time // when it arrived, by the emulator's clock
	Path    string    // escaped
	Route   *Route    // one without an ID if no operation has this method and path
	Params  []string  // values of the path's parameters, in its order
	Body    []byte    // once it was received
	failed  bool      // the body was too long, or ended early
}

// New finds the operation of a request.
func New(routes []*Route, r *http.Request, now time.Time) Call {
	c := Call{Request: r, Now: now, Path: wirePath(r.URL)}
	c.Route, c.Params = match(routes, r.Method, c.Path)
	return c
}

// Token is the access token of the request, from where its operation carries it.
func (c *Call) Token() string {
	if c.Route.Legacy() {
		return c.Request.URL.Query().Get(c.Route.Operation.TokenQuery)
	}
	return c.Request.Header.Get(generated.TokenHeader)
}

// ChatID is the chat id in the request's path or query, decoded, or empty.
func (c *Call) ChatID() string {
	if i := slices.Index(c.Route.names, chatParam); i >= 0 {
		return c.Params[i]
	}
	for _, p := range c.Route.Parameters {
		if p.In == "query" && strings.EqualFold(p.Name, chatParam) {
			return c.Request.URL.Query().Get(p.Name)
		}
	}
	return ""
}

// Field is a text of the body's object, or empty.
func (c *Call) Field(name string) string {
	var object map[string]json.RawMessage
	var text string
	_ = json.Unmarshal(c.Body, &object) // What is no object has no field.
	_ = json.Unmarshal(object[name], &text)
	return text
}

// The most bytes of a body that are read; a token request takes about a hundred. The service's own limits are not known.
const (
	bodyLimit   = 64 << 10
	uploadLimit = 32 << 20 // of a request with files
)

func limitOf(r *http.Request) int64 {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return uploadLimit
	}
	return bodyLimit
}

// Receive reads the body. It returns false if that does not arrive in time: half a request would otherwise hold its connection
// for ever. net/http notices that a client has left only once the body is read, and closing a connection that holds unread
// bytes resets it before the client has read what was sent.
func (c *Call) Receive(w http.ResponseWriter, within time.Duration) (complete bool) {
	r := c.Request
	if r.Body == nil || r.Body == http.NoBody {
		return true
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(within)) // Not every writer of a test has one.
	body, err := io.ReadAll(io.LimitReader(r.Body, limitOf(r)+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	c.failed = err != nil || int64(len(body)) > limitOf(r)
	// What is left of a longer body, net/http reads or gives up by the same deadline.
	if int64(len(body)) <= limitOf(r) {
		_ = connection.SetReadDeadline(time.Time{})
	}
	c.Body, c.Request = body, new(http.Request)
	*c.Request = *r
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	return true
}

// Route is one operation and where it is.
type Route struct {
	generated.Route
	Own   bool           // it is this contract's own operation, not a foreign one of the same name
	place string         // the path with parameter in the place of each parameter
	form  *regexp.Regexp // of an escaped path
	names []string       // of the path's parameters, in its order
}

// parameter comes after all text, so that of two places that match a path, that with more text comes first.
const parameter = "\xff"

// Own are the operations of the contract. They are not to be changed.
var Own = Table(nil, generated.Routes)

// Legacy reports whether an operation is one of the API that came before, which carries the token in its URL.
func (r *Route) Legacy() bool { return r.Operation.TokenQuery != "" }

// chatParam is the chat id's name in the contract.
var chatParam = inBraces.FindStringSubmatch(generated.OperationChatIDToOpenConversationID.Path)[1]

// Table adds operations to a table, which is not changed. An operation takes the place of one with its ID, or with its
// method and path; the token's operation is replaced by its path alone, since no client gets a token otherwise. Of two that
// match a path, the one comes first whose segment is no parameter.
func Table(routes []*Route, added []generated.Route) []*Route {
	result := slices.Clone(routes)
	for _, a := range added {
		r := newRoute(a)
		result = slices.DeleteFunc(result, func(old *Route) bool {
			sameID := old.Operation.ID == a.Operation.ID && a.Operation.ID != generated.OperationGetAccessToken.ID
			return sameID || old.Operation.Method == a.Operation.Method && old.place == r.place
		})
		result = append(result, r)
	}
	slices.SortStableFunc(result, func(a, b *Route) int { return strings.Compare(a.place, b.place) })
	return result
}

func newRoute(described generated.Route) *Route {
	path := described.Operation.Path
	if server, err := url.Parse(described.Operation.Server); err == nil {
		path = server.EscapedPath() + path
	}
	r := &Route{Route: described, place: inBraces.ReplaceAllString(path, parameter)}
	r.Own = slices.ContainsFunc(generated.Routes, func(own generated.Route) bool { return reflect.DeepEqual(own.Operation, described.Operation) })
	for _, name := range inBraces.FindAllStringSubmatch(path, -1) {
		r.names = append(r.names, name[1])
	}
	text := inBraces.Split(path, -1)
	for i := range text {
		text[i] = regexp.QuoteMeta(text[i])
	}
	r.form = regexp.MustCompile("^" + strings.Join(text, "([^/]+?)") + "$")
	return r
}

var inBraces = regexp.MustCompile(`\{([^{}]*)\}`)

// wirePath is a request's path as it came. [url.URL.EscapedPath] would encode it anew if one character of it should have
// been escaped and was not, and lose the difference between a slash and %2F.
func wirePath(u *url.URL) string {
	if u.RawPath != "" {
		if path, err := url.PathUnescape(u.RawPath); err == nil && path == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// match finds the operation of a method and an escaped path. [http.ServeMux] is no use here: it answers a path such as
// a//b or a/../b with a redirect, and the gateway does not.
func match(routes []*Route, method, path string) (*Route, []string) {
routes:
	for _, r := range routes {
		if r.Operation.Method != method {
			continue
		}
		values := r.form.FindStringSubmatch(path)
		if values == nil {
			continue
		}
		for i, escaped := range values {
			value, err := url.PathUnescape(escaped)
			// A dot segment changes the path, wherever on the way it is resolved.
			if err != nil || value == "." || value == ".." {
				continue routes
			}
			values[i] = value
		}
		return r, values[1:]
	}
	return &Route{Route: generated.Route{Operation: new(generated.Operation)}}, nil
}

// UnderGateway reports whether a path begins as those of the gateway's operations do, with the version of the API.
func UnderGateway(routes []*Route, path string) bool {
	for _, r := range routes {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.place, "/"), "/")
		rest, ok := strings.CutPrefix(path, "/"+first)
		if ok && !r.Legacy() && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// Lack is what a request lacks, or has in a wrong form.
type Lack struct {
	Field string         // of the body as in a.b[0], or a parameter; empty: the body as a whole
	Code  generated.Code // synthetic: made as those of the token call are, whose fields have codes such as MissingappKey
	Why   string         // what follows the code's message
}

func missing(name string) *Lack { return &Lack{name, generated.Code("Missing" + name), ""} }

func invalid(name, format string, args ...any) *Lack {
	return &Lack{name, generated.Code("Invalid" + name), " (" + name + " " + fmt.Sprintf(format, args...) + ")"}
}

// malformed is a value of a wrong type.
func malformed(name, format string, args ...any) *Lack {
	return &Lack{"", generated.CodeInvalidBody, " (" + cmp.Or(name, "the body") + " " + fmt.Sprintf(format, args...) + ")"}
}

// Lacks returns what the request lacks of what the contract says, or nil.
func (c *Call) Lacks() *Lack {
	query := c.Request.URL.Query()
	for _, p := range c.Route.Parameters {
		var values []string
		switch p.In {
		case "path":
			if i := slices.Index(c.Route.names, p.Name); i >= 0 {
				values = []string{c.Params[i]}
			}
		case "query":
			values = query[p.Name]
		case "header":
			values = c.Request.Header.Values(p.Name)
		}
		if p.List && !p.Explode {
			values = strings.Split(strings.Join(values, ","), ",")
		}
		if p.Required && (len(values) == 0 || values[0] == "") {
			return missing(p.Name)
		}
		for _, value := range values {
			if value != "" && !fits(value, p.Type) || p.JSON && !json.Valid([]byte(value)) {
				return invalid(p.Name, "is not of type %s", p.Type)
			}
		}
	}
	return c.lacksBody()
}

func fits(value, kind string) bool {
	var err error
	switch kind {
	case "integer":
		_, err = strconv.ParseInt(value, 10, 64)
		if err != nil {
			_, err = strconv.ParseUint(value, 10, 64)
		}
	case "number":
		_, err = strconv.ParseFloat(value, 64)
	case "boolean":
		_, err = strconv.ParseBool(value)
	}
	return err == nil
}

func (c *Call) lacksBody() *Lack {
	content := c.Route.Content
	switch {
	case c.Route.Body == generated.BodyNone:
		return nil
	case c.failed:
		return malformed("", "is too long, or ends early")
	case content != nil && content.Type == "form":
		return c.lacksForm()
	case len(c.Body) == 0 && c.Route.Body == generated.BodyOptional:
		return nil
	case len(c.Body) == 0 || !c.isJSON():
		return &Lack{"", generated.CodeMissingBody, ""}
	}
	var body any
	decoder := json.NewDecoder(bytes.NewReader(c.Body))
	decoder.UseNumber()
	if !json.Valid(c.Body) || decoder.Decode(&body) != nil {
		return malformed("", "is not JSON")
	}
	if content == nil {
		return nil
	}
	if body == nil && content.Type == "object" {
		body = map[string]any{}
	}
	return lacks(content, body, "")
}

// lacks compares a value with a field, which is at a place in the body. null counts as absent.
func lacks(f *generated.Field, value any, at string) *Lack {
	if f.List {
		items, ok := value.([]any)
		switch {
		case !ok:
			return malformed(at, "is not a list")
		case len(items) < f.MinItems || f.MaxItems > 0 && len(items) > f.MaxItems:
			return invalid(at, "has %d items", len(items))
		}
		item := *f
		item.List, item.Required = false, false
		for i := range items {
			if lack := lacks(&item, items[i], fmt.Sprintf("%s[%d]", at, i)); lack != nil {
				return lack
			}
		}
		return nil
	}
	switch f.Type {
	case "string":
		return lacksText(f, value, at)
	case "object":
		return lacksFields(f, value, at)
	case "integer", "number":
		given, _ := value.(json.Number)
		n, ok := new(big.Rat).SetString(string(given))
		if !ok || f.Type == "integer" && !n.IsInt() {
			return malformed(at, "is not a number of type %s", f.Type)
		}
		least, low := new(big.Rat).SetString(f.Minimum)
		most, high := new(big.Rat).SetString(f.Maximum)
		if low && n.Cmp(least) < 0 || high && n.Cmp(most) > 0 {
			return invalid(at, "is %s", given)
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return malformed(at, "is not true or false")
		}
	}
	return nil
}

func lacksText(f *generated.Field, value any, at string) *Lack {
	text, ok := value.(string)
	switch n := utf8.RuneCountInString(text); {
	case !ok:
		return malformed(at, "is not a string")
	case n == 0 && f.Required:
		return missing(at)
	case n < f.MinLength || f.MaxLength > 0 && n > f.MaxLength:
		return invalid(at, "has %d characters", n)
	case f.JSON && !json.Valid([]byte(text)):
		return invalid(at, "is not JSON")
	case f.MaxBytes > 0 && len(text) > f.MaxBytes:
		lack := invalid(at, "has %d bytes", len(text))
		lack.Field += ".TooLong"
		return lack
	}
	return nil
}

func lacksFields(f *generated.Field, value any, at string) *Lack {
	object, ok := value.(map[string]any)
	if !ok {
		return malformed(at, "is not an object")
	}
	for i := range f.Fields {
		inner := &f.Fields[i]
		place := strings.TrimPrefix(at+"."+inner.Name, ".")
		value, given := object[inner.Name]
		var lack *Lack
		switch {
		case inner.ReadOnly:
		case value != nil:
			lack = lacks(inner, value, place)
		case inner.Required && (!given || !inner.Nullable):
			lack = missing(place)
		}
		if lack != nil {
			return lack
		}
	}
	return nil
}

// lacksForm is lacksBody for multipart/form-data.
func (c *Call) lacksForm() *Lack {
	_, params, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return &Lack{"", generated.CodeMissingBody, ""}
	}
	form, err := multipart.NewReader(bytes.NewReader(c.Body), params["boundary"]).ReadForm(uploadLimit)
	if err != nil {
		return malformed("", "is not a form")
	}
	for _, f := range c.Route.Content.Fields {
		if f.Required && len(form.Value[f.Name])+len(form.File[f.Name]) == 0 || f.Type == "file" && len(form.Value[f.Name]) > 0 {
			return missing(f.Name)
		}
	}
	return nil
}

// isJSON reports whether the request's content type is JSON. What the service does without a content type is not known; the
// emulator takes the body for JSON then.
func (c *Call) isJSON() bool {
	contentType := c.Request.Header.Get("Content-Type")
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"))
}
