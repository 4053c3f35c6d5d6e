// Package dingtalkcache keeps conversions in memory, for dingtalk.WithCache.
package dingtalkcache

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Memory is a least-recently-used cache in memory, of limited size and lifetime. It implements dingtalk.Cache.
type Memory struct {
	entries  *lru.Cache[string, entry]
	lifetime time.Duration
	now      func() time.Time
}

type entry struct {
	id   string
	kept time.Time
}

// New makes a cache for size conversions (about 200 bytes each), kept for lifetime at most. No page says how long a
// chat's openConversationId stays the same; a day is a cautious lifetime. New returns an error if size or lifetime is not positive.
func New(size int, lifetime time.Duration) (*Memory, error) {
	if lifetime <= 0 {
		return nil, errors.New("dingtalkcache: the lifetime must be positive")
	}
	entries, err := lru.New[string, entry](size)
	if err != nil {
		return nil, errors.New("dingtalkcache: the size must be positive")
	}
	return &Memory{entries: entries, lifetime: lifetime, now: time.Now}, nil
}

// Get returns a chat's openConversationId.
func (m *Memory) Get(_ context.Context, chatID string) (string, bool) {
	e, ok := m.entries.Get(chatID)
	// Wall time: an entry must not outlive its lifetime because the machine slept. Its age is negative if the clock was set back since.
	if age := m.now().Round(0).Sub(e.kept); ok && (age < 0 || age >= m.lifetime) {
		m.entries.Remove(chatID)
		return "", false
	}
	return e.id, ok
}

// Set keeps a chat's openConversationId.
func (m *Memory) Set(_ context.Context, chatID, openConversationID string) {
	m.entries.Add(chatID, entry{id: openConversationID, kept: m.now().Round(0)})
}
