package dingtalk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

func (p *path) do(ctx context.Context, c *call) error {
	limit := cmp.Or(c.options.limit, p.calls.limit)
	limited, waits := ctx, cmp.Or(c.waits, ctx)
	if limit > 0 && !c.isToken {
		var end, endWaits context.CancelFunc
		limited, end = context.WithTimeout(ctx, limit)
		waits, endWaits = context.WithTimeout(waits, limit)
		defer end()
		defer endWaits()
	}
	c.waits = waits
	err := p.repeat(limited, c)
	if err == nil {
		return nil
	}
	if limit > 0 && err.Kind == context.DeadlineExceeded && ctx.Err() == nil { //nolint:errorlint // a kind is never wrapped
		err.Message = fmt.Sprintf("the call's limit of %s ended it", limit)
	}
	err.MayBeDone = c.unsure && c.contract.Repeat != generated.RepeatSafe
	return err
}

// repeat sends requests until one succeeds. It retries as [Retry] allows, and replays the request once after a token
// refresh if the service rejected the token.
func (p *path) repeat(ctx context.Context, c *call) *Error {
	c.lane, _ = p.lanes.Of(cmp.Or(c.place, c.contract.ID)).(*lane)
	var before *verdict // of the previous request
	uncounted := 0      // requests beyond Retry.MaxAttempts: replays, and throttled calls of a run
	for {
		n := c.sent
		v := p.request(ctx, c)
		switch {
		case v == nil:
			return nil
		case c.sent == n || v.ended != nil:
			return c.unsent(v, before)
		}
		before = v
		once := c.touched != nil && c.touched()
		if v.dropToken && c.token != "" {
			cache, _ := p.tokens.(*tokens.Cache)
			ours, tell, again := p.credit.Rejected(&c.lane.tokens, c.token, cache)
			if tell && cache == nil {
				p.tokens.Reject(ctx, c.token)
			}
			switch {
			case once:
			case (c.first == nil || again) && !ours:
				c.rejected, c.first = c.token, v.failure("")
				uncounted++
				continue
			case c.first != nil:
				failed := v.failure("")
				failed.Err = fmt.Errorf("the token had been refreshed; the one before was rejected too: %w", c.first)
				p.remember(c, failed)
				return failed
			}
		}
		if once {
			return v.failure("not sent again: its file was read, and can be read once")
		}
		if v.Kind == ErrThrottled && c.throttles > 0 { //nolint:errorlint // a verdict's kind is never wrapped
			c.throttles--
			uncounted++
		}
		wait, again, why := p.retry.next(c.waits, p.clock, v.RetryAfter, max(c.sent-uncounted, 1))
		switch {
		case v.repeat == never, v.repeat == ifSafe && c.contract.Repeat != generated.RepeatSafe:
			return v.failure("")
		case !again:
			return v.failure(why)
		}
		if p.log != nil {
			p.log.write(ctx, slog.LevelInfo, "dingtalk wait", "op", v.Op, "wait", wait, "error", v.failure(""))
		}
		if err := p.clock.Sleep(c.waits, wait); err != nil {
			return c.unsent(&verdict{ended: err}, before)
		}
	}
}

// remember makes the operation's calls fail for a moment after a second rejection, unless others get on with their tokens, or
// the token is the caller's, who may have a better one at any time.
func (p *path) remember(c *call, failed *Error) {
	if _, own := p.tokens.(*tokens.Cache); own && !p.credit.Others(&c.lane.tokens) {
		c.lane.failed.Store(&remembered{*failed, p.clock.Steady().Add(tokens.FailureMemory)})
	}
}

// steps are what a request takes, in this order.
var steps = [...]func(*path, context.Context, *call) *verdict{(*path).pace, (*path).authorize, (*path).pass, (*path).spend, (*path).attempt}

// request sends one request, after the steps before it. A step lets the call continue, or returns a verdict on why the
// request was not sent or failed. The call takes the circuit breaker's pass after every step that may wait, and returns it
// with the attempt. While it holds the pass, only two pieces of the caller's code run: the transport, within the attempt's
// time limit, and the budget, for at most lendTime.
func (p *path) request(ctx context.Context, c *call) *verdict {
	defer p.leave(c, breaker.Outcome{}) // after a panic of the caller's code the pass must go back
	if cause := clock.Ended(c.waits); cause != nil {
		return &verdict{ended: cause}
	}
	cached := c.chatID != "" && p.cache != nil
	if cached && c.sent == 0 {
		if p.recall(ctx, c); c.id != "" {
			return nil
		}
	}
	for _, step := range steps {
		if v := step(p, ctx, c); v != nil {
			return v
		}
	}
	if cached {
		defer p.survive(ctx)
		p.cache.Set(ctx, c.chatID, c.id)
	}
	return nil
}

func (p *path) recall(ctx context.Context, c *call) {
	defer p.survive(ctx)
	if id, found := p.cache.Get(ctx, c.chatID); found && isID(id, c.chatID) {
		c.id = id
	}
}

// survive ends a panic of the cache, which a call does not need.
func (p *path) survive(ctx context.Context) {
	if recover() != nil && p.log != nil {
		p.log.write(ctx, slog.LevelWarn, "dingtalk: the cache panicked")
	}
}

func (p *path) pace(_ context.Context, c *call) *verdict {
	if c.limiter == nil {
		return nil
	}
	err := c.limiter.Wait(c.waits)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded) && clock.Ended(c.waits) == nil:
		return &verdict{ended: context.DeadlineExceeded}
	}
	return p.foreign(c, err, ErrThrottled, "not sent: the limiter refused")
}

