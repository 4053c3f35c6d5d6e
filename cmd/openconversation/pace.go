package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// pace is the limiter and the budget of a run. It keeps the requests within a rate, and counts them.
type pace struct {
	qps       float64
	inner     dingtalk.Limiter // nil for no limit
	max       int64            // --max-calls; 0 for none
	budget    dingtalk.Budget  // that of all who share the app; nil for none
	calls     atomic.Int64     // requests that were sent
	throttled atomic.Int64
}

func newPace(qps float64, maxCalls int) *pace {
	p := &pace{qps: qps, max: int64(maxCalls)}
	if qps > 0 {
		p.inner = dingtalk.NewLimiter(qps)
	}
	return p
}

// errMaxCalls ends a run that has made the calls which it was given.
var errMaxCalls = errors.New("stopped by --max-calls")

// Spend counts a request that is about to be sent, unless there is no call left for it. It counts before it asks the
// other budget, so that no two requests take the last call.
func (p *pace) Spend(ctx context.Context) error {
	if n := p.calls.Add(1); p.max > 0 && n > p.max {
		p.calls.Add(-1)
		return &dingtalk.Error{Kind: fmt.Errorf("%w: %d calls have been made", errMaxCalls, p.max), Local: true}
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
func (p *pace) Wait(ctx context.Context) error {
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
func (p *pace) Answered(throttled bool) {
	if throttled {
		p.throttled.Add(1)
	}
	if l, ok := p.inner.(interface{ Answered(throttled bool) }); ok {
		l.Answered(throttled)
	}
}
