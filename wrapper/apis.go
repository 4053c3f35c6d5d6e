package dingtalk

import (
	"net/http"
	"sync/atomic"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

var (
	tokenHeader     = http.CanonicalHeaderKey(generated.TokenHeader)
	requestIDHeader = http.CanonicalHeaderKey(generated.RequestIDHeader)
)

// apis holds the generated client without a token, and a copy with the token in use.
type apis struct {
	plain   *generated.Client
	current atomic.Pointer[authorized]
}

// authorized is the generated client whose requests carry a token.
type authorized struct {
	token  string
	before string // the token before
	api    generated.Client
}

// with returns the generated client whose requests carry token. All requests with one token share its headers.
func (a *apis) with(token string) *generated.Client {
	current := a.current.Load()
	if current == nil || current.token != token {
		next := &authorized{token: token, api: *a.plain}
		if current != nil {
			next.before = current.token
		}
		current = next
		current.api.Header = a.plain.Header.Clone()
		current.api.Header[tokenHeader] = []string{token}
		a.current.Store(current)
	}
	return &current.api
}
