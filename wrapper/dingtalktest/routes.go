package dingtalktest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// routes is the table of operations: adding one to the emulator is adding its row.
var routes = []*route{
	newRoute(generated.OperationChatIDToOpenConversationID, secured, (*Emulator).convert),
	newRoute(generated.OperationGetAccessToken, open, (*Emulator).issueToken),
}

// Whether an operation takes a token, and with it the checks of the gateway: address, permission, limits.
const (
	secured = true
	open    = false
)

// route is one operation of the contract and what answers it.
type route struct {
	operation generated.Operation
	secured   bool
	handle    func(*Emulator, *call) answer
	segments  []string // of the path template, the leading slash cut; a parameter is "" here
	chatParam int      // which parameter is the chat id, or -1
}

// params are the values of a path's parameters in the template's order. No operation has more than four.
type params [4]string

// chatParamName is what the contract calls the chat id.
var chatParamName = firstParam(generated.OperationChatIDToOpenConversationID.Path)

func firstParam(template string) string {
	_, rest, _ := strings.Cut(template, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

func newRoute(operation generated.Operation, secured bool, handle func(*Emulator, *call) answer) *route {
	r := &route{operation: operation, secured: secured, handle: handle, chatParam: -1}
	n := 0
	for segment := range strings.SplitSeq(operation.Path[1:], "/") {
		if strings.HasPrefix(segment, "{") {
			if segment == "{"+chatParamName+"}" {
				r.chatParam = n
			}
			n++
			segment = ""
		}
		r.segments = append(r.segments, segment)
	}
	if n > len(params{}) {
		panic("dingtalktest: too many path parameters in " + operation.Path)
	}
	return r
}

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
func match(method, path string) (*route, params) {
	for _, r := range routes {
		if r.operation.Method == method {
			if values, ok := r.match(path); ok {
				return r, values
			}
		}
	}
	return nil, params{}
}

func (r *route) match(path string) (values params, ok bool) {
	rest, found := strings.CutPrefix(path, "/")
	if !found {
		return params{}, false
	}
	n := 0
	for i, want := range r.segments {
		segment, after, more := strings.Cut(rest, "/")
		if last := i == len(r.segments)-1; more == last {
			return params{}, false
		}
		rest = after
		if want != "" {
			if segment != want {
				return params{}, false
			}
			continue
		}
		value, err := url.PathUnescape(segment)
		// A dot segment changes the path, wherever on the way it is resolved.
		if err != nil || value == "" || value == "." || value == ".." {
			return params{}, false
		}
		values[n] = value
		n++
	}
	return values, true
}

// underGateway says whether a path begins as the contract's paths do, with the version of the API.
func underGateway(path string) bool {
	for _, r := range routes {
		rest, ok := strings.CutPrefix(path, "/"+r.segments[0])
		if ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// Header names as net/http keeps them.
var (
	tokenHeader     = http.CanonicalHeaderKey(generated.TokenHeader)
	requestIDHeader = http.CanonicalHeaderKey(generated.RequestIDHeader)
)

// firstValue is [http.Header.Get] for a name that is in canonical form already.
func firstValue(h http.Header, canonical string) string {
	if values := h[canonical]; len(values) > 0 {
		return values[0]
	}
	return ""
}
