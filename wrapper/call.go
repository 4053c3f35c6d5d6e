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
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// tokenKeeper is what the path asks for tokens: the cache of an app's own token, or another source behind the same face.
type tokenKeeper interface {
	// Token returns a token that a header can carry.
	Token(ctx context.Context) (string, error)
	// reject drops a token that the service rejected, if it is still the current one.
	reject(ctx context.Context, token string)
	// remember makes further calls fail with err for a moment, since another token did not help.
	remember(err *Error)
}

// path is what the calls of a client share.
type path struct {
	wire    *wire.Wire
	apis    apis
	tokens  tokenKeeper
	breaker *breaker.Breaker[*verdict]
	retry   Retry
	cache   Cache  // nil: conversions are not kept
	budget  Budget // nil: requests are not counted
	clock   clock.Clock
	log     logger
}

// The steps of a call, in their order, for each request that it sends. A step lets the call go on, ends it (done), or has
// a verdict on what keeps the request from being sent or from succeeding.
//
// The circuit breaker's pass is taken after what may wait, and given back with the attempt: while a call holds one, no
// code of the caller's runs but the transport, within the attempt's limit, and the budget, for a moment (see spend).
var (
	callSteps   = []step{(*path).recall, (*path).pace, (*path).authorize, (*path).pass, (*path).spend, (*path).attempt}
	tokenSteps  = []step{(*path).pass, (*path).attempt} // no rate limit and no quota counts them
	publicSteps = []step{(*path).pace, (*path).pass, (*path).attempt}
)

type step func(*path, context.Context, *call) *verdict

// operation is one operation of the contract with what a caller passes to it; T is its result.
type operation[T any] struct {
	call
	decode func(body []byte) (T, bool) // false if the body of a success holds no result
	find   func(context.Context) (T, bool)
	keep   func(context.Context, T)
	value  T
}

// call is what the path knows of an operation, and how far it has come.
type call struct {
	subject
	secret   string // what its request carries in addition to the token, that no error may repeat
	steps    []step
	contract *Operation
	send     func(context.Context, *call) (*http.Response, error) // through call.api
	result   result                                               // the operation

	limiter   Limiter         // paces its requests; nil does not
	throttles int             // repeats after throttles, beyond Retry.MaxAttempts
	waits     context.Context // ends its waits, and with them the call; nil is the caller's

	api      *generated.Client // with the token in use
	token    string
	rejected *rejection
	sent     int  // requests
	unsure   bool // one of them may have been processed although it failed
	ticket   breaker.Pass
	holds    bool // the ticket
	done     bool // without a request
}

// result is what an operation gives to the path: it takes its value from a cache or from the body of a success.
type result interface {
	recall(ctx context.Context) bool
	accept(body []byte) bool
	store(ctx context.Context)
}

// rejection is a token that the service did not take, and how it said so.
type rejection struct {
	token string
	verdict
}

func (o *operation[T]) recall(ctx context.Context) (ok bool) {
	if o.find != nil {
		o.value, ok = o.find(ctx)
	}
	return ok
}

func (o *operation[T]) accept(body []byte) (ok bool) {
	o.value, ok = o.decode(body)
	return ok
}

func (o *operation[T]) store(ctx context.Context) {
	if o.keep != nil {
		o.keep(ctx, o.value)
	}
}

// do makes a call.
func do[T any](ctx context.Context, p *path, o *operation[T]) (T, error) {
	o.result = o
	if err := p.do(ctx, &o.call); err != nil {
		err.MayBeDone = o.unsure && o.contract.Repeat != RepeatSafe
		var none T
		return none, err
	}
	return o.value, nil
}

// do is the one path of every call: requests until one succeeds, with one replay if the token is rejected, and repeats
// after waits as long as they may help and are allowed.
func (p *path) do(ctx context.Context, c *call) *Error {
	if c.waits == nil {
		c.waits = ctx
	}
	var before *verdict // on the request before
	uncounted := 0      // requests that do not count as repeats: replays and throttles of a run
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
		if v.dropToken && c.token != "" {
			p.tokens.reject(ctx, c.token)
			if c.rejected == nil {
				c.rejected = &rejection{c.token, *v}
				uncounted++
				continue
			}
			failed := c.failure(v, fmt.Errorf("the token had been refreshed; the one before was rejected too: %w", c.failure(&c.rejected.verdict, nil, "")), "")
			p.tokens.remember(failed)
			return failed
		}
		if v.kind == ErrThrottled && c.throttles > 0 { //nolint:errorlint // a verdict's kind is never wrapped
			c.throttles--
			uncounted++
		}
		wait, again, why := p.retry.next(c.waits, p.clock, v, c.contract.Repeat == RepeatSafe, max(c.sent-uncounted, 1))
		if !again {
			return c.failure(v, nil, why)
		}
		if p.log != (silent{}) {
			p.log.wait(ctx, wait, c.failure(v, nil, ""))
		}
		if err := p.clock.Sleep(c.waits, wait); err != nil {
			return c.unsent(&verdict{ended: err}, before)
		}
	}
}

