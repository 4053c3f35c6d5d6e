package dingtalkredis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	shareOf    = 10                     // all shares together are 1/shareOf of a budget
	pollTime   = 50 * time.Millisecond  // how often a call that waits for Redis looks whether it is back
	lateTime   = 190 * time.Millisecond // a little less than that after which a call of the client waits for the limiter again
	settleTime = 3 * time.Second        // for reports of a total that Redis may have lost
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

// tally is a process's side of the count of a month, which stays exact as follows.
//
// Redis keeps the count as base and new, the epoch of both, and the server that counted (run); and each process's grants in
// all. A process asks for a number in all, too, and tells how many it has spent, so requests and answers may get lost, be
// repeated and overtake each other. What it has spent beyond its grants, without Redis, is added.
//
// A new epoch begins with a month, and if the key is missing, holds something else, or was counted by another server, which
// may be behind after a failover. Then nothing is granted for settleTime. Meanwhile each running process reports the
// greatest total that it knows of the epoch before. The greatest report becomes the base: the process with the last grant
// knows the last total. To report in time, each process asks once per beatTime. A new epoch counts its grants from 0.
type tally struct {
	limit   int    // -1 without a budget
	epoch   string // month, and what tells one from others
	total   int    // of all processes, at Redis's last answer
	granted int    // to this process in the epoch
	spent   int    // of those; more if it went on without Redis, and less than 0 if it brought some along
	ends    time.Time
	soon    []time.Time // turns of calls that are about to want a grant, of late
	paid    int         // calls that have one, and wait for the limiter again
}

// counted applies an answer to a request that was made when the tally was so. Only one that reported all that this process
// knows of an epoch ends it. f.mu is held.
func (f *Fleet) counted(before tally, a answer) {
	switch {
	case a.epoch == f.epoch:
		f.granted, f.total = max(f.granted, a.granted), max(f.total, a.total)
	case before.epoch != f.epoch || before.total != f.total:
		return
	default:
		if old, _, _ := strings.Cut(f.epoch, ":"); old != "" && !strings.HasPrefix(a.epoch, old+":") {
			f.granted, f.spent = 0, 0 // of another month
		}
		f.epoch, f.total, f.granted, f.spent = a.epoch, a.total, a.granted, f.spent-f.granted
	}
	_, ends := monthOf(time.UnixMicro(a.now))
	f.ends = f.heard.Add(ends.Sub(time.UnixMicro(a.now)))
}

// turned notes a call that has a turn. f.mu is held.
func (f *Fleet) turned(due time.Time) {
	if f.paid > 0 {
		f.paid--
	} else {
		f.soon = append(f.soon, due)
	}
}

// due returns how many calls that have a turn are about to want a grant. f.mu is held.
func (f *Fleet) due() int {
	f.soon = slices.DeleteFunc(f.soon, func(due time.Time) bool { return time.Since(due) > horizon })
	return len(f.soon)
}

var serviceZone = time.FixedZone("UTC+8", 8*60*60)

// monthOf returns the calendar month of a time, in the assumed time zone of the quota. The documentation does not say.
func monthOf(t time.Time) (begins, ends time.Time) {
	y, m, _ := t.In(serviceZone).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, serviceZone), time.Date(y, m+1, 1, 0, 0, 0, 0, serviceZone)
}

// now returns Redis's time, as far as this process knows it.
func (f *Fleet) now() (now time.Time) {
	f.locked(func() { now = f.clock.now() })
	return now
}
