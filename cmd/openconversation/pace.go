package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// pace is the limiter of a run over a file. It counts the requests, and keeps them within a rate and a budget.
type pace struct {
	qps       float64
	inner     dingtalk.Limiter // nil for no limit
	max       int64            // budget in requests; 0 for none
	calls     atomic.Int64     // requests that were let go
	throttled atomic.Int64
}

func newPace(qps float64, maxCalls int) *pace {
	p := &pace{qps: qps, max: int64(maxCalls)}
	if qps > 0 {
		p.inner = dingtalk.NewLimiter(qps)
	}
	return p
}

// Wait lets a request go when its time has come. The budget is spent before that, so that no two take its last call.
func (p *pace) Wait(ctx context.Context) error {
	if n := p.calls.Add(1); p.max > 0 && n > p.max {
		p.calls.Add(-1)
		return &dingtalk.Error{
			Kind: dingtalk.ErrQuotaExhausted, Local: true,
			Message: fmt.Sprintf("not sent: the %d calls of --max-calls are spent", p.max),
		}
	}
	if p.inner == nil {
		return ctx.Err()
	}
	// A deadline ends the wait when it comes. The limiter would refuse at once a turn that comes after it, which looks
	// like a throttle.
	untimed, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if err := p.inner.Wait(untimed); err != nil {
		p.calls.Add(-1)
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