// authorize gets a token; the rejected one once more is a failure.
func (p *path) authorize(_ context.Context, c *call) *verdict {
	if c.api = p.plain; c.contract.Public {
		return nil
	}
	if f := c.lane.failed.Load(); f != nil && p.clock.Steady().Before(f.until) {
		v := &verdict{Error: f.Error}
		v.ChatID, v.Local, v.Attempts = c.chatID, true, 0
		return v
	}
	token, err := p.tokens.Token(c.waits, c.first != nil)
	if err != nil {
		return p.foreign(c, err, ErrUnavailable, "the token source failed")
	}
	if c.first != nil && token == c.rejected {
		same := &verdict{Error: *c.first}
		same.Err = errors.New("asked for another token, the credentials gave the rejected one again")
		p.remember(c, same.failure(""))
		return same
	}
	c.token, c.api = token, p.with(token)
	return nil
}

// pass waits for the operation's circuit breaker, unless the address is banned.
func (p *path) pass(_ context.Context, c *call) *verdict {
	ticket, refused, passes := c.lane.breaker.Acquire(c.waits)
	if c.ticket, c.holds = ticket, passes; passes {
		return nil
	}
	v := c.verdict(nil, "not sent: earlier calls failed and the wait would be too long")
	v.ended, v.refusal, v.Local, v.RetryAfter = refused.Err, true, true, refused.Wait
	if cause, is := refused.Cause.(*Error); is {
		earlier := *cause
		earlier.ChatID = "" // another call's
		v.Kind, v.Err = earlier.Kind, &earlier
	}
	return v
}

// lendTime is how long a call keeps the circuit breaker's pass while the budget is asked.
const lendTime = 200 * time.Millisecond

// spend asks the budget. It runs after the circuit breaker, so no refused request is counted. If the budget takes
// longer than lendTime, the pass goes to another call, and this call waits for the limiter and the circuit breaker
// again: otherwise calls that waited together would be sent in a burst. A request that the budget has counted is sent, even
// if the run is stopped at that moment.
func (p *path) spend(ctx context.Context, c *call) *verdict {
	if err := c.waits.Err(); err != nil {
		return &verdict{ended: err}
	}
	if p.budget == nil || c.contract.Public { // no quota applies to the token call
		return nil
	}
	back := c.lane.breaker.Lend(c.ticket, lendTime)
	c.holds = false
	err := p.budget.Spend(c.waits)
	c.holds = back()
	switch {
	case err != nil:
		return p.foreign(c, err, ErrQuotaExhausted, "not sent: the budget refused")
	case c.holds:
		return nil
	}
	if v := p.pace(ctx, c); v != nil {
		return v
	}
	return p.pass(ctx, c)
}

// Send sends the call's request.
func (c *call) Send(ctx context.Context) (*http.Response, error) { return c.send(ctx, c) }

func (p *path) attempt(ctx context.Context, c *call) (v *verdict) {
	begun := time.Now()
	c.sent++
	// The transport, and the decoder of a caller's own type, may never return.
	back := c.lane.breaker.Lend(c.ticket, p.wire.Limit()+lendTime)
	defer func() { c.holds = back() && c.holds }()
	answer, failed := p.wire.Attempt(ctx, c, begun)
	if c.options.answer != nil {
		c.options.answer(answer)
	}
	defer answer.Release()
	if failed != nil {
		v = p.unanswered(c, answer, failed)
	} else if fields := objectOf(answer.Body); !succeeds(c.contract, answer.Status) || !c.accept(c, fields, answer.Body) {
		v = p.refused(c, answer, fields)
	}
	c.unsure = c.unsure || v != nil && v.mayBeDone()
	c.holds = back()
	p.settle(c, v, failed)
	if p.log != nil {
		p.log.attempt(ctx, c, v, answer, time.Since(begun))
	}
	return v
}

// settle tells the breaker, the ban, the tokens' credit and the limiter how a request ended. v is nil after a success.
func (p *path) settle(c *call, v *verdict, failed *wire.Failure) {
	if v != nil && v.Kind == ErrBlocked { //nolint:errorlint // a verdict's kind is never wrapped
		p.ban.Begin(v.RetryAfter, &v.Error)
	}
	o := v.outcome()
	if failed != nil {
		o.Wait = max(o.Wait, failed.Took)
	}
	p.leave(c, o)
	if v == nil && c.token != "" {
		p.credit.Good(&c.lane.tokens, c.rejected)
	}
	throttled := v != nil && v.Kind == ErrThrottled //nolint:errorlint // a verdict's kind is never wrapped
	if l, ok := c.limiter.(interface{ Answered(throttled bool) }); ok && (v == nil || v.ended == nil) &&
		(!throttled || c.throttles > 0 || !p.credit.Others(&c.lane.tokens)) { // not the operation's own, unless a run finds its rate
		l.Answered(throttled)
	}
}

// leave returns the circuit breaker's pass, if the call holds it.
func (p *path) leave(c *call, o breaker.Outcome) {
	if c.holds {
		c.holds = false
		c.lane.breaker.Release(c.ticket, o)
	}
}

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
	return when(err == nil, id), err
}

func sendConversion(ctx context.Context, c *call) (*http.Response, error) {
	return c.api.ChatIDToOpenConversationID(ctx, c.chatID)
}

func acceptConversion(c *call, answer object, body []byte) bool {
	raw := answer.field(conversion.Required[0])
	c.id = scalar(raw)
	return strings.HasPrefix(raw, `"`) && isID(c.id, c.chatID) && json.Valid(body)
}
