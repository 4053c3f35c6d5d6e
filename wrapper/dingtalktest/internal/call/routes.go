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
	Own       bool             // it is this contract's own operation, not a foreign one of the same name
	segments  []string         // of the path template, the leading slash cut; a parameter is "" here
	patterns  []*regexp.Regexp // of the segments that hold text and parameters; nil for others
	names     []string         // of the path's parameters, in its order
	chatParam int              // which of the path's parameters is the chat id, or -1
	chatQuery string           // which parameter of the query is the chat id, or empty
}

// Own are the operations of the contract. They are not to be changed.
var Own = Table(nil, generated.Routes)

// Legacy reports whether an operation is one of the API that came before, which carries the token in its URL.
func (r *Route) Legacy() bool { return r != nil && r.Operation.TokenQuery != "" }

// chatParamName is the chat id's name in the contract.
var chatParamName = firstParam(generated.OperationChatIDToOpenConversationID.Path)

func firstParam(template string) string {
	_, rest, _ := strings.Cut(template, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// Table adds operations to a table, which is not changed. An operation takes the place of one with its ID, or with its
// method and path; the token's operation is replaced by its path alone, since no client gets a token otherwise. Of two that
// match a path, the one comes first whose segment is no parameter.
func Table(routes []*Route, added []generated.Route) []*Route {
	result := slices.Clone(routes)
	for _, a := range added {
		r := newRoute(a)
		result = slices.DeleteFunc(result, func(old *Route) bool {
			sameID := old.Operation.ID == a.Operation.ID && a.Operation.ID != generated.OperationGetAccessToken.ID
			return sameID || old.Operation.Method == a.Operation.Method && slices.Equal(old.segments, r.segments)
		})
		result = append(result, r)
	}
	slices.SortStableFunc(result, func(a, b *Route) int {
		return slices.CompareFunc(a.segments, b.segments, func(a, b string) int {
			if (a == "") != (b == "") {
				return strings.Compare(b, a)
			}
			return strings.Compare(a, b)
		})
	})
	return result
}

func newRoute(described generated.Route) *Route {
	r := &Route{Route: described, chatParam: -1, Own: slices.ContainsFunc(generated.Routes, func(own generated.Route) bool {
		return reflect.DeepEqual(own.Operation, described.Operation)
	})}
	for _, p := range described.Parameters {
		if p.In == "query" && strings.EqualFold(p.Name, chatParamName) {
			r.chatQuery = p.Name
		}
	}
	path := described.Operation.Path
	if server, err := url.Parse(described.Operation.Server); err == nil {
		path = server.EscapedPath() + path
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		var pattern *regexp.Regexp
		found := inBraces.FindAllStringSubmatch(segment, -1)
		for _, name := range found {
			if name[1] == chatParamName {
				r.chatParam = len(r.names)
			}
			r.names = append(r.names, name[1])
		}
		switch {
		case len(found) == 1 && found[0][0] == segment:
			segment = ""
		case len(found) > 0:
			text := inBraces.Split(segment, -1)
			for i := range text {
				text[i] = regexp.QuoteMeta(text[i])
			}
			pattern = regexp.MustCompile("^" + strings.Join(text, "(.+?)") + "$")
		}
		r.segments, r.patterns = append(r.segments, segment), append(r.patterns, pattern)
	}
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
		escaped := []string{segment}
		switch pattern := r.patterns[i]; {
		case pattern != nil:
			if escaped = pattern.FindStringSubmatch(segment); escaped == nil {
				return nil, false
			}
			escaped = escaped[1:]
		case want != "" && segment != want:
			return nil, false
		case want != "":
			continue
		}
		for _, segment := range escaped {
			value, err := url.PathUnescape(segment)
			// A dot segment changes the path, wherever on the way it is resolved.
			if err != nil || value == "" || value == "." || value == ".." {
				return nil, false
			}
			values = append(values, value)
		}
	}
	return values, true
}

// position is which of the path's parameters has a name, or -1.
func (r *Route) position(name string) int { return slices.Index(r.names, name) }

// UnderGateway reports whether a path begins as those of the gateway's operations do, with the version of the API.
func UnderGateway(routes []*Route, path string) bool {
	for _, r := range routes {
		if r.Legacy() {
			continue
		}
		rest, ok := strings.CutPrefix(path, "/"+r.segments[0])
		if ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
