package dingtalk

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// conversions is a pool: one value is a tenth of what a call allocates.
var conversions = sync.Pool{New: func() any { return new(operation[string]) }}

// convert converts one chat. A run over many chats passes change to adapt the call.
func (p *path) convert(ctx context.Context, chatID string, limiter Limiter, change func(*call)) (string, error) {
	if err := CheckChatID(chatID); err != nil {
		return "", err
	}
	op := conversions.Get().(*operation[string])
	*op = operation[string]{decode: conversionOf, call: call{
		subject: subject{op: generated.OperationChatIDToOpenConversationID.ID, chatID: chatID},
		send:    sendConversion, contract: &generated.OperationChatIDToOpenConversationID, steps: callSteps, limiter: limiter,
	}}
	if p.cache != nil {
		op.steps = cachedSteps
	}
	if change != nil {
		change(&op.call)
	}
	id, err := do(ctx, p, op)
	*op = operation[string]{} // a secret or a context must not stay in the pool
	conversions.Put(op)
	return id, err
}

func sendConversion(ctx context.Context, c *call) (*http.Response, error) {
	return c.api.ChatIDToOpenConversationID(ctx, c.chatID)
}

// cachedSteps are the steps of a conversion with a cache.
var cachedSteps = slices.Concat([]step{(*path).recall}, callSteps, []step{(*path).keep})

// recall looks into the cache before the first request.
func (p *path) recall(ctx context.Context, c *call) *verdict {
	if c.sent == 0 {
		c.result.(*operation[string]).value, c.done = p.cached(ctx, c.chatID)
	}
	return nil
}

func (p *path) cached(ctx context.Context, chatID string) (id string, ok bool) {
	defer p.survive(ctx, func() { id, ok = "", false })
	id, ok = p.cache.Get(ctx, chatID)
	return id, ok && isID(id, chatID)
}

func (p *path) keep(ctx context.Context, c *call) *verdict {
	defer p.survive(ctx, func() {})
	p.cache.Set(ctx, c.chatID, c.result.(*operation[string]).value)
	return nil
}

// survive turns a panic of the cache into a miss: a call does not need the cache.
func (p *path) survive(ctx context.Context, miss func()) {
	if recover() != nil {
		miss()
		p.log.warn(ctx, "the cache panicked")
	}
}

func conversionOf(c *call, body []byte) (id string, ok bool) {
	id, ok = converted(body)
	return id, ok && isID(id, c.chatID)
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

// The body of a success, as encoding/json writes it, is convertedStart, an id and convertedEnd.
const convertedEnd = `"}`

var convertedStart = func() []byte {
	empty, _ := json.Marshal(generated.ChatIDToOpenConversationIDResponseBody{}) // cannot fail for a struct of strings
	return bytes.TrimSuffix(empty, []byte(convertedEnd))
}()

// converted decodes the body of a success. A body exactly as encoding/json would write it, with an id without escapes,
// needs no decoder, which saves five allocations of a call. encoding/json decodes every other body.
func converted(body []byte) (id string, ok bool) {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
	if rest, ok := bytes.CutPrefix(body, convertedStart); ok {
		if id, ok := bytes.CutSuffix(rest, []byte(convertedEnd)); ok && len(id) > 0 && len(bytes.Trim(id, plain)) == 0 {
			return string(id), true
		}
	}
	var out generated.ChatIDToOpenConversationIDResponseBody
	err := json.Unmarshal(body, &out)
	return out.OpenConversationID, err == nil && strings.TrimSpace(out.OpenConversationID) != ""
}
