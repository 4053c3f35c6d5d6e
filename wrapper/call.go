package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// path holds what all calls of a client share.
type path struct {
	wire      *wire.Wire
	apis      apis
	tokens    tokenKeeper
	lanes     breaker.Set
	ban       breaker.Ban
	credit    tokens.Credit
	retry     Retry
	cache     Cache  // nil: conversions are not kept
	budget    Budget // nil: requests are not counted
	calls     callOptions
	appSecret func() string // a function: no formatter looks into one
	clock     clock.Clock
	log       logger   // nil: nothing is logged
	bulk      bulkPace // of runs, unless the client has a limiter
}

// lane is what a client knows of one operation at one host. Its failures and throttles, and its odd opinion of a token
// that others use with success, concern no other operation.
type lane struct {
	breaker *breaker.Breaker
	tokens  tokens.Use
}

// call is a call of an operation, with its progress.
type call struct {
	contract *Operation
	chatID   string    // of a conversion
	isToken  bool      // it is the token call itself
	host     string    // of an operation with a server of its own
	hidden   [2]string // keeps the secrets of an attempt off the heap
	options  callOptions
	send     func(context.Context, *call) (*http.Response, error) // through call.api
	accept   func(c *call, body []byte) bool                      // takes the result; false if the body holds none
	id       string                                               // a conversion's result

	limiter   Limiter         // paces its requests; nil: none
	throttles int             // retries left after throttles, beyond Retry.MaxAttempts
	waits     context.Context // ends its waits, and so the call; nil: the caller's context

	touched func() bool // whether a file of the request was read: then it is not sent again; nil: it has none
	finish  func()      // ends the reading

	lane     *lane
	api      *generated.Client // with the token in use
	token    string
	dropped  *tokens.Drop // the lane's last, before the call got its token
	rejected string       // the token that the service rejected first
	first    *verdict     // on that rejection
	sent     int          // requests
	unsure   bool         // a failed request may have been processed
	ticket   breaker.Pass
	holds    bool // whether the call holds ticket
}

// do makes a call.
func (p *path) do(ctx context.Context, c *call) error {
	limited, limit := ctx, cmp.Or(c.options.limit, p.calls.limit)
	if limit > 0 && !c.isToken {
		var end context.CancelFunc
		limited, end = context.WithTimeout(ctx, limit)
		defer end()
		if c.waits != nil {
			c.waits, end = context.WithTimeout(c.waits, limit)
			defer end()
		}
	}
	if c.waits == nil {
		c.waits = limited
	}
	if c.finish != nil {
		defer c.finish()
	}
	err := p.repeat(limited, c)
	if err == nil {
		return nil
	}
	if limit > 0 && err.Kind == context.DeadlineExceeded && ctx.Err() == nil { //nolint:errorlint // a kind is never wrapped
		err.Message = fmt.Sprintf("the call's limit of %s ended it", limit)
	}
	err.MayBeDone = c.unsure && c.contract.Repeat != RepeatSafe
	return err
}

