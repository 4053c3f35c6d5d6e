package dingtalkredis

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Limiter limits the rate of a whole fleet. It implements [dingtalk.Limiter].
type Limiter struct {
	fleet *Fleet
	rate  float64
	local *dingtalk.AdaptiveLimiter // of a process that has never reached Redis
	gate  chan struct{}             // held by the process's only caller that looks for a turn
	wait  atomic.Int64              // callers that have none

	mu     sync.Mutex
	turns  []time.Time // reserved, not yet taken
	latest time.Time   // the latest reserved turn
	knows  string      // see exchangeScript
	slowly time.Time   // until then, every other own turn is left out
}

// Limiter allows all processes together perSecond calls a second, evenly spaced, by the generic cell rate algorithm in
// one key and Redis's clock. Pass it to [dingtalk.WithLimiter]. The service's limit for each app and API is
// [dingtalk.DefaultRate], which is used if perSecond is not positive. A throttle pauses all processes for a second and
// halves the rate for another. The rate then stays a little below the throttled one, and rises slowly after twenty
// seconds.
//
// While Redis is down, the processes that Redis last knew of take turns by its clock, after a second: together they keep to
// the rate, and each has its share, which is smaller with [WithPods]. A process that has never reached Redis uses a
// [dingtalk.AdaptiveLimiter] of its own: at the whole rate, or at its share with WithPods.
func (f *Fleet) Limiter(perSecond float64) *Limiter {
	if !(perSecond > 0) {
		perSecond = dingtalk.DefaultRate
	}
	l := &Limiter{fleet: f, rate: perSecond * paceMargin, gate: make(chan struct{}, 1), knows: "new"}
	l.local = dingtalk.NewLimiter(perSecond / float64(max(f.pods, 1)))
	f.desk.mu.Lock()
	defer f.desk.mu.Unlock()
	if f.desk.limiter == nil {
		f.desk.limiter = l
	}
	return l
}

func (f *Fleet) limiterKey() string {
	return f.key("rate", f.app, generated.OperationChatIDToOpenConversationID.ID)
}

const (
	// paceMargin keeps evenly spaced calls below a limit counted in whole seconds, despite network jitter.
	paceMargin = 0.97
	// staleTime is how long after its time a turn is worth something: calls that use old turns come in a burst.
	staleTime = 100 * time.Millisecond
	// lookTime is how often a process that waits in line looks for Redis.
	lookTime = 5 * time.Second
)

var errTooLate = fmt.Errorf("dingtalkredis: the call's turn would come after its deadline: %w", context.DeadlineExceeded)

// Wait blocks until the caller's turn. It returns an error if ctx ends, or at once if ctx's deadline is too early.
func (l *Limiter) Wait(ctx context.Context) error {
	l.wait.Add(1)
	due, err := l.turn(ctx)
	l.wait.Add(-1)
	if err != nil {
		return err
	}
	l.fleet.desk.mu.Lock()
	budget := l.fleet.desk.budget
	l.fleet.desk.mu.Unlock()
	if budget != nil {
		budget.turned(due)
	}
	if err = l.sleep(ctx, time.Until(due)); err != nil {
		l.mu.Lock()
		l.turns = append([]time.Time{due}, l.turns...)
		l.mu.Unlock()
	}
	return err
}

