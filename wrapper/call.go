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
	public bool   // it carries no token
	secret string // what its request carries besides, that no error may repeat
	send   func(context.Context, generated.RequestEditorFn) (*http.Response, error)
	into   any         // the body of a success
	ok     func() bool // whether into holds a result
}

// call is the one path of every operation: gate, token, request; then, by the answer, success, one replay with a new
// token, a repeat after a wait, or the end.
func (c *Client) call(ctx context.Context, op *operation) *Error {
	var failed *Error       // what the last request got
	var rejected *rejection // the token that the service did not take, if it did not
	for n := 1; ; n++ {     // n counts requests
		if err := ended(ctx); err != nil {
			return canceled(op.id, err, failed)
		}
		var token string
		p, err := c.enter(ctx, op)
		if err == nil {
			token, err = c.token(ctx, op, p, rejected)
		}
		if err != nil { // nothing was sent
			err.Op = op.id
			if !err.TokenEndpoint {
				err.Attempts = n - 1
			}
			if err.Err == nil && failed != nil {
				err.Err = failed
			}
			return err
		}

		before := failed
		failed = c.attempt(ctx, op, n, token)
		if err := ended(ctx); err != nil && failed != nil && failed.broken {
			c.gate.abandon(p)
			return canceled(op.id, err, before)
		}
		c.gate.leave(p, failed)
		switch {
		case failed == nil:
			return nil
		case failed.dropToken && !op.public && rejected == nil:
			c.tokens.reject(ctx, token)
			rejected = &rejection{token: token, err: failed}
			continue
		case failed.dropToken && !op.public:
			c.tokens.reject(ctx, token)
			failed.Err = fmt.Errorf("the token had been refreshed; the one before was rejected too: %w", rejected.err)
			c.tokens.remember(failed)
			return failed
		}
		sent := n
		if rejected != nil {
			sent-- // a replay is not a repeat
		}
		wait, again := c.retry.next(ctx, c.clock, failed, sent)
		if !again {
			return failed
		}
		c.log.wait(ctx, op.id, wait, failed)
		if err := c.clock.sleep(ctx, wait); err != nil {
			return canceled(op.id, err, failed)
		}
	}
}

// rejection is a token that the service did not take, and how it said so.
type rejection struct {
	token string
	err   *Error
}

// enter passes the gate. Token requests have none: there is never more than one at a time.
func (c *Client) enter(ctx context.Context, op *operation) (pass, *Error) {
	if op.public {
		return pass{}, nil
	}
	return c.gate.enter(ctx)
}

// token gets the token for a request, other than the one that was rejected. If it cannot, it gives the pass back.
func (c *Client) token(ctx context.Context, op *operation, p pass, rejected *rejection) (string, *Error) {
	if op.public {
		return "", nil
	}
	token, err := c.tokens.Token(ctx)
	if err == nil && (rejected == nil || token != rejected.token) {
		return token, nil
	}
	c.gate.abandon(p)
	if err != nil {
		return "", tokenError(ctx, op.id, err)
	}
	c.tokens.reject(ctx, token)
	same := *rejected.err
	same.Err = errors.New("asked for another token, the credentials gave the rejected one again")
	c.tokens.remember(&same)
	return "", &same
}

// attempt sends one request and reads its answer, all within the limit of one attempt.
func (c *Client) attempt(caller context.Context, op *operation, n int, token string) *Error {
	ctx, cancel := context.WithTimeout(caller, c.transport.timeout)
	defer cancel()
	resp, err := op.send(ctx, c.transport.editor(token))
	var failed *Error
	requestID := ""
	if err != nil {
		failed = c.transport.sendFailure(caller, err)
	} else {
		requestID, failed = c.answer(caller, resp, op, token)
	}
	if failed != nil {
		failed.Op, failed.Attempts = op.id, n
	}
	c.log.attempt(caller, op.id, n, requestID, failed)
	return failed
}

// answer reads a response into op, or says why it holds no result.
func (c *Client) answer(caller context.Context, resp *http.Response, op *operation, token string) (string, *Error) {
	a, err := readAnswer(resp)
	defer a.release()
	if err != nil {
		return a.requestID(), a.readFailure(caller, err)
	}
	return a.requestID(), a.decode(op, c.clock.now(), token)
}

// canceled is the error of a call that its own caller ended. before is what the service had answered, if it had.
func canceled(op string, cause error, before *Error) *Error {
	err := &Error{Op: op, Kind: cause, Message: "the caller's context ended the call"}
	if before != nil {
		err.Err, err.Attempts = before, before.Attempts
	}
	return err
}

// tokenError is the error of a call that could not get a token.
func tokenError(ctx context.Context, op string, err error) *Error {
	if cause := ended(ctx); cause != nil {
		return canceled(op, cause, nil)
	}
	var e *Error
	if errors.As(err, &e) {
		own := *e // the original may be shared with other callers
		return &own
	}
	return &Error{Kind: ErrUnauthenticated, Local: true, Message: "the token source failed", Err: err}
}
