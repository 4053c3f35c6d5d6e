package connect

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Pace is the limiter and the budget of a run. It keeps the requests within a rate, and counts them.
type Pace struct {
	qps       float64
	inner     dingtalk.Limiter // nil for no limit
	max       int64            // --max-calls; 0 for none
	budget    dingtalk.Budget  // that of all who share the app; nil for none
	calls     atomic.Int64     // requests that were sent
	throttled atomic.Int64
}

// Calls is how many requests have been sent, and Throttled how many of them were throttled.
func (p *Pace) Calls() int64 { return p.calls.Load() }

// Throttled is how many requests the service throttled.
func (p *Pace) Throttled() int64 { return p.throttled.Load() }

// NewPace is a pace of at most qps requests a second, 0 being no limit, and at most maxCalls in all, likewise.
func NewPace(qps float64, maxCalls int) *Pace {
	p := &Pace{qps: qps, max: int64(maxCalls)}
	if qps > 0 {
		p.inner = dingtalk.NewLimiter(qps)
	}
	return p
}

// Spend counts a request that is about to be sent, unless there is no call left for it. It counts before it asks the
// other budget, so that no two requests take the last call.
func (p *Pace) Spend(ctx context.Context) error {
	if n := p.calls.Add(1); p.max > 0 && n > p.max {
		p.calls.Add(-1)
		return &dingtalk.Error{Kind: lang.Errorf("%w: %d calls have been made", explain.ErrMaxCalls, p.max), Local: true}
	}
	if p.budget == nil {
		return nil
	}
	err := p.budget.Spend(ctx)
	if err != nil {
		p.calls.Add(-1)
	}
	return err
}

// Wait lets a request go when its time has come.
func (p *Pace) Wait(ctx context.Context) error {
	if p.inner == nil {
		return ctx.Err()
	}
	// A deadline ends the wait when it comes. The limiter would refuse at once a turn that comes after it, which looks
	// like a throttle.
	untimed, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if err := p.inner.Wait(untimed); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// Answered passes on what became of a request, so that the rate adapts.
func (p *Pace) Answered(throttled bool) {
	if throttled {
		p.throttled.Add(1)
	}
	if l, ok := p.inner.(interface{ Answered(throttled bool) }); ok {
		l.Answered(throttled)
	}
}
