package breaker

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

// Key names an operation at a host.
type Key struct{ Op, Host string }

// The most operations that a set tells apart: those of contracts, of which the official SDK has 3,270, and paths without
// a contract. All others share one place.
const (
	maxOperations = 8192
	maxPaths      = 256
)

// Set keeps a value for each operation at each host.
type Set struct {
	New func() any

	mu    sync.Mutex
	made  map[Key]any
	paths int // of made
}

// Of returns the value of an operation. One without a contract is known by its method and path.
func (s *Set) Of(key Key, method, path string) any {
	isPath := key.Op == ""
	if isPath {
		key.Op = method + " " + shape(path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made[key] == nil && (len(s.made) >= maxOperations || isPath && s.paths >= maxPaths) {
		key, isPath = Key{}, false
	}
	if s.made == nil {
		s.made = map[Key]any{}
	}
	if s.made[key] == nil {
		s.made[key] = s.New()
		if isPath {
			s.paths++
		}
	}
	return s.made[key]
}

// shape returns a path without its ids: a segment that looks like one becomes a star.
func shape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) > 24 || strings.ContainsAny(s, "%=:@,;+") || strings.ContainsAny(s, "0123456789") && !isVersion(s) {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}

// isVersion reports whether a segment's digits are those of a version, such as in v1.0 and asyncsend_v2.
func isVersion(s string) bool {
	name := strings.TrimRight(s, "0123456789.")
	return strings.HasSuffix(name, "v") && !strings.ContainsAny(name, "0123456789")
}

// Ban is a time in which nothing may be sent, whatever the operation.
type Ban struct {
	Clock   clock.Clock
	current atomic.Pointer[ban]
}

type ban struct {
	until time.Time
	cause any
}

// Begin begins a ban.
func (b *Ban) Begin(wait time.Duration, cause any) {
	b.current.Store(&ban{b.Clock.Steady().Add(wait), cause})
}

// Left returns how long the ban still lasts, and its cause. It is 0 if there is none.
func (b *Ban) Left() (left time.Duration, cause any) {
	if current := b.current.Load(); current != nil {
		return max(current.until.Sub(b.Clock.Steady()), 0), current.cause
	}
	return 0, nil
}