// repeat sends requests until one succeeds. It retries as [Retry] allows, and replays the request once after a token
// refresh if the service rejected the token.
func (p *path) repeat(ctx context.Context, c *call) *Error {
	c.lane, _ = p.lanes.Of(breaker.Key{Op: c.contract.ID, Host: c.host}, c.contract.Method, c.contract.Path).(*lane)
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
			ours, drop := p.credit.Rejected(&c.lane.tokens, c.dropped)
			again := drop && p.tokens.Reject(ctx, c.token)
			switch {
			case once:
			case (c.first == nil || again) && !ours:
				c.rejected, c.first = c.token, v
				uncounted++
				continue
			case c.first != nil:
				failed := v.failure("")
				failed.Err = fmt.Errorf("the token had been refreshed; the one before was rejected too: %w", c.first.failure(""))
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
		wait, again, why := p.retry.next(c.waits, p.clock, v, c.contract.Repeat == RepeatSafe, max(c.sent-uncounted, 1))
		if !again {
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

// remember makes all calls fail for a moment after a second rejection, unless others get on with their tokens.
func (p *path) remember(c *call, failed *Error) {
	if !p.credit.Others(&c.lane.tokens) {
		p.tokens.Remember(failed)
	}
}

// request sends one request, after the steps before it. A step lets the call continue, or returns a verdict on why the
// request was not sent or failed. The call takes the circuit breaker's pass after every step that may wait, and returns it
// with the attempt. While it holds the pass, only two pieces of the caller's code run: the transport, within the attempt's
// time limit, and the budget, for at most lendTime.
func (p *path) request(ctx context.Context, c *call) (v *verdict) {
	defer p.leave(c, breaker.Outcome{}) // after a panic of the caller's code the pass must go back
	if cause := clock.Ended(c.waits); cause != nil {
		return &verdict{ended: cause}
	}
	cached := c.chatID != "" && p.cache != nil
	if cached && c.sent == 0 && p.recall(ctx, c) {
		return nil
	}
	if v = p.pace(c); v == nil && !c.contract.Public { // neither rate limit nor quota applies to the token call
		v = p.authorize(ctx, c)
	}
	if v == nil {
		v = p.pass(c)
	}
	if v == nil && !c.contract.Public {
		v = p.spend(c)
	}
	if v == nil {
		v = p.attempt(ctx, c)
	}
	if v == nil && cached {
		p.keep(ctx, c)
	}
	return v
}

// pace waits for the limiter.
func (p *path) pace(c *call) *verdict {
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
func (p *path) authorize(ctx context.Context, c *call) *verdict {
	c.dropped = c.lane.tokens.Last()
	token, err := p.tokens.Token(c.waits)
	if err != nil {
		return p.foreign(c, err, ErrUnavailable, "the token source failed")
	}
	if c.first != nil && token == c.rejected {
		same := *c.first
		same.Err = errors.New("asked for another token, the credentials gave the rejected one again")
		if !p.credit.Others(&c.lane.tokens) {
			p.tokens.Reject(ctx, token)
		}
		p.remember(c, same.failure(""))
		return &same
	}
	c.token, c.api = token, p.apis.with(token)
	return nil
}

// pass waits for the operation's circuit breaker, unless the address is banned.
func (p *path) pass(c *call) *verdict {
	if c.api == nil {
		c.api = p.apis.plain
	}
	var refused *breaker.Refusal
	if left, _ := p.ban.Left(); left == 0 {
		c.ticket, refused = c.lane.breaker.Acquire(c.waits, c.sent)
		c.holds = refused == nil
	}
	if left, cause := p.ban.Left(); left != 0 { // it may have begun meanwhile
		p.leave(c, breaker.Outcome{})
		refused = &breaker.Refusal{Outcome: breaker.Outcome{Wait: left, Cause: cause}}
	}
	if refused == nil {
		return nil
	}
	v := &verdict{ended: refused.Err, refusal: true, Error: c.error(nil, "not sent: earlier calls failed and the wait would be too long")}
	v.Local, v.RetryAfter = true, refused.Wait
	if cause, is := refused.Cause.(*verdict); is {
		earlier := cause.failure("")
		earlier.ChatID = "" // another call's
		v.Kind, v.Err = earlier.Kind, earlier
	}
	return v
}

// lendTime is how long a call keeps the circuit breaker's pass while the budget is asked.
const lendTime = 200 * time.Millisecond

// spend asks the budget. It runs after the circuit breaker, so no refused request is counted. If the budget takes
// longer than lendTime, the pass goes to another call, and this call waits for the limiter and the circuit breaker
// again: otherwise calls that waited together would be sent in a burst.
func (p *path) spend(c *call) *verdict {
	if p.budget == nil {
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
	if v := p.pace(c); v != nil {
		return v
	}
	return p.pass(c)
}

// Send sends the call's request.
func (c *call) Send(ctx context.Context) (*http.Response, error) { return c.send(ctx, c) }

// attempt sends one request and reads its answer.
func (p *path) attempt(ctx context.Context, c *call) (v *verdict) {
	if err := c.waits.Err(); err != nil {
		return &verdict{ended: err}
	}
	begun := p.clock.Now()
	c.sent++
	// The transport, and the decoder of a caller's own type, may never return.
	back := c.lane.breaker.Lend(c.ticket, p.wire.Limit()+lendTime)
	defer func() { c.holds = back() && c.holds }()
	answer, failed := p.wire.Attempt(ctx, c)
	c.options.keep(answer)
	defer answer.Release()
	r := reader{call: c, secrets: p.secrets(c), answer: answer}
	switch {
	case failed != nil:
		v = r.unanswered(failed, p.wire.Limit())
	case !succeeds(c.contract, answer.Status) || !c.accept(c, answer.Body):
		v = r.refused(p.clock.Now(), p.retry.MaxWait)
	}
	c.unsure = c.unsure || v != nil && v.mayBeDone()
	c.holds = back()
	p.settle(c, v, failed)
	if p.log != nil && p.log.writes(ctx, slog.LevelDebug) {
		about := []any{"op", c.op(), "attempt", c.sent, "duration", p.clock.Now().Sub(begun)}
		if c.chatID != "" {
			about = append(about, "chat", c.chatID)
		}
		if answer != nil {
			about = append(about, "status", answer.Status)
		}
		about = append(about, "request_id", r.requestID())
		if v != nil {
			about = append(about, "error", v.failure(""))
		}
		p.log.write(ctx, slog.LevelDebug, "dingtalk attempt", about...)
	}
	return v
}

// settle tells the breaker, the ban, the tokens' credit and the limiter how a request ended. v is nil after a success.
func (p *path) settle(c *call, v *verdict, failed *wire.Failure) {
	if v != nil && v.Kind == ErrBlocked { //nolint:errorlint // a verdict's kind is never wrapped
		p.ban.Begin(v.RetryAfter, v)
	}
	o := v.outcome()
	if failed != nil {
		o.Wait = max(o.Wait, failed.Took)
	}
	p.leave(c, o)
	if v == nil && c.token != "" {
		var after *tokens.Drop
		if c.first != nil {
			after = c.dropped
		}
		p.credit.Good(&c.lane.tokens, after)
	}
	if l, ok := c.limiter.(interface{ Answered(throttled bool) }); ok && (v == nil || v.ended == nil) {
		l.Answered(v != nil && v.Kind == ErrThrottled) //nolint:errorlint // a verdict's kind is never wrapped
	}
}

// leave returns the circuit breaker's pass, if the call holds it.
func (p *path) leave(c *call, o breaker.Outcome) {
	if c.holds {
		c.holds = false
		c.lane.breaker.Release(c.ticket, o)
	}
}
