package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// tokenKeeper provides tokens: the cache of an app's own token, or the caller's token source.
type tokenKeeper interface {
	// Token returns a token that a header can carry.
	Token(ctx context.Context) (string, error)
	// Reject drops a token that the service rejected, if it is still the current one. again: the next one deserves another
	// try, even after a replay.
	Reject(ctx context.Context, token string) (again bool)
	// Remember makes further calls fail with err for a moment, because a new token was rejected too.
	Remember(err error)
}

// path holds what all calls of a client share.
type path struct {
	wire      *wire.Wire
	apis      apis
	tokens    tokenKeeper
	lanes     breaker.Set[lane]
	ban       breaker.Ban[*verdict]
	credit    tokens.Credit
	retry     Retry
	cache     Cache  // nil: conversions are not kept
	budget    Budget // nil: requests are not counted
	calls     callOptions
	appSecret func() string // a function: no formatter looks into one
	clock     clock.Clock
	log       logger
}

// lane is what a client knows of one operation at one host. Its failures and throttles, and its odd opinion of a token
// that others use with success, concern no other operation.
type lane struct {
	breaker *breaker.Breaker[*verdict]
	tokens  tokens.Use
}

// The steps before and of each request, in order. A step lets the call continue, ends it (done), or returns a verdict
// on why the request was not sent or failed. A conversion may have two more (cachedSteps).
//
// The call takes the circuit breaker's pass after every step that may wait, and returns it with the attempt. While it
// holds the pass, only two pieces of the caller's code run: the transport, within the attempt's time limit, and the
// budget, for at most lendTime (see spend).
var (
	callSteps   = []step{(*path).pace, (*path).authorize, (*path).pass, (*path).spend, (*path).attempt}
	tokenSteps  = []step{(*path).pass, (*path).attempt} // neither rate limit nor quota applies
	publicSteps = []step{(*path).pace, (*path).pass, (*path).attempt}
)

type step func(*path, context.Context, *call) *verdict

// operation is a call of one operation with its arguments; T is the result type.
type operation[T any] struct {
	call
	decode func(c *call, body []byte) (T, bool) // false if the body holds no result
	value  T
}

// call is an operation as the path sees it, with its progress.
type call struct {
	subject
	host     string    // of an operation with a server of its own
	hidden   [2]string // keeps the secrets of an attempt off the heap
	options  callOptions
	steps    []step
	contract *Operation
	send     func(context.Context, *call) (*http.Response, error) // through call.api
	result   result                                               // the operation itself

	limiter   Limiter         // paces its requests; nil: none
	throttles int             // retries left after throttles, beyond Retry.MaxAttempts
	waits     context.Context // ends its waits, and so the call; nil: the caller's context

	touched func() bool // whether a file of the request was read: then it is not sent again; nil: it has none
	finish  func()      // ends the reading

	lane     *lane
	api      *generated.Client // with the token in use
	token    string
	dropped  *tokens.Drop // the lane's last, before the call got its token
	rejected *rejection
	sent     int  // requests
	unsure   bool // a failed request may have been processed
	ticket   breaker.Pass
	holds    bool // whether the call holds ticket
	done     bool // no request is needed
}

// subject identifies a call in its errors.
type subject struct {
	op      string // operationId, as in the contract
	chatID  string
	isToken bool // it is the token call itself
}

// result takes an operation's value from the body of a success.
type result interface{ accept(body []byte) bool }

// rejection is a rejected token with the service's answer.
type rejection struct {
	token string
	*verdict
}

func (o *operation[T]) accept(body []byte) (ok bool) {
	o.value, ok = o.decode(&o.call, body)
	return ok
}

// do makes a call and returns its result.
func do[T any](ctx context.Context, p *path, o *operation[T]) (T, error) {
	o.result = o
	limited, end := o.begin(ctx, p)
	defer end()
	if err := p.do(limited, &o.call); err != nil {
		o.explain(ctx, err)
		err.MayBeDone = o.unsure && o.contract.Repeat != RepeatSafe
		var none T
		return none, err
	}
	return o.value, nil
}

