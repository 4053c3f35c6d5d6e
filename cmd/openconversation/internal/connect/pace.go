package connect

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Pace is the limiter and the budget of a run. It limits the rate of requests and counts them.
type Pace struct {
	qps       float64
	inner     dingtalk.Limiter // nil: no limit
	max       int64            // --max-calls; 0: none
	budget    dingtalk.Budget  // shared with other processes; nil: none
	calls     atomic.Int64     // requests sent
	throttled atomic.Int64
	run       context.Context // ends when the run stops
	Stop      func()          // ends it: no request is sent from then on but those that are counted already
}

// Stopped is closed when the run stops.
func (p *Pace) Stopped() <-chan struct{} { return p.run.Done() }

// Stopping reports whether the run has stopped.
func (p *Pace) Stopping() bool { return p.run.Err() != nil }

// Calls returns how many requests were sent.
func (p *Pace) Calls() int64 { return p.calls.Load() }

// Throttled returns how many requests the service throttled.
func (p *Pace) Throttled() int64 { return p.throttled.Load() }

// NewPace makes a pace of at most qps requests a second and maxCalls in total; 0 means no limit.
func NewPace(qps float64, maxCalls int) *Pace {
	p := &Pace{qps: qps, max: int64(maxCalls)}
	p.run, p.Stop = context.WithCancel(context.Background())
	if qps > 0 {
		p.inner = dingtalk.NewLimiter(qps)
	}
	return p
}

// Spend counts a request before it is sent, or refuses it if no call is left. It counts before it asks the shared
// budget, so no two requests take the last call.
func (p *Pace) Spend(ctx context.Context) error {
	if err := p.stopped(); err != nil {
		return err
	}
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

// stopped refuses a request once the run has stopped.
func (p *Pace) stopped() error {
	if p.Stopping() {
		return &dingtalk.Error{Kind: dingtalk.ErrNotTried, Local: true}
	}
	return nil
}

// Wait blocks until the request may be sent, or the run stops.
func (p *Pace) Wait(ctx context.Context) error {
	if p.inner == nil {
		return errors.Join(ctx.Err(), p.stopped())
	}
	// A deadline must end the wait when it passes. The limiter would refuse a later turn at once, which looks like a throttle.
	untimed, cancel := context.WithCancel(p.run)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if err := p.inner.Wait(untimed); err != nil {
		return errors.Join(ctx.Err(), p.stopped(), err)
	}
	return nil
}

// Answered forwards the outcome of a request to the limiter, which adapts the rate.
func (p *Pace) Answered(throttled bool) {
	if throttled {
		p.throttled.Add(1)
	}
	if l, ok := p.inner.(interface{ Answered(throttled bool) }); ok {
		l.Answered(throttled)
	}
}
