package dingtalkredis

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
)

// Cache keeps conversions in Redis. It implements [dingtalk.Cache].
type Cache struct {
	fleet    *Fleet
	lifetime time.Duration
}

// Cache shares conversions for lifetime: what one process has converted costs the others no call. It is for
// [dingtalk.WithCache]. No page says how long a chat's openConversationId stays the same; a day is a cautious lifetime.
// One that is not positive is taken as a day.
func (f *Fleet) Cache(lifetime time.Duration) *Cache {
	if lifetime <= 0 {
		lifetime = 24 * time.Hour
	}
	return &Cache{fleet: f, lifetime: lifetime}
}

// valueMark begins the values of this schema.
const valueMark = "cid" + schema + " "

// maxIDBytes is far above every openConversationId that has been seen.
const maxIDBytes = 512

// name spreads conversions over a cluster: it has no braces of its own, and a chat id's decide nothing but its place.
func (c *Cache) name(chatID string) string {
	return strings.NewReplacer("{", "", "}", "").Replace(c.fleet.key("conversion", c.fleet.scope)) + ":" + chatID
}

// Get finds a chat's openConversationId. A value that is not one is a miss.
func (c *Cache) Get(ctx context.Context, chatID string) (string, bool) {
	value, err := ask(ctx, c.fleet, func(ctx context.Context) (string, error) {
		value, err := c.fleet.redis.Get(ctx, c.name(chatID)).Result()
		if redis.HasErrorPrefix(err, "WRONGTYPE") {
			return "", redis.Nil
		}
		return value, err
	})
	if err != nil {
		return "", false
	}
	id, marked := strings.CutPrefix(value, valueMark)
	return id, marked && usable(id)
}

// Set keeps a chat's openConversationId. Redis may forget it, or not be there.
func (c *Cache) Set(ctx context.Context, chatID, openConversationID string) {
	if !usable(openConversationID) {
		return
	}
	_, _ = ask(ctx, c.fleet, func(ctx context.Context) (any, error) {
		return nil, c.fleet.redis.Set(ctx, c.name(chatID), valueMark+openConversationID, c.lifetime).Err()
	})
}

func usable(id string) bool {
	return id != "" && len(id) <= maxIDBytes && utf8.ValidString(id) && !strings.ContainsFunc(id, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	})
}
