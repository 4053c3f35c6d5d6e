// Package call is one request to the emulator, as the contract reads it: which operation it is of, what its parameters and
// its body are, and what it lacks.
package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Call is one request on its way through the emulator.
type Call struct {
	Request *http.Request
	Now     time.Time // when it arrived, by the emulator's clock
	Path    string    // escaped
	Route   *Route    // nil if no operation has this method and path
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

// Operation is that of the request, or nil.
func (c *Call) Operation() *generated.Operation {
	if c.Route == nil {
		return nil
	}
	return c.Route.Operation
}

// OperationID is the operation's ID, or empty.
func (c *Call) OperationID() string {
	if c.Route == nil {
		return ""
	}
	return c.Route.Operation.ID
}

// Public reports whether the request is one of an operation that takes no token.
func (c *Call) Public() bool { return c.Route != nil && c.Route.Operation.Public }

// Token is the access token of the request, from where its operation carries it.
func (c *Call) Token() string {
	if c.Route.Legacy() {
		return c.Request.URL.Query().Get(c.Route.Operation.TokenQuery)
	}
	return c.Request.Header.Get(generated.TokenHeader)
}

// ChatID is the chat id in the request's path or query, decoded, or empty.
func (c *Call) ChatID() string {
	if c.Route == nil {
		return ""
	}
	if i := c.Route.position(chatParam); i >= 0 {
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
func (r *Route) Legacy() bool { return r != nil && r.Operation.TokenQuery != "" }

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
	for _, r := range routes {
		if r.Operation.Method == method {
			if values, ok := r.match(path); ok {
				return r, values
			}
		}
	}
	return nil, nil
}

func (r *Route) match(path string) (values []string, ok bool) {
	if values = r.form.FindStringSubmatch(path); values == nil {
		return nil, false
	}
	values = values[1:]
	for i, escaped := range values {
		value, err := url.PathUnescape(escaped)
		// A dot segment changes the path, wherever on the way it is resolved.
		if err != nil || value == "." || value == ".." {
			return nil, false
		}
		values[i] = value
	}
	return values, true
}

// position is which of the path's parameters has a name, or -1.
func (r *Route) position(name string) int { return slices.Index(r.names, name) }

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