// sleep waits, unless ctx's deadline is earlier. In a long wait it looks for Redis, and ends when that is away: a process goes
// on without Redis as the others do, with the number of places that they know.
func (l *Limiter) sleep(ctx context.Context, d time.Duration) error {
	if deadline, limited := ctx.Deadline(); limited && d > time.Until(deadline) {
		return errTooLate
	}
	for end := time.Now().Add(d); d > lookTime; d = time.Until(end) {
		if err := sleep(ctx, lookTime); err != nil {
			return err
		}
		if _, err := l.fleet.ask(ctx, new(want)); err != nil {
			return ctx.Err()
		}
	}
	return sleep(ctx, d)
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

// turn returns the time of the caller's turn.
func (l *Limiter) turn(ctx context.Context) (time.Time, error) {
	select {
	case l.gate <- struct{}{}:
		defer func() { <-l.gate }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	for {
		due, ahead, found := l.take()
		if found {
			return due, nil
		}
		if err := l.sleep(ctx, ahead); err != nil {
			return due, err
		}
		r, err := l.fleet.ask(ctx, &want{limiter: l, turns: int(l.wait.Load())})
		switch {
		case ctx.Err() != nil:
			return due, ctx.Err()
		case err != nil:
			due, ahead, told := l.ownTurn()
			if !told {
				return time.Now(), l.local.Wait(ctx)
			}
			if ahead == 0 {
				return due, nil
			}
			r.again = ahead
		}
		if err := l.sleep(ctx, r.again); err != nil {
			return due, err
		}
	}
}

// take takes a reserved turn. Without one, ahead is how long the process should not ask for more: others want turns, too.
func (l *Limiter) take() (due time.Time, ahead time.Duration, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.turns) > 0 {
		due, l.turns = l.turns[0], l.turns[1:]
		if time.Since(due) < staleTime {
			return due, 0, true
		}
	}
	return due, time.Until(l.latest) - l.lead(), false
}

// lead is how early the next turns are reserved, so that they come in time.
func (l *Limiter) lead() time.Duration {
	l.fleet.desk.mu.Lock()
	defer l.fleet.desk.mu.Unlock()
	return 2 * l.fleet.desk.clock.trip
}

// wants returns how many turns an exchange reserves for callers that wait and, at most, for chats that are looked up.
func (l *Limiter) wants(waiting, chats int) (turns, more int, knows string) {
	most := 1 + int(math.Ceil(l.lead().Seconds()*l.rate))
	l.mu.Lock()
	defer l.mu.Unlock()
	if turns = min(waiting, most); time.Until(l.latest) <= l.lead() {
		more = max(min(chats, most-turns-len(l.turns)), 0)
	}
	return turns, more, l.knows
}

// got keeps the turns that were reserved at a time.
func (l *Limiter) got(a answer, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.knows = "known"
	for n := range a.turns {
		l.latest = at.Add(a.first + time.Duration(n)*a.step)
		l.turns = append(l.turns, l.latest)
	}
}

// ownTurn returns this process's next turn without Redis, if it is near: the processes take turns, each in its place. Else
// ahead is how long to wait before Redis is asked again. It begins when turns that were reserved with Redis have passed. told
// is false if Redis has never told the process its place.
func (l *Limiter) ownTurn() (due time.Time, ahead time.Duration, told bool) {
	f := l.fleet
	f.desk.mu.Lock()
	clk, place, places := f.desk.clock, f.desk.place, f.desk.places
	f.desk.mu.Unlock()
	f.health.mu.Lock()
	begin := f.health.since.Add(horizon)
	f.health.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.knows = "lost"
	if places == 0 {
		return due, 0, false
	}
	places = max(places, f.pods)
	round := time.Duration(float64(places) / l.rate * float64(time.Second))
	now := time.Now()
	earliest := slices.MaxFunc([]time.Time{l.latest.Add(round / 2), begin, now}, time.Time.Compare)
	// The time since a round of the first place began that is under way for this one.
	since := time.Duration(clk.now(f.health.now).Add(earliest.Sub(now)).UnixNano()) - time.Duration(float64(place)/l.rate*float64(time.Second))
	wait := earliest.Sub(now) + (round-since%round)%round
	if now.Before(l.slowly) && since/round%2 == 0 {
		wait += round
	}
	if wait > staleTime {
		return due, min(wait-staleTime/2, awayTime/2), true
	}
	l.latest = now.Add(wait)
	return l.latest, 0, true
}

// Answered reports a throttle to the fleet.
func (l *Limiter) Answered(throttled bool) {
	l.local.Answered(throttled)
	if !throttled {
		return
	}
	if _, err := l.fleet.ask(context.Background(), &want{limiter: l, throttled: true}); err != nil {
		l.mu.Lock()
		l.slowly = time.Now().Add(quietTime)
		l.mu.Unlock()
	}
}
