package dingtalkredis

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Cache keeps conversions in Redis. It implements [dingtalk.Cache].
type Cache struct {
	fleet    *Fleet
	lifetime time.Duration
}

// Cache shares an organisation's conversions ([WithOrganization]) for lifetime, or a day if that is not positive. Pass it to
// [dingtalk.WithCache]. No page says how long a chat's openConversationId stays the same.
func (f *Fleet) Cache(lifetime time.Duration) *Cache {
	if lifetime <= 0 {
		lifetime = 24 * time.Hour
	}
	return &Cache{fleet: f, lifetime: lifetime}
}

const (
	valueMark  = "cid" + schema + " "  // before this schema's values
	maxIDBytes = 512                   // far above every observed openConversationId
	nearTime   = 50 * time.Millisecond // how long a call waits until its conversion is kept; one with a far Redis goes on
)

func (c *Cache) name(chatID string) string { return c.fleet.key("conversion", chatID) }

// Get returns a chat's openConversationId. An invalid value is a miss. On a miss, the same exchange reserves the turn and
// counts the request that the call is about to want.
func (c *Cache) Get(ctx context.Context, chatID string) (string, bool) {
	a, _ := c.fleet.ask(ctx, want{chat: c.name(chatID)})
	id, marked := strings.CutPrefix(a.found, valueMark)
	return id, marked && usable(id)
}

// Set keeps a chat's openConversationId. It ignores errors of Redis.
func (c *Cache) Set(ctx context.Context, chatID, openConversationID string) {
	if !usable(openConversationID) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*nearTime) // of which do waits a quarter
	defer cancel()
	_, _ = do(ctx, c.fleet, func(ctx context.Context) (any, error) {
		return nil, c.fleet.redis.Set(ctx, c.name(chatID), valueMark+openConversationID, c.lifetime).Err()
	})
}

func usable(id string) bool {
	return id != "" && len(id) <= maxIDBytes && utf8.ValidString(id) && !strings.ContainsFunc(id, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	})
}
