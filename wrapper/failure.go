package dingtalk

import (
	"context"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/tokens"
)

// subject identifies a call in its errors.
type subject struct {
	op      string // operationId, as in the contract
	chatID  string
	isToken bool // it is the token call itself
}

// foreign is the verdict on a request that the caller's own token source, limiter or budget refused. The verdict is of
// the given kind, unless err is an *Error or the caller's context has ended.
func foreign(ctx context.Context, err, kind error, message string) *verdict {
	if cause := clock.Ended(ctx); cause != nil {
		return &verdict{ended: cause}
	}
	e, ok := text.Find[*Error](err)
	if !ok {
		return &verdict{kind: kind, local: true, message: message, cause: err}
	}
	v := &verdict{
		kind: e.Kind, status: e.StatusCode, code: e.Code, message: e.Message, requestID: e.RequestID, scopes: e.RequiredScopes,
		wait: e.RetryAfter, cause: e.Err, attempts: e.Attempts, tokenEndpoint: e.TokenEndpoint, local: e.Local,
	}
	if _, earlier := text.Find[*tokens.RememberedError](err); earlier { // a recent failure of another call
		v.local, v.attempts = true, 0
	}
	return v
}

// unauthorized is the verdict on a request without a token.
func unauthorized(ctx context.Context, err error) *verdict {
	return foreign(ctx, err, ErrUnauthenticated, "the token source failed")
}

// failure makes the error of a call that ends with v. cause replaces v's cause; note follows its message.
func (s subject) failure(v *verdict, cause error, note string) *Error {
	e := &Error{
		Op: s.op, ChatID: s.chatID, Kind: v.kind, StatusCode: v.status, Code: v.code, Message: joined(v.message, note), RequestID: v.requestID,
		RequiredScopes: v.scopes, RetryAfter: v.wait, Attempts: v.attempts, TokenEndpoint: v.tokenEndpoint || s.isToken, Local: v.local, Err: v.cause,
	}
	if cause != nil {
		e.Err = cause
	}
	if e.TokenEndpoint {
		e.ChatID = ""
	}
	return e
}

// unsent makes the error of a call whose last request was not sent, or was interrupted by the caller's context. before
// is the verdict on the previous request.
func (s subject) unsent(v, before *verdict) *Error {
	var earlier *Error
	if before != nil {
		earlier = s.failure(before, nil, "")
	}
	if v.ended != nil {
		e := &Error{Op: s.op, ChatID: s.chatID, Kind: v.ended, TokenEndpoint: s.isToken, Message: "the caller's context ended the call"}
		switch {
		case earlier != nil:
			e.Err, e.Attempts = earlier, earlier.Attempts
		case !v.broken:
			e.Err = v.cause // such as the failure that opened the circuit breaker
		}
		return e
	}
	e := s.failure(v, nil, "")
	if earlier != nil {
		if !e.TokenEndpoint {
			e.Attempts = earlier.Attempts
		}
		if e.Err == nil {
			e.Err = earlier
		}
	}
	return e
}
