package dingtalk

import "context"

// Budget counts the requests that the service counts towards the organisation's monthly quota, CallsPerMonth of package
// generated on the standard edition. Spend is called before each of them, repeats included, once nothing else can keep
// it from being sent; an error keeps it. Package dingtalkredis has one that a fleet shares.
type Budget interface {
	Spend(ctx context.Context) error
}

// WithBudget asks budget before each request. A call that it refuses fails with [ErrQuotaExhausted], unless the
// budget's error is an *[Error] of another kind, and Error.Local is true.
func WithBudget(budget Budget) Option {
	return func(c *config) error {
		c.budget = budget
		return nil
	}
}

// spend counts a request that is about to be sent.
func (c *Client) spend(ctx context.Context, op *operation) *Error {
	if c.budget == nil {
		return nil
	}
	err := c.budget.Spend(ctx)
	if err == nil {
		return nil
	}
	return refusal(ctx, op.id, err, ErrQuotaExhausted, "not sent: the budget refused")
}
