package dingtalk

import "context"

// Cache keeps conversions. Package dingtalkcache has one in memory. It serves one organisation: a chat's
// openConversationId is the same for every app that may see it. Its methods are called from many goroutines; one that
// fails reports a miss, and one that panics counts as failed.
type Cache interface {
	Get(ctx context.Context, chatID string) (openConversationID string, ok bool)
	Set(ctx context.Context, chatID, openConversationID string)
}

func (c *Client) cached(ctx context.Context, chatID string) (id string, ok bool) {
	if c.cache == nil {
		return "", false
	}
	defer func() {
		if recover() != nil {
			id, ok = "", false
			c.log.warn(ctx, "the cache panicked")
		}
	}()
	id, ok = c.cache.Get(ctx, chatID)
	return id, ok && id != ""
}

func (c *Client) store(ctx context.Context, chatID, openConversationID string) {
	if c.cache == nil {
		return
	}
	defer func() {
		if recover() != nil {
			c.log.warn(ctx, "the cache panicked")
		}
	}()
	c.cache.Set(ctx, chatID, openConversationID)
}
