package dingtalkredis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Budget limits a fleet's requests per calendar month. It implements [dingtalk.Budget].
type Budget struct {
	fleet     *Fleet
	limit     int
	available bool
}

// BudgetOption configures a [Fleet.Budget].
type BudgetOption func(*Budget)

// Available lets calls continue while Redis is down, within each process's share: a tenth of the budget, divided by
// [WithPods] or by the number of processes that Redis last counted, whichever is larger. When Redis is back, the
// process adds what it sent, and its share is free again unless the budget is used up. If WithPods is right, the fleet
// exceeds the budget by at most a tenth; a restarted process has a new share. Beyond its share, a process waits and
// fails as with a strict budget.
func Available() BudgetOption { return func(b *Budget) { b.available = true } }

// Budget allows all processes together perMonth requests in a calendar month; further ones fail with
// [dingtalk.ErrQuotaExhausted] without being sent. Pass it to [dingtalk.WithBudget]. The service's quota on the
// standard edition is 5,000 requests for all apps of an organisation: see [WithOrganization].
//
// The budget is strict: a request is sent only after Redis has counted it. During an outage, calls wait until thirty
// seconds after its start (ten, if Redis has never answered) and then fail with [dingtalk.ErrUnavailable] until Redis
// answers. Setup errors ([SetupError]) fail at once if Redis has never answered, and are an outage otherwise: a failover
// looks like one. With [Available], calls continue.
//
// The count is never too low. It includes requests that a killed process did not send, and throttled requests, which
// the service does not count. Months are those of Redis's clock in UTC+8, since no page says when the service's begin.
//
// If Redis loses the count (flush, eviction or failover), the running processes restore it: for three seconds no
// request is granted, and each process reports the total it knows. For that, each process asks Redis once a second
// after its first call. The first call of all waits three seconds, too, because a new count looks like a lost one.
// If no process runs meanwhile, only persistence in Redis keeps the count. During a split network, two primaries count
// separately; set min-replicas-to-write in Redis to keep that short. A fleet has one budget: a second call replaces the
// first one's limit.
func (f *Fleet) Budget(perMonth int, opts ...BudgetOption) *Budget {
	b := &Budget{fleet: f, limit: max(perMonth, 0)}
	for _, opt := range opts {
		if opt != nil {
			opt(b)
		}
	}
	f.locked(func() { f.limit = b.limit })
	return b
}

const (
	shareOf  = 10                     // all shares together are 1/shareOf of a budget
	pollTime = 50 * time.Millisecond  // how often a call that waits for Redis looks whether it is back
	lateTime = 190 * time.Millisecond // a little less than that after which a call of the client waits for the limiter again
)

// Spend counts one request that is about to be sent, or refuses it.
func (b *Budget) Spend(ctx context.Context) error {
	f, begun := b.fleet, time.Now()
	f.locked(func() { f.soon = f.soon[min(len(f.soon), 1):] })
	for failed := error(nil); ; {
		var taken, over, hopeless bool
		f.locked(func() {
			over, hopeless = f.total+max(f.spent-f.granted, 0) >= b.limit && time.Now().Before(f.ends), f.hopeless(begun)
			taken = b.take((failed != nil || f.away) && !over)
			if taken && time.Since(begun) > lateTime {
				f.paid++
			}
			if failed == nil && f.away {
				failed = f.absent()
			}
		})
		switch {
		case taken:
			return nil
		case ctx.Err() != nil:
			return ctx.Err() // if Redis counted this call, the next call uses that grant
		case over:
			return b.refusal()
		case hopeless:
			return b.unknown(failed)
		}
		var a answer
		wait := pollTime
		if a, failed = f.ask(ctx, want{grants: 1}); failed == nil {
			wait = a.settles // what was counted may have been another call's
		}
		_ = sleep(ctx, wait) // ctx is looked at then
	}
}

// take takes a request that Redis has counted or, to borrow, one of this process's share. f.mu is held.
func (b *Budget) take(borrow bool) bool {
	f := b.fleet
	share := (b.limit + shareOf - 1) / shareOf / max(f.pods, f.places, 1)
	counted := f.granted > f.spent && time.Now().Before(f.ends) // grants of another month are not this one's
	taken := counted || borrow && b.available && f.spent-f.granted < share
	if taken {
		f.spent++
	}
	return taken
}

// hopeless reports whether a call that began to wait then need not wait longer. f.mu is held.
func (f *Fleet) hopeless(begun time.Time) bool {
	limit := strictTime
	if !f.worked {
		limit = startTime
	}
	return f.away && (f.lasting() || time.Since(f.since) > limit) || time.Since(begun) > limit
}

func (b *Budget) refusal() error {
	now := b.fleet.now()
	begins, ends := monthOf(now)
	return &dingtalk.Error{
		Kind: dingtalk.ErrQuotaExhausted, Local: true, RetryAfter: ends.Sub(now),
		Message: fmt.Sprintf("not sent: the budget of %d calls for %s is used up", b.limit, begins.Format("2006-01")),
	}
}

// ErrNotCounted is wrapped by the error of a call that a [Budget] refused because Redis was unreachable.
var ErrNotCounted = errors.New("the Redis that counts the calls cannot be asked")

var errUnsettled = errors.New("dingtalkredis: Redis loses the count again and again")

// unknown makes the error of a call that could not be counted.
func (b *Budget) unknown(err error) error {
	message := "not sent: " + ErrNotCounted.Error()
	if b.available {
		message += ", and this process has sent its share"
	}
	err = cmp.Or(err, errUnsettled)
	if fault := setupFault(err, b.fleet.moves); fault != "" {
		err = &SetupError{Fault: fault, Err: err}
	}
	return &dingtalk.Error{Kind: dingtalk.ErrUnavailable, Local: true, Message: message, Err: notCountedError{err}}
}

// notCountedError is ErrNotCounted with its cause.
type notCountedError struct{ error }

func (e notCountedError) Unwrap() []error { return []error{ErrNotCounted, e.error} }

// Used returns how many requests all processes have counted this month. It asks Redis, waits while a count settles that may
// have been lost, and fails if Redis is down.
func (b *Budget) Used(ctx context.Context) (int, error) {
	for {
		a, err := b.fleet.ask(ctx, want{})
		if err != nil || a.settles == 0 {
			return a.total, err
		}
		if err := sleep(ctx, a.settles); err != nil {
			return 0, err
		}
	}
}

// Resets returns the end of the current month of Redis's clock in UTC+8, when the count restarts.
func (b *Budget) Resets() time.Time {
	_, ends := monthOf(b.fleet.now())
	return ends
}

// Limit returns the budget per month.
func (b *Budget) Limit() int { return b.limit }

// now returns Redis's time, as far as this process knows it.
func (f *Fleet) now() (now time.Time) {
	f.locked(func() { now = f.clock.now() })
	return now
}
