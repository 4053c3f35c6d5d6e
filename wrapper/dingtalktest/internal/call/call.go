// Package call is one request to the emulator, as the contract reads it: which operation it is of, what its parameters and
// its body are, and what it lacks.
package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
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