// request takes the steps of one request.
func (p *path) request(ctx context.Context, c *call) *verdict {
	defer p.leave(c, breaker.Outcome[*verdict]{}) // what a panic of the caller's own code would keep
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

// recall looks into the cache, once.
func (p *path) recall(ctx context.Context, c *call) *verdict {
	c.done = c.sent == 0 && c.result.recall(ctx)
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
	return foreign(c.waits, err, ErrThrottled, "not sent: the limiter refused")
}

// authorize gets a token other than the one that was rejected.
func (p *path) authorize(ctx context.Context, c *call) *verdict {
	token, err := p.tokens.Token(c.waits)
	if err != nil {
		return unauthorized(c.waits, err)
	}
	if c.rejected != nil && token == c.rejected.token {
		p.tokens.reject(ctx, token)
		same := c.rejected.verdict
		same.cause = errors.New("asked for another token, the credentials gave the rejected one again")
		p.tokens.remember(c.failure(&same, nil, ""))
		return &same
	}
	c.token, c.api = token, p.apis.with(token)
	return nil
}

// pass waits for the circuit breaker.
func (p *path) pass(_ context.Context, c *call) *verdict {
	ticket, refused := p.breaker.Acquire(c.waits, c.sent, c.isToken)
	if refused == nil {
		c.ticket, c.holds = ticket, true
		if c.api == nil {
			c.api = p.apis.plain
		}
		return nil
	}
	v := &verdict{ended: refused.Err, local: true, wait: refused.Wait, message: "not sent: earlier calls failed and the wait would be too long"}
	if refused.Cause != nil {
		v.kind = refused.Cause.kind
		v.cause = subject{op: refused.Cause.op}.failure(refused.Cause, nil, "")
	}
	return v
}

// lendTime is how long a budget may take before the pass of its call is given to another.
const lendTime = 200 * time.Millisecond

// spend asks the budget. It comes after the circuit breaker, which could still keep the request from being sent. A budget
// that takes its time loses the pass meanwhile, and the turn of the limiter.
func (p *path) spend(ctx context.Context, c *call) *verdict {
	if p.budget == nil {
		return nil
	}
	back := p.breaker.Lend(c.ticket, lendTime)
	c.holds = false
	err := p.budget.Spend(c.waits)
	c.holds = back()
	if err != nil {
		return foreign(c.waits, err, ErrQuotaExhausted, "not sent: the budget refused")
	}
	if c.holds {
		return nil
	}
	if v := p.pace(ctx, c); v != nil { // what waited together would be sent together
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
	answer, failed := p.wire.Attempt(ctx, c)
	defer answer.Release()
	var v *verdict
	r := reader{op: c.op, attempts: c.sent, secrets: text.Secrets{c.token, c.secret}, answer: answer, maxWait: p.retry.MaxWait, contract: c.contract}
	switch {
	case failed != nil:
		v = r.unanswered(failed, p.wire.Limit())
	case !succeeds(c.contract, answer.Status) || !c.result.accept(answer.Body):
		r.now = p.clock.Now()
		v = r.refused()
	}
	c.unsure = c.unsure || v != nil && v.mayBeDone()
	p.leave(c, v.outcome())
	if l, ok := c.limiter.(interface{ Answered(throttled bool) }); ok && (v == nil || v.ended == nil) {
		l.Answered(v != nil && v.kind == ErrThrottled) //nolint:errorlint // a verdict's kind is never wrapped
	}
	if logs {
		e := entry{op: c.op, chatID: c.chatID, n: c.sent, requestID: r.requestID(), took: p.clock.Now().Sub(begun)}
		if answer != nil {
			e.status = answer.Status
		}
		if v != nil {
			e.err = c.failure(v, nil, "")
		}
		p.log.attempt(ctx, e)
	}
	if v == nil {
		c.result.store(ctx)
	}
	return v
}

// leave gives the circuit breaker's pass back, if the call holds one.
func (p *path) leave(c *call, o breaker.Outcome[*verdict]) {
	if c.holds {
		c.holds = false
		p.breaker.Release(c.ticket, o)
	}
}
