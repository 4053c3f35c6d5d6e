package dingtalk

import (
	"context"
	"net/http"
)

// BudgetLeft is how many more failures the client's gate takes before it closes.
func (c *Client) BudgetLeft() int {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	return gateBudget - c.gate.run
}

// DefaultTransport is a copy of the transport that clients share which bring none of their own.
func DefaultTransport() *http.Transport { return sharedTransport().Clone() }

// ParseRetryAfter is retryAfter.
var ParseRetryAfter = retryAfter

// Limits that tests hold the package to.
const (
	GateStart    = gateStart
	GateBudget   = gateBudget
	BanTime      = banTime
	MaxBodyBytes = maxBodyBytes
)

// EnterGate passes the client's gate as a call does that has sent so many requests. leave says how the request ended.
func (c *Client) EnterGate(ctx context.Context, sent int) (leave func(failed bool), err error) {
	p, refusal := c.gate.enter(ctx, sent)
	if refusal != nil {
		return nil, refusal
	}
	return func(failed bool) {
		if failed {
			c.gate.leave(p, &Error{Kind: ErrUnavailable, retry: true})
		} else {
			c.gate.leave(p, nil)
		}
	}, nil
}
