package dingtalkredis

import (
	"context"
	"fmt"
	"slices"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Limiter limits the rate of a whole fleet. It implements [dingtalk.Limiter].
type Limiter struct {
	fleet *Fleet
	local *dingtalk.AdaptiveLimiter // of a process that has never reached Redis
}

// Limiter allows all processes together perSecond calls a second, evenly spaced, by the generic cell rate algorithm in
// one key and Redis's clock. Pass it to [dingtalk.WithLimiter]. The service's limit for each app and API is
// [dingtalk.DefaultRate], which is used if perSecond is not positive. A throttle pauses all processes for a second and
// halves the rate for another. The rate then stays a little below the throttled one, and rises slowly after twenty
// seconds. A fleet has one limiter: a second call replaces the first one's rate.
//
// While Redis is down, the processes that Redis last knew of take turns by its clock, after a second: together they keep to
// the rate, and each has its share, which is smaller with [WithPods]. A process that has never reached Redis uses a
// [dingtalk.AdaptiveLimiter] of its own: at the whole rate, or at its share with WithPods.
func (f *Fleet) Limiter(perSecond float64) *Limiter {
	if !(perSecond > 0) {
		perSecond = dingtalk.DefaultRate
	}
	f.locked(func() { f.rate = perSecond * paceMargin })
	return &Limiter{fleet: f, local: dingtalk.NewLimiter(perSecond / float64(max(f.pods, 1)))}
}

const (
	paceMargin = 0.97        // keeps evenly spaced calls below a limit counted in whole seconds, despite jitter
	lookTime   = time.Second // how often a process that waits in line looks whether Redis is away
)

var errTooLate = fmt.Errorf("dingtalkredis: the call's turn would come after its deadline: %w", context.DeadlineExceeded)

// Wait blocks until the caller's turn. It returns an error if ctx ends, or at once if ctx's deadline is too early.
func (l *Limiter) Wait(ctx context.Context) error {
	f := l.fleet
	f.locked(func() { f.queue++ })
	defer f.locked(func() { f.queue-- })
	for {
		due, found, err := l.turn(ctx)
		if deadline, limited := ctx.Deadline(); err == nil && limited && due.After(deadline) {
			err = errTooLate
		}
		for away := false; err == nil && !away && time.Until(due) > 0; { // a process in line goes on without Redis as the others do
			err = sleep(ctx, min(time.Until(due), lookTime))
			f.locked(func() { away = f.away && !found })
		}
		if err != nil && found {
			f.locked(func() { f.turns = slices.Insert(f.turns, 0, due) })
		}
		if err != nil || found && time.Since(due) < staleTime { // a busy machine may be late
			return err
		}
	}
}

// turn returns the caller's turn if one is found, or when to ask again.
func (l *Limiter) turn(ctx context.Context) (due time.Time, found bool, err error) {
	f, told := l.fleet, true
	f.locked(func() { due, found = f.take() })
	if found {
		return due, true, nil
	}
	a, failed := f.ask(ctx, want{turns: 1})
	f.locked(func() {
		due, found = f.take()
		switch {
		case found || ctx.Err() != nil:
		case failed != nil:
			due, found, told = f.ownTurn()
		default:
			due = time.Now().Add(a.again)
		}
	})
	if !told {
		err = l.local.Wait(ctx)
		return time.Now(), err == nil, err
	}
	return due, found, ctx.Err()
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take takes a reserved turn. f.mu is held.
func (f *Fleet) take() (due time.Time, found bool) {
	if found = f.ahead() > 0; found {
		due, f.turns = f.turns[0], f.turns[1:]
		f.turned(due)
	}
	return due, found
}

// ownTurn returns this process's next turn without Redis, or when to look again. The processes take turns by Redis's clock, each
// in its place, when reserved turns have passed. told is false if Redis has never told the place. f.mu is held.
func (f *Fleet) ownTurn() (due time.Time, found, told bool) {
	if f.away {
		f.pause = lostTime
	}
	if f.places == 0 {
		return due, false, false
	}
	round := time.Duration(float64(max(f.places, f.pods)) / f.rate * float64(time.Second))
	now := time.Now()
	earliest := slices.MaxFunc([]time.Time{f.latest.Add(round / 2), f.since.Add(horizon), now}, time.Time.Compare)
	// The time since a round of the first place began that is under way for this one.
	since := time.Duration(f.clock.now().Add(earliest.Sub(now)).UnixNano()) - time.Duration(float64(f.place)/f.rate*float64(time.Second))
	wait := earliest.Sub(now) + (round-since%round)%round
	if wait > staleTime {
		return now.Add(min(wait-staleTime/2, lookTime/2)), false, true
	}
	f.latest = now.Add(wait)
	f.turned(f.latest)
	return f.latest, true, true
}

// Answered reports a throttle to the fleet.
func (l *Limiter) Answered(throttled bool) {
	l.local.Answered(throttled)
	if throttled {
		_, _ = l.fleet.ask(context.Background(), want{throttled: true})
	}
}
