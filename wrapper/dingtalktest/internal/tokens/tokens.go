// Package tokens keeps the access tokens that were issued.
package tokens

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"sync"
	"time"
)

// Store holds at most one token of each app. Make it with [New]; all methods may be called at any time from any goroutine.
type Store struct {
	mu     sync.Mutex
	byApp  map[string]*grant
	owners map[string]*grant // by token
}

type grant struct {
	app      string
	token    string
	expires  time.Time
	rejected bool
}

// New returns an empty store.
func New() *Store { return &Store{byApp: map[string]*grant{}, owners: map[string]*grant{}} }

// Issue returns an app's token: the same while it is valid, and then valid for a whole lifetime from now; else a new one.
// With sticky, a rejected token counts as valid here.
func (s *Store) Issue(app string, lifetime time.Duration, sticky bool, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.byApp[app]
	if g == nil || !now.Before(g.expires) || g.rejected && !sticky {
		if g != nil {
			delete(s.owners, g.token)
		}
		g = &grant{app: app, token: newToken()}
		s.byApp[app], s.owners[g.token] = g, g
	}
	g.expires = now.Add(lifetime)
	return g.token
}

// Check reports whose a token is, or empty, and whether it is valid.
func (s *Store) Check(token string, now time.Time) (app string, valid bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.owners[token]
	if g == nil {
		return "", false
	}
	return g.app, !g.rejected && now.Before(g.expires)
}

// All returns the last token of each app.
func (s *Store) All() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.owners))
}

// Reject makes a token invalid before its time.
func (s *Store) Reject(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.owners[token]; g != nil {
		g.rejected = true
	}
}

// RejectAll makes every token invalid before its time.
func (s *Store) RejectAll() { s.all(func(g *grant) { g.rejected = true }) }

// ExpireAll ends the time of every token.
func (s *Store) ExpireAll() { s.all(func(g *grant) { g.expires = time.Time{} }) }

func (s *Store) all(change func(*grant)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.byApp {
		change(g)
	}
}

// Forget makes every token unknown.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byApp)
	clear(s.owners)
}

// newToken makes up a token in the usual form of 32 hexadecimal digits.
func newToken() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	return hex.EncodeToString(raw[:])
}
