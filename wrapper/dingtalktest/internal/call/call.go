// Package call is one request to the emulator, as the contract reads it: which operation it is of, what its parameters and
// its body are, and what it lacks.
package call

import (
	"net/http"
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

// TokenHeader is the name of the token's header as net/http keeps it.
var TokenHeader = http.CanonicalHeaderKey(generated.TokenHeader)

// Token is the access token of the request, from where its operation carries it.
func (c *Call) Token() string {
	if c.Route.Legacy() {
		return c.Request.URL.Query().Get(c.Route.Operation.TokenQuery)
	}
	if values := c.Request.Header[TokenHeader]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// ChatID is the chat id in the request's path, decoded, or empty.
func (c *Call) ChatID() string {
	if c.Route == nil || c.Route.chatParam < 0 {
		return ""
	}
	return c.Params[c.Route.chatParam]
}
