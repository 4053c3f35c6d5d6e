package dingtalkredis

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Budget limits a fleet's requests per calendar month. It implements [dingtalk.Budget].
type Budget struct {
	fleet     *Fleet
	limit     int
	available bool

	mu      sync.Mutex
	beats   bool
	trouble time.Time // since when calls wait for an answer of Redis
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
// The budget is strict: a request is sent only after Redis has counted it. During an outage, calls wait until thirty
// seconds after its start (ten, if Redis has never answered) and then fail with [dingtalk.ErrUnavailable] until Redis
// answers. Setup errors ([SetupError]) fail at once if Redis has never answered, and are an outage otherwise: a failover
// looks like one. With [Available], calls continue.
//
// The count is never too low. It includes requests that a killed process did not send, and throttled requests, which
// the service does not count. A lost answer of Redis does not count a request twice. Months are those of Redis's clock in
// UTC+8, since no page says when the service's begin.
//
// If Redis loses the count (flush, eviction or failover), the running processes restore it: for three seconds no
// request is granted, and each process reports the total it knows. For that, each process asks Redis once a second
// after its first call. The first call of all waits three seconds, too, because a new count looks like a lost one.
// If no process runs meanwhile, only persistence in Redis keeps the count. During a split network, two primaries count
// separately; set min-replicas-to-write in Redis to keep that short.
func (f *Fleet) Budget(perMonth int, opts ...BudgetOption) *Budget {
	b := &Budget{fleet: f, limit: max(perMonth, 0), tally: tally{id: rand.Text()[:13]}}
	for _, opt := range opts {
		if opt != nil {
			opt(b)
		}
	}
	f.desk.mu.Lock()
	defer f.desk.mu.Unlock()
	if f.desk.budget == nil {
		f.desk.budget = b
	}
	return b
}

const (
	// budgetRest is short: each process must report its total before a lost count settles.
	budgetRest = 100 * time.Millisecond
	// strictTime is how long calls wait in an outage: the longest time of a failover. startTime is how long they wait for a
	// Redis that has never answered.
	strictTime = 30 * time.Second
	startTime  = 10 * time.Second
)

// lateTime is a little less than the time after which a call of the client waits for the limiter again.
const lateTime = 190 * time.Millisecond

// Spend counts one request that is about to be sent, or refuses it.
func (b *Budget) Spend(ctx context.Context) error {
	b.mu.Lock()
	if !b.beats {
		b.beats = true
		beatLater(weak.Make(b), beatTime)
	}
	b.soon = b.soon[min(len(b.soon), 1):]
	b.mu.Unlock()
	late := time.AfterFunc(lateTime, func() {
		b.mu.Lock()
		b.late++
		b.mu.Unlock()
	})
	defer late.Stop()
	for {
		if b.take() {
			return nil
		}
		r, err := b.fleet.ask(ctx, b.want(1))
		wait := r.settles
		switch {
		case b.take():
			return nil
		case ctx.Err() != nil:
			return ctx.Err() // if Redis counted this call, the next call uses that grant
		case err == nil && r.refused:
			return b.refusal()
		case err == nil && r.settles == 0:
			continue // what was counted was another call's, or a debt
		case err != nil && b.over():
			return b.refusal()
		case err != nil && b.borrow():
			return nil
		case b.hopeless():
			return b.unknown(err)
		case err != nil:
			wait = budgetRest / 2
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (b *Budget) want(grants int) *want {
	w := &want{budget: b, grants: grants, rest: budgetRest}
	if b.available { // calls that continue without Redis need not ask it as often
		w.rest = awayTime
	}
	return w
}

// take takes a request that Redis has counted.
func (b *Budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grants == 0 || !time.Now().Before(b.ends) { // grants of another month are not this one's
		return false
	}
	b.grants--
	b.trouble = time.Time{}
	return true
}

// borrow takes a request from this process's share.
func (b *Budget) borrow() bool {
	b.fleet.desk.mu.Lock()
	places := b.fleet.desk.places
	b.fleet.desk.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	share := (b.limit + shareOf - 1) / shareOf / max(b.fleet.pods, places, 1)
	if !b.available || b.debt >= share {
		return false
	}
	b.debt++
	return true
}

// over reports whether the month's budget is known to be used up.
func (b *Budget) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total+b.debt >= b.limit && time.Now().Before(b.ends)
}

// hopeless reports whether waiting longer for Redis cannot help.
func (b *Budget) hopeless() bool {
	h := b.fleet.health
	h.mu.Lock()
	limit, lasting := strictTime, h.away && h.lasting()
	if !h.worked {
		limit = startTime
	}
	h.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.trouble.IsZero() {
		b.trouble = time.Now()
	}
	return lasting || time.Since(b.trouble) > limit
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
	b.mu.Lock()
	wait = time.Until(b.told.Add(beatTime))
	b.mu.Unlock()
	if wait > 0 {
		return wait, true // a call has told
	}
	switch _, err := b.fleet.ask(context.Background(), b.want(0)); {
	case errors.Is(err, redis.ErrClosed):
		return 0, false
	case err != nil:
		return beatTime / 5, true
	default:
		return beatTime, true
	}
}

func (b *Budget) refusal() error {
	now := b.fleet.now()
	m := monthOf(now)
	b.mu.Lock()
	b.trouble = time.Time{}
	b.mu.Unlock()
	return &dingtalk.Error{
		Kind: dingtalk.ErrQuotaExhausted, Local: true, RetryAfter: m.ends.Sub(now),
		Message: fmt.Sprintf("not sent: the budget of %d calls for %s is used up", b.limit, m.begins.Format("2006-01")),
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
	if err == nil {
		err = errUnsettled
	}
	if fault := setupFault(err, b.fleet.health.moves); fault != "" {
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
	f := b.fleet
	return do(ctx, f, func(ctx context.Context) (int, error) {
		pipe := f.redis.Pipeline()
		kept, sent := pipe.HMGet(ctx, f.monthKey(), "month", "base", "new"), time.Now()
		clk := pipe.Time(ctx)
		if _, err := pipe.Exec(ctx); err != nil {
			return 0, err
		}
		f.desk.mu.Lock()
		f.desk.clock.measure(clk.Val(), sent)
		f.desk.mu.Unlock()
		f.health.clocks(clk.Val())
		var numbers [3]int
		for n, field := range kept.Val() {
			text, is := field.(string)
			if !is {
				return 0, nil // no count yet
			}
			number, err := strconv.Atoi(text)
			if err != nil || number < 0 {
				return 0, &SetupError{Fault: FaultKey, Err: fmt.Errorf("the key %s holds what is no count", f.monthKey())}
			}
			numbers[n] = number
		}
		if due := monthOf(clk.Val()).index; due > numbers[0] || due < numbers[0]-1 { // see exchangeScript
			return 0, nil
		}
		return numbers[1] + numbers[2], nil
	})
}

// Resets returns the end of the current month of Redis's clock in UTC+8, when the count restarts.
func (b *Budget) Resets() time.Time { return monthOf(b.fleet.now()).ends }

// Limit returns the budget per month.
func (b *Budget) Limit() int { return b.limit }

// tally is a process's side of the count of a month, which stays exact as follows.
//
// Redis keeps one hash: base and new, whose sum is the number of grants; the epoch of base; when that epoch began (at);
// and the server that counted (run). The script runs atomically, so no two processes get the same grant.
//
// A request carries an id and a number. A process has one open request, and repeats it until an answer
// arrives. Redis keeps each process's last answer in one of a fixed number of slots, so a repeated request is not
// counted twice. If two processes share a slot, a lost answer may count twice: the fleet then has fewer calls, never more.
//
// A new epoch begins if the key is missing, holds something else, or was counted by another server, which may be behind
// after a failover. Nothing is granted for settleTime. Meanwhile each running process reports the greatest total it
// knows of the previous epoch. The greatest report becomes the new base: the process with the last grant knows the last
// total. To report in time, each process that has spent something asks once per beatTime.
type tally struct {
	id     string
	month  int
	epoch  string
	total  int         // of all processes, at Redis's last answer
	told   time.Time   // of that answer
	grants int         // counted, not yet sent
	soon   []time.Time // turns of calls that are about to want a grant
	late   int         // calls that wait for the limiter again, and then want none
	ends   time.Time   // of the grants' month, by this machine's steady clock
	debt   int         // requests sent without Redis, not yet counted
	number uint64      // of the last request
	open   *request
}

const (
	settleTime = 3 * time.Second
	beatTime   = time.Second
	slots      = 512
)

// request is a process's request to the count.
type request struct {
	number     uint64 // 0: a report alone
	want, more int    // calls; more for chats that are looked up and missing
	debt       int
	epoch      string
	total      int
	month      int
}

// request returns the open request, or opens one.
func (b *Budget) request(sum *want) request {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		// Calls that have a turn or get one, or whose chat is missing, are about to want a grant.
		b.soon = slices.DeleteFunc(b.soon, func(due time.Time) bool { return time.Since(due) > horizon })
		soon := sum.grants + len(b.soon) + max(sum.turns-b.late, 0)
		r := request{want: max(soon-b.grants, 0), more: max(len(sum.chats)-max(b.grants-soon, 0), 0), debt: b.debt}
		if r.want+r.more+r.debt > 0 {
			b.number++
			r.number = b.number
			b.open = &r
		}
	}
	r := *cmp.Or(b.open, new(request))
	r.epoch, r.total, r.month = b.epoch, b.total, b.month
	return r
}

// turned notes a call that has a turn.
func (b *Budget) turned(due time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.late > 0 {
		b.late--
	} else {
		b.soon = append(b.soon, due)
	}
}

// counted applies the answer to a request.
func (b *Budget) counted(r request, a *answer, m month) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.month != a.month {
		if b.month != 0 {
			b.debt = 0
		}
		b.grants = 0
	}
	b.month, b.epoch, b.total, b.told = a.month, a.epoch, a.total, time.Now()
	b.ends = b.told.Add(m.ends.Sub(time.UnixMicro(a.now)))
	if a.grants < 0 { // it was not counted, and another may be asked
		b.open, a.settles = nil, max(a.settles, time.Millisecond)
		return
	}
	if a.settles = 0; r.number > 0 {
		b.open, b.debt = nil, max(b.debt-r.debt, 0)
		b.grants += a.grants
		sent := min(b.grants, b.debt) // an answer that comes late counts what was sent meanwhile
		b.grants, b.debt = b.grants-sent, b.debt-sent
	}
	a.refused = r.want > 0 && a.grants == 0
}

// month is a calendar month in the assumed time zone of the quota. The documentation does not say.
type month struct {
	index        int // months since the year 0
	begins, ends time.Time
}

var serviceZone = time.FixedZone("UTC+8", 8*60*60)

func monthOf(t time.Time) month {
	y, m, _ := t.In(serviceZone).Date()
	return month{index: 12*y + int(m) - 1, begins: time.Date(y, m, 1, 0, 0, 0, 0, serviceZone), ends: time.Date(y, m+1, 1, 0, 0, 0, 0, serviceZone)}
}

// monthKey is the key of the count.
func (f *Fleet) monthKey() string { return f.key("budget") }

// now returns Redis's time, as far as this process knows it.
func (f *Fleet) now() time.Time {
	f.desk.mu.Lock()
	defer f.desk.mu.Unlock()
	return f.desk.clock.now(f.health.now)
}