// do is the path of every call. It sends requests until one succeeds, retries as [Retry] allows, and replays the
// request once after a token refresh if the service rejected the token.
func (p *path) do(ctx context.Context, c *call) *Error {
	if c.waits == nil {
		c.waits = ctx
	}
	if c.finish != nil {
		defer c.finish()
	}
	c.lane = p.lanes.Of(breaker.Key{Op: c.contract.ID, Host: c.host}, c.contract.Method, c.contract.Path)
	var before *verdict // of the previous request
	uncounted := 0      // requests beyond Retry.MaxAttempts: replays, and throttled calls of a run
	for {
		n := c.sent
		v := p.request(ctx, c)
		if v == nil {
			return nil
		}
		if c.sent == n || v.ended != nil {
			return c.unsent(v, before)
		}
		before = v
		once := c.touched != nil && c.touched()
		if v.dropToken && c.token != "" {
			ours, drop := p.credit.Rejected(&c.lane.tokens, c.dropped)
			again := drop && p.tokens.Reject(ctx, c.token)
			switch {
			case once:
			case (c.rejected == nil || again) && !ours:
				c.rejected = &rejection{c.token, v}
				uncounted++
				continue
			case c.rejected != nil:
				failed := c.failure(v, "")
				failed.Err = fmt.Errorf("the token had been refreshed; the one before was rejected too: %w", c.failure(c.rejected.verdict, ""))
				p.remember(c, failed)
				return failed
			}
		}
		if once {
			return c.failure(v, "not sent again: its file was read, and can be read once")
		}
		if v.Kind == ErrThrottled && c.throttles > 0 { //nolint:errorlint // a verdict's kind is never wrapped
			c.throttles--
			uncounted++
		}
		wait, again, why := p.retry.next(c.waits, p.clock, v, c.contract.Repeat == RepeatSafe, max(c.sent-uncounted, 1))
		if !again {
			return c.failure(v, why)
		}
		if p.log != (silent{}) {
			p.log.wait(ctx, wait, c.failure(v, ""))
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

// request runs the steps of one request.
func (p *path) request(ctx context.Context, c *call) *verdict {
	defer p.leave(c, breaker.Outcome[*verdict]{}) // after a panic of the caller's code the pass must go back
	if cause := clock.Ended(c.waits); cause != nil {
		return &verdict{ended: cause}
	}
	for _, take := range c.steps {
		if v := take(p, ctx, c); v != nil || c.done {
			return v
		}
	}
	return nil
}

// pace waits for the limiter.
func (p *path) pace(_ context.Context, c *call) *verdict {
	if c.limiter == nil {
		return nil
	}
	err := c.limiter.Wait(c.waits)
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) && clock.Ended(c.waits) == nil {
		return &verdict{ended: context.DeadlineExceeded}
	}
	return c.refusal(p.hide(c, err), ErrThrottled, "not sent: the limiter refused")
}

// authorize gets a token; the rejected one once more is a failure.
func (p *path) authorize(ctx context.Context, c *call) *verdict {
	c.dropped = c.lane.tokens.Last()
	token, err := p.tokens.Token(c.waits)
	if err != nil {
		return c.tokenless(p.hide(c, err))
	}
	if c.rejected != nil && token == c.rejected.token {
		same := *c.rejected.verdict
		same.Err = errors.New("asked for another token, the credentials gave the rejected one again")
		if !p.credit.Others(&c.lane.tokens) {
			p.tokens.Reject(ctx, token)
		}
		p.remember(c, c.failure(&same, ""))
		return &same
	}
	c.token, c.api = token, p.apis.with(token)
	return nil
}

// pass waits for the operation's circuit breaker, unless the address is banned.
func (p *path) pass(ctx context.Context, c *call) *verdict {
	var refused *breaker.Refusal[*verdict]
	if left, cause := p.ban.Left(); left == 0 {
		c.ticket, refused = c.lane.breaker.Acquire(c.waits, c.sent)
		c.holds = refused == nil
	} else {
		refused = &breaker.Refusal[*verdict]{Outcome: breaker.Outcome[*verdict]{Wait: left, Cause: cause}}
	}
	if refused == nil {
		if left, _ := p.ban.Left(); left != 0 { // it began meanwhile
			p.leave(c, breaker.Outcome[*verdict]{})
			return p.pass(ctx, c)
		}
		if c.api == nil {
			c.api = p.apis.plain
		}
		return nil
	}
	v := &verdict{ended: refused.Err, refusal: true, Error: c.error(nil, "not sent: earlier calls failed and the wait would be too long")}
	v.Local, v.RetryAfter = true, refused.Wait
	if refused.Cause != nil {
		v.Kind = refused.Cause.Kind
		earlier := refused.Cause.Error
		earlier.ChatID = "" // another call's
		v.Err = &earlier
	}
	return v
}

// lendTime is how long a call keeps the circuit breaker's pass while the budget is asked.
const lendTime = 200 * time.Millisecond

// spend asks the budget. It runs after the circuit breaker, so no refused request is counted. If the budget takes
// longer than lendTime, the pass goes to another call, and this call waits for the limiter and the circuit breaker
// again.
func (p *path) spend(ctx context.Context, c *call) *verdict {
	if p.budget == nil {
		return nil
	}
	back := c.lane.breaker.Lend(c.ticket, lendTime)
	c.holds = false
	err := p.budget.Spend(c.waits)
	c.holds = back()
	if err != nil {
		return c.refusal(p.hide(c, err), ErrQuotaExhausted, "not sent: the budget refused")
	}
	if c.holds {
		return nil
	}
	if v := p.pace(ctx, c); v != nil { // otherwise calls that waited together would be sent in a burst
		return v
	}
	return p.pass(ctx, c)
}

// Send sends the call's request.
func (c *call) Send(ctx context.Context) (*http.Response, error) { return c.send(ctx, c) }

// attempt sends one request and reads its answer.
func (p *path) attempt(ctx context.Context, c *call) *verdict {
	if err := c.waits.Err(); err != nil {
		return &verdict{ended: err}
	}
	logs := p.log != silent{}
	var begun time.Time
	if logs {
		begun = p.clock.Now()
	}
	c.sent++
	// The transport, and the decoder of a caller's own type, may never return.
	back := c.lane.breaker.Lend(c.ticket, p.wire.Limit()+lendTime)
	defer func() { c.holds = back() && c.holds }()
	answer, failed := p.wire.Attempt(ctx, c)
	c.options.keep(answer)
	defer answer.Release()
	var v *verdict
	r := reader{call: c, secrets: p.secrets(c), answer: answer}
	switch {
	case failed != nil:
		v = r.unanswered(failed, p.wire.Limit())
	case !succeeds(c.contract, answer.Status) || !c.result.accept(answer.Body):
		v = r.refused(p.clock.Now(), p.retry.MaxWait)
	}
	c.unsure = c.unsure || v != nil && v.mayBeDone()
	c.holds = back()
	p.settle(c, v, failed)
	if logs {
		e := entry{op: c.op, chatID: c.chatID, n: c.sent, requestID: r.requestID(), took: p.clock.Now().Sub(begun)}
		if answer != nil {
			e.status = answer.Status
		}
		if v != nil {
			e.err = c.failure(v, "")
		}
		p.log.attempt(ctx, e)
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
		if c.rejected != nil {
			after = c.dropped
		}
		p.credit.Good(&c.lane.tokens, after)
	}
	if l, ok := c.limiter.(interface{ Answered(throttled bool) }); ok && (v == nil || v.ended == nil) {
		l.Answered(v != nil && v.Kind == ErrThrottled) //nolint:errorlint // a verdict's kind is never wrapped
	}
}

// leave returns the circuit breaker's pass, if the call holds it.
func (p *path) leave(c *call, o breaker.Outcome[*verdict]) {
	if c.holds {
		c.holds = false
		c.lane.breaker.Release(c.ticket, o)
	}
}
