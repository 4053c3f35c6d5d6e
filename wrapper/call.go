package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// operation is one call of the contract: all that differs between endpoints.
type operation struct {
	id     string // operationId, as in the contract
	public bool   // it carries no token, and passes no limiter, and the gate unless banned: there is one at a time
	secret string // what its request carries besides, that no error may repeat
	send   func(context.Context, *generated.Client) (*http.Response, error)
	result func(body []byte) (text string, ok bool) // takes the result from the body of a success; ok is false if it holds none
	text   string                                   // what result returned: most results are one string

	limiter   Limiter // paces its requests; nil does not
	throttles int     // repeats after throttles, beyond Retry.MaxAttempts
}

// rejection is a token that the service did not take, and how it said so.
type rejection struct {
	token string
	err   *Error
}

// call is the one path of every operation: requests until one succeeds, with one replay if the token is rejected and
// repeats after waits, as long as they may help.
func (c *Client) call(ctx context.Context, op *operation) *Error {
	var failed *Error       // what the last request got
	var rejected *rejection // the token that was rejected, if one was
	uncounted := 0          // requests that do not count as repeats: replays and throttles of a run
	for n := 1; ; n++ {
		token, sent, err := c.request(ctx, op, n, rejected)
		if err == nil {
			return nil
		}
		if !sent || err.broken && ended(ctx) != nil {
			return unsent(ctx, op, err, failed)
		}
		failed = err
		if failed.dropToken && !op.public {
			c.tokens.reject(ctx, token)
			if rejected == nil {
				rejected = &rejection{token: token, err: failed}
				uncounted++
				continue
			}
			failed.Err = fmt.Errorf("the token had been refreshed; the one before was rejected too: %w", rejected.err)
			c.tokens.remember(failed)
			return failed
		}
		if errors.Is(failed.Kind, ErrThrottled) && op.throttles > 0 {
			op.throttles--
			uncounted++
		}
		wait, again := c.retry.next(ctx, c.clock, failed, max(n-uncounted, 1))
		if !again {
			return failed
		}
		c.log.wait(ctx, op.id, wait, failed)
		if err := c.clock.sleep(ctx, wait); err != nil {
			return canceled(op.id, err, failed)
		}
	}
}

// request passes gate and limiter, gets a token and sends the nth request. sent is false if something kept it from being
// sent.
func (c *Client) request(ctx context.Context, op *operation, n int, rejected *rejection) (token string, sent bool, err *Error) {
	if cause := ended(ctx); cause != nil {
		return "", false, canceled(op.id, cause, nil)
	}
	if op.public {
		if err := c.gate.banned(); err != nil {
			return "", false, err
		}
		err := c.attempt(ctx, op, n, "")
		c.gate.noteBan(err)
		return "", true, err
	}
	p, err := c.gate.enter(ctx, n-1)
	if err != nil {
		return "", false, err
	}
	settled := false // a panic of the caller's own code, such as its token source, must not keep the pass
	defer func() {
		if !settled {
			c.gate.abandon(p)
		}
	}()
	if err := c.limit(ctx, op); err != nil {
		return "", false, err
	}
	if token, err = c.token(ctx, op, rejected); err != nil {
		return "", false, err
	}
	if err := c.spend(ctx, op); err != nil {
		return "", false, err
	}
	err = c.attempt(ctx, op, n, token)
	if err == nil || !err.broken || ended(ctx) == nil {
		settled = true
		c.gate.leave(p, err)
		op.answered(err)
	}
	return token, true, err
}

// token gets a token other than the one that was rejected.
func (c *Client) token(ctx context.Context, op *operation, rejected *rejection) (string, *Error) {
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return "", tokenError(ctx, op.id, err)
	}
	if rejected != nil && token == rejected.token {
		c.tokens.reject(ctx, token)
		same := *rejected.err
		same.Err = errors.New("asked for another token, the credentials gave the rejected one again")
		c.tokens.remember(&same)
		return "", &same
	}
	return token, nil
}

// unsent completes the error of a request that was not sent, or that the caller's context broke off. before is what the
// request before it got.
func unsent(ctx context.Context, op *operation, err, before *Error) *Error {
	if cause := ended(ctx); cause != nil {
		ending := canceled(op.id, cause, before)
		if before == nil && !err.broken {
			ending.Err = err.Err // such as what closed the gate
		}
		return ending
	}
	err.Op = op.id
	if before != nil && err != before {
		if !err.TokenEndpoint {
			err.Attempts = before.Attempts
		}
		if err.Err == nil {
			err.Err = before
		}
	}
	return err
}

// attempt sends one request and reads its answer, all within the limit of one attempt.
func (c *Client) attempt(caller context.Context, op *operation, n int, token string) *Error {
	ctx, watch := c.transport.watches.begin(caller)
	defer c.transport.watches.end(watch)
	resp, err := op.send(ctx, c.transport.api(token)) //nolint:bodyclose // readAnswer closes it
	carried := secrets{token, op.secret}
	var failed *Error
	requestID := ""
	if err != nil {
		failed = c.transport.sendFailure(caller, err)
	} else {
		requestID, failed = c.answer(ctx, caller, resp, op, carried)
	}
	if failed != nil {
		failed.Op, failed.Attempts = op.id, n
		failed.Err = carried.clear(failed.Err)
	}
	c.log.attempt(caller, op.id, n, requestID, failed)
	return failed
}

// answer reads a response into op, or says why it holds no result.
func (c *Client) answer(ctx, caller context.Context, resp *http.Response, op *operation, carried secrets) (string, *Error) {
	a, err := readAnswer(resp, carried)
	defer a.release()
	requestID := ""
	if c.log != (silent{}) {
		requestID = a.requestID()
	}
	if err != nil {
		if tooLate(ctx) {
			err = errAttemptLimit
		}
		return requestID, a.readFailure(caller, err)
	}
	if a.status == http.StatusOK {
		var ok bool
		if op.text, ok = op.result(a.body); ok {
			return requestID, nil
		}
	}
	return requestID, a.failure(op, c.clock.now())
}

// canceled is the error of a call that its own caller ended. before is what the service had answered, if it had.
func canceled(op string, cause error, before *Error) *Error {
	err := &Error{Op: op, Kind: cause, Message: "the caller's context ended the call"}
	if before != nil {
		err.Err, err.Attempts = before, before.Attempts
	}
	return err
}

// refusal is the error of a request that the caller's own token source, limiter or budget kept from being sent: of the
// given kind, unless that returned an *Error or the caller's context has ended.
func refusal(ctx context.Context, op string, err, kind error, message string) *Error {
	if cause := ended(ctx); cause != nil {
		return canceled(op, cause, nil)
	}
	if e, ok := as[*Error](err); ok {
		own := *e // the original may be shared with other callers
		return &own
	}
	return &Error{Op: op, Kind: kind, Local: true, Message: message, Err: err}
}

// tokenError is the error of a call that could not get a token.
func tokenError(ctx context.Context, op string, err error) *Error {
	return refusal(ctx, op, err, ErrUnauthenticated, "the token source failed")
}
