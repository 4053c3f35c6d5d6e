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

// Cache shares conversions between the processes of an organisation ([WithOrganization]) for lifetime. Pass it to
// [dingtalk.WithCache]. No page says how long a chat's openConversationId stays the same; a day is a cautious lifetime, and
// is used if lifetime is not positive.
func (f *Fleet) Cache(lifetime time.Duration) *Cache {
	if lifetime <= 0 {
		lifetime = 24 * time.Hour
	}
	return &Cache{fleet: f, lifetime: lifetime}
}

// valueMark is the prefix of this schema's values.
const valueMark = "cid" + schema + " "

// maxIDBytes is far above every observed openConversationId.
const maxIDBytes = 512

func (c *Cache) name(chatID string) string { return c.fleet.key("conversion", chatID) }

// Get returns a chat's openConversationId. An invalid value is a miss. On a miss, the same exchange reserves the turn and
// counts the request that are about to be wanted.
func (c *Cache) Get(ctx context.Context, chatID string) (string, bool) {
	a, err := c.fleet.ask(ctx, &want{chats: []string{c.name(chatID)}})
	if err != nil {
		return "", false
	}
	value, _ := a.found[0].(string)
	id, marked := strings.CutPrefix(value, valueMark)
	return id, marked && usable(id)
}

// nearTime is how long a call waits until its conversion is kept. One that has a far Redis goes on meanwhile.
const nearTime = 50 * time.Millisecond

// Set keeps a chat's openConversationId. It ignores errors of Redis.
func (c *Cache) Set(ctx context.Context, chatID, openConversationID string) {
	if !usable(openConversationID) {
		return
	}
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		_, _ = do(context.WithoutCancel(ctx), c.fleet, func(ctx context.Context) (any, error) {
			return nil, c.fleet.redis.Set(ctx, c.name(chatID), valueMark+openConversationID, c.lifetime).Err()
		})
	}()
	select {
	case <-kept:
	case <-time.After(nearTime):
	}
}

func usable(id string) bool {
	return id != "" && len(id) <= maxIDBytes && utf8.ValidString(id) && !strings.ContainsFunc(id, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	})
}
