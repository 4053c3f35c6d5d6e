package dingtalktest

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// ownRoutes are the operations of the contract.
var ownRoutes = table(nil, generated.Routes)

// handlers are what answers operations about which the emulator knows more than an example. The first two answer any
// contract's operation of their name; the others, which keep what they are told, only those that are this contract's own.
var handlers = map[string]func(*Emulator, *call) answer{
	generated.OperationChatIDToOpenConversationID.ID: (*Emulator).convert,
	generated.OperationGetAccessToken.ID:             (*Emulator).issueToken,
}

var keepers = map[string]func(*Emulator, *call) answer{
	generated.OperationCreateGroup.ID:       (*Emulator).createGroup,
	generated.OperationGetChat.ID:           (*Emulator).describe,
	generated.OperationGetBotListInGroup.ID: (*Emulator).robots,
	generated.OperationOrgGroupSend.ID:      (*Emulator).sendMessage,
	generated.OperationOrgGroupQuery.ID:     (*Emulator).queryMessage,
	generated.OperationOrgGroupRecall.ID:    (*Emulator).recallMessages,
}

// handler is what answers an operation.
func handler(o *generated.Operation) func(*Emulator, *call) answer {
	if handle := handlers[o.ID]; handle != nil {
		return handle
	}
	if keep := keepers[o.ID]; keep != nil && slices.ContainsFunc(generated.Routes, func(own generated.Route) bool { return reflect.DeepEqual(own.Operation, o) }) {
		return func(e *Emulator, c *call) answer {
			if c.settings.answers[o.ID] != nil {
				return e.example(c)
			}
			return keep(e, c)
		}
	}
	return (*Emulator).example
}

// route is one operation and what answers it.
type route struct {
	generated.Route
	handle    func(*Emulator, *call) answer
	segments  []string // of the path template, the leading slash cut; a parameter is "" here
	chatParam int      // which parameter is the chat id, or -1
}

// chatParamName is what the contract calls the chat id.
var chatParamName = firstParam(generated.OperationChatIDToOpenConversationID.Path)

func firstParam(template string) string {
	_, rest, _ := strings.Cut(template, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// table adds operations to a table, which is not changed. An operation takes the place of one with its ID, or with its
// method and path. Of two that match a path, the one comes first whose segment is no parameter.
func table(routes []*route, added []generated.Route) []*route {
	result := slices.Clone(routes)
	for _, a := range added {
		r := newRoute(a)
		result = slices.DeleteFunc(result, func(old *route) bool {
			return old.Operation.ID == a.Operation.ID || old.Operation.Method == a.Operation.Method && slices.Equal(old.segments, r.segments)
		})
		result = append(result, r)
	}
	slices.SortStableFunc(result, func(a, b *route) int {
		return slices.CompareFunc(a.segments, b.segments, func(a, b string) int {
			if (a == "") != (b == "") {
				return strings.Compare(b, a)
			}
			return strings.Compare(a, b)
		})
	})
	return result
}

func newRoute(described generated.Route) *route {
	r := &route{Route: described, chatParam: -1, handle: handler(described.Operation)}
	path := described.Operation.Path
	if server, err := url.Parse(described.Operation.Server); err == nil {
		path = server.EscapedPath() + path
	}
	n := 0
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if strings.HasPrefix(segment, "{") {
			if segment == "{"+chatParamName+"}" {
				r.chatParam = n
			}
			n++
			segment = ""
		}
		r.segments = append(r.segments, segment)
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
func match(routes []*route, method, path string) (*route, []string) {
	for _, r := range routes {
		if r.Operation.Method == method {
			if values, ok := r.match(path); ok {
				return r, values
			}
		}
	}
	return nil, nil
}

func (r *route) match(path string) (values []string, ok bool) {
	rest, found := strings.CutPrefix(path, "/")
	if !found {
		return nil, false
	}
	for i, want := range r.segments {
		segment, after, more := strings.Cut(rest, "/")
		if last := i == len(r.segments)-1; more == last {
			return nil, false
		}
		rest = after
		if want != "" {
			if segment != want {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segment)
		// A dot segment changes the path, wherever on the way it is resolved.
		if err != nil || value == "" || value == "." || value == ".." {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// underGateway says whether a path begins as those of the gateway's operations do, with the version of the API.
func underGateway(routes []*route, path string) bool {
	for _, r := range routes {
		if r.legacy() {
			continue
		}
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
