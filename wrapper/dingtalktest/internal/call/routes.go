package call

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

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
