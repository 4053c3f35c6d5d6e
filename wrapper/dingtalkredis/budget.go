package dingtalkredis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Budget limits a fleet's requests per calendar month. It implements [dingtalk.Budget].
type Budget struct {
	available bool
	now       func() time.Time

	turn    chan struct{} // held to use the fields below
	beats   bool
	missing time.Time // start of Redis's outage
	tally
}

// BudgetOption configures a [Fleet.Budget].
type BudgetOption func(*Budget)

// Available lets calls continue while Redis is down, within each process's share: a tenth of the budget, divided by
// [WithPods] or by the number of processes that Redis last counted, whichever is larger. When Redis is back, the
// process adds what it sent, and its share is free again unless the budget is used up. If WithPods is right, the fleet
// exceeds the budget by at most a tenth; a restarted process has a new share. Beyond its share, a process waits and
// fails as with a strict budget.
func Available() BudgetOption { return func(b *Budget) { b.available = true } }

// shareOf divides a budget: all shares together are 1/shareOf of it.
const shareOf = 10

// Budget allows all processes together perMonth requests in a calendar month; further ones fail with
// [dingtalk.ErrQuotaExhausted] without being sent. Pass it to [dingtalk.WithBudget]. The service's quota on the
// standard edition is 5,000 requests for all apps of an organisation: see [WithOrganization].
//
// The budget is strict: a request is sent only after Redis has counted it. During an outage, calls wait until ten
// seconds after its start and then fail with [dingtalk.ErrUnavailable] until Redis answers. Setup errors ([SetupError])
// fail at once. With [Available], calls continue.
//
// The count is never too low. It includes requests that a killed process did not send, and throttled requests, which
// the service does not count. A lost answer of Redis does not count a request twice. Months begin in UTC+8, since no
// page says when the service's do.
//
// If Redis loses the count (flush, eviction or failover), the running processes restore it: for three seconds no
// request is granted, and each process reports the total it knows. For that, each process asks Redis once a second
// after its first call. The first call of a month waits three seconds, too, because a new count looks like a lost one.
// If no process runs meanwhile, only persistence in Redis keeps the count. During a split network, two primaries count
// separately; set min-replicas-to-write in Redis to keep that short.
func (f *Fleet) Budget(perMonth int, opts ...BudgetOption) *Budget {
	id := rand.Text()[:13]
	b := &Budget{
		now: time.Now, turn: make(chan struct{}, 1),
		tally: tally{fleet: f.patient(budgetPatience, budgetRest), limit: max(perMonth, 0), id: id, slot: slotOf(id)},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(b)
		}
	}
	if b.available { // calls that continue without Redis need not ask it as often
		b.fleet = f.patient(budgetPatience, awayTime)
	}
	return b
}

const (
	// budgetPatience is long, because counting separately is worse than a late call.
	budgetPatience = 2 * time.Second
	// budgetRest is short: each process must report its total before a lost count settles.
	budgetRest = 100 * time.Millisecond
	// strictTime is how long calls wait in an outage: the longest time of a failover.
	strictTime = 10 * time.Second
)

// Spend counts one request that is about to be sent, or refuses it.
func (b *Budget) Spend(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !b.beats {
		b.beats = true
		beatLater(weak.Make(b), beatTime)
	}
	for {
		now := b.now().In(serviceZone)
		b.enter(now)
		a, r, err := b.exchange(ctx, now, 1, false)
		wait := a.settles
		switch {
		case err == nil && a.settles == 0 && r.want == 0:
			b.missing = time.Time{}
			continue // the exchange settled the debt; now count the call
		case err == nil && a.settles == 0 && a.granted:
			b.missing = time.Time{}
			return nil
		case err == nil && a.settles == 0:
			b.missing = time.Time{}
			return b.refusal(now)
		case ctx.Err() != nil:
			return ctx.Err() // if Redis counted this call, the next call uses that grant
		case err == nil: // a lost or new count settles
			b.missing = time.Time{}
		case b.borrow():
			return nil
		default:
			if b.missing.IsZero() {
				b.missing = time.Now()
			}
			if b.hopeless(err) || time.Since(b.missing) > strictTime {
				return b.unknown(now, err)
			}
			wait = budgetRest / 2
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// borrow takes a request from this process's share.
func (b *Budget) borrow() bool {
	share := (b.limit + shareOf - 1) / shareOf / max(b.fleet.pods, b.processes, 1)
	if !b.available || b.debt >= share || b.total+b.debt >= b.limit {
		return false
	}
	b.debt++
	return true
}

// hopeless reports whether waiting for Redis cannot help.
func (b *Budget) hopeless(err error) bool {
	return errors.Is(err, redis.ErrClosed) || errors.Is(err, errForeign) || setupFault(err, b.fleet.health.outage.moves) != ""
}

// beatLater calls beat periodically until the budget is garbage.
func beatLater(p weak.Pointer[Budget], wait time.Duration) {
	time.AfterFunc(wait, func() {
		if b := p.Value(); b != nil {
			if wait, again := b.beat(); again {
				beatLater(p, wait)
			}
		}
	})
}

// beat reports this process's total to Redis, and learns the fleet's.
func (b *Budget) beat() (wait time.Duration, again bool) {
	ctx, cancel := context.WithTimeout(context.Background(), budgetPatience)
	defer cancel()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	default:
		return beatTime, true // a call is asking Redis already
	}
	now := b.now().In(serviceZone)
	b.enter(now)
	a, r, err := b.exchange(ctx, now, 0, b.debt == 0)
	if err == nil && a.granted && r.want > 0 && b.debt > 0 {
		b.debt-- // a call with an open request was sent from the share
	}
	switch {
	case errors.Is(err, redis.ErrClosed):
		return 0, false
	case err != nil:
		return beatTime / 5, true
	default:
		return beatTime, true
	}
}

func (b *Budget) refusal(now time.Time) error {
	return &dingtalk.Error{
		Kind: dingtalk.ErrQuotaExhausted, Local: true, RetryAfter: nextMonth(now).Sub(now),
		Message: fmt.Sprintf("not sent: the budget of %d calls for %s is used up", b.limit, b.month),
	}
}

// ErrNotCounted is wrapped by the error of a call that a [Budget] refused because Redis was unreachable.
var ErrNotCounted = errors.New("the Redis that counts the calls cannot be asked")

// unknown makes the error of a call that could not be counted.
func (b *Budget) unknown(now time.Time, err error) error {
	message := "not sent: " + ErrNotCounted.Error()
	if b.available {
		if b.total+b.debt >= b.limit {
			return b.refusal(now)
		}
		message += ", and this process has sent its share"
	}
	if fault := setupFault(err, b.fleet.health.outage.moves); fault != "" {
		err = &SetupError{Fault: fault, Err: err}
	}
	return &dingtalk.Error{Kind: dingtalk.ErrUnavailable, Local: true, Message: message, Err: notCountedError{err}}
}

// notCountedError is ErrNotCounted with its cause.
type notCountedError struct{ error }

func (e notCountedError) Unwrap() []error { return []error{ErrNotCounted, e.error} }

// Used returns how many requests all processes have counted this month. It asks Redis, and fails if Redis is down or
// holds no count.
func (b *Budget) Used(ctx context.Context) (int, error) {
	return b.fleet.used(ctx, b.fleet.monthKey(b.now()))
}

// Resets returns the end of the current month in UTC+8, when the count restarts.
func (b *Budget) Resets() time.Time { return nextMonth(b.now().In(serviceZone)) }

// Limit returns the budget per month.
func (b *Budget) Limit() int { return b.limit }
