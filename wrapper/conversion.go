package dingtalk

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// conversion is the operation that converts a chat.
var conversion = &generated.OperationChatIDToOpenConversationID

// conversions is a pool: one value is a tenth of what a call allocates.
var conversions = sync.Pool{New: func() any { return new(call) }}

// convert converts one chat. A run over many chats passes change to adapt the call.
func (p *path) convert(ctx context.Context, chatID string, limiter Limiter, change func(*call)) (string, error) {
	if err := CheckChatID(chatID); err != nil {
		return "", err
	}
	c := conversions.Get().(*call)
	*c = call{contract: conversion, chatID: chatID, send: sendConversion, accept: acceptConversion, limiter: limiter}
	if change != nil {
		change(c)
	}
	err := p.do(ctx, c)
	id := c.id
	*c = call{} // a secret or a context must not stay in the pool
	conversions.Put(c)
	if err != nil {
		return "", err
	}
	return id, nil
}

func sendConversion(ctx context.Context, c *call) (*http.Response, error) {
	return c.api.ChatIDToOpenConversationID(ctx, c.chatID)
}

func acceptConversion(c *call, body []byte) bool {
	raw := objectOf(body).field(conversion.Required[0])
	c.id = scalar(raw)
	return strings.HasPrefix(raw, `"`) && isID(c.id, c.chatID)
}

// maxIDBytes is far above every known openConversationId (27 bytes, at times more).
const maxIDBytes = 1 << 10

// isID reports whether an answer's or a cache's id may be one. No format is documented: what can be none is refused, such
// as a control character, what encoding/json makes of bytes that are not UTF-8, and the chat id itself.
func isID(id, chatID string) bool {
	return id != "" && len(id) <= maxIDBytes && id != chatID && !strings.ContainsFunc(id, func(r rune) bool {
		return r == utf8.RuneError || unicode.IsSpace(r) || text.Invisible(r)
	})
}

// recall looks for the chat in the cache. A call does not need the cache: a panic of it is a miss.
func (p *path) recall(ctx context.Context, c *call) (ok bool) {
	defer p.survive(ctx)
	id, found := p.cache.Get(ctx, c.chatID)
	if ok = found && isID(id, c.chatID); ok {
		c.id = id
	}
	return ok
}

func (p *path) keep(ctx context.Context, c *call) {
	defer p.survive(ctx)
	p.cache.Set(ctx, c.chatID, c.id)
}

func (p *path) survive(ctx context.Context) {
	if recover() != nil && p.log != nil {
		p.log.write(ctx, slog.LevelWarn, "dingtalk: the cache panicked")
	}
}
