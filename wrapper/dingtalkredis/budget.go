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

// Budget counts a fleet's calls in each calendar month. It implements [dingtalk.Budget].
type Budget struct {
	available bool
	now       func() time.Time

	turn    chan struct{} // held while the rest is used
	beats   bool
	missing time.Time // since when Redis has not answered
	tally
}

// BudgetOption changes what a [Fleet.Budget] does.
type BudgetOption func(*Budget)

// Available lets calls go on while Redis is away, within a share: a tenth of the budget, divided by the number of
// processes. That is [WithPods], or as many as Redis has lately counted, if they are more. What was sent is added when
// Redis is back, and only then is the share free again, unless the budget is used up. So all processes together send at
// most a tenth more than the budget, if WithPods is right; a process that is started again has a share again. Beyond its
// share, a process waits and fails as with a strict budget.
func Available() BudgetOption { return func(b *Budget) { b.available = true } }

// shareOf is the part of a budget that may be sent without Redis: one of so many.
const shareOf = 10

// Budget lets all processes together send perMonth requests in a calendar month; further ones fail with
// [dingtalk.ErrQuotaExhausted] and are not sent. It is for [dingtalk.WithBudget]. The service's quota on the standard
// edition is 5,000 for all apps of an organisation: see [WithOrganization].
//
// The budget is strict: a request is sent only if Redis has counted it. While Redis is away, calls wait for up to ten
// seconds from the beginning of the outage, and then fail with [dingtalk.ErrUnavailable] until it answers; what waiting
// does not cure fails at once. With [Available] they go on.
//
// The count is never too low. What a killed process did not come to send has counted, and so has a request that the
// service throttled, which the service does not count. An answer of Redis that was lost does not count twice. The month
// is that of UTC+8, since no page says when the service's begins.
//
// Where Redis loses the count, by a flush, an eviction or a failover, the running processes restore it: for three seconds
// nothing is granted, and each says what it knows. The first call of a month waits as long, since a count that does not
// exist yet looks the same. For that, each process asks once a second from its first call on. Where none is running
// meanwhile, only a Redis with persistence keeps the count. Two servers that both take writes, as while a network is
// split, count apart: min-replicas-to-write of Redis keeps that short.
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
	if b.available { // calls that can go on need not try as often
		b.fleet = f.patient(budgetPatience, awayTime)
	}
	return b
}

const (
	// budgetPatience is long since a count that is kept apart is worse than a call that is late.
	budgetPatience = 2 * time.Second
	// budgetRest is short: what a process knows must reach a count that was lost before that settles.
	budgetRest = 100 * time.Millisecond
	// strictTime is how long calls wait in an outage: as long as a failover may take.
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
			continue // it was a debt; now the call
		case err == nil && a.settles == 0 && a.granted:
			b.missing = time.Time{}
			return nil
		case err == nil && a.settles == 0:
			b.missing = time.Time{}
			return b.refusal(now)
		case ctx.Err() != nil:
			return ctx.Err() // if it was counted, the next call is not
		case err == nil: // nothing is granted yet
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

// borrow takes a call from the share of this process.
func (b *Budget) borrow() bool {
	share := (b.limit + shareOf - 1) / shareOf / max(b.fleet.pods, b.processes, 1)
	if !b.available || b.debt >= share || b.total+b.debt >= b.limit {
		return false
	}
	b.debt++
	return true
}

// hopeless is whether waiting for Redis is of no use.
func (b *Budget) hopeless(err error) bool {
	return errors.Is(err, redis.ErrClosed) || errors.Is(err, errForeign) || setupFault(err, b.fleet.health.outage.moves) != ""
}

// beatLater asks Redis again and again, as long as the budget is in use somewhere.
func beatLater(p weak.Pointer[Budget], wait time.Duration) {
	time.AfterFunc(wait, func() {
		if b := p.Value(); b != nil {
			if wait, again := b.beat(); again {
				beatLater(p, wait)
			}
		}
	})
}

// beat says what this process knows, and learns what the others have spent.
func (b *Budget) beat() (wait time.Duration, again bool) {
	ctx, cancel := context.WithTimeout(context.Background(), budgetPatience)
	defer cancel()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	default:
		return beatTime, true // a call is asking
	}
	now := b.now().In(serviceZone)
	b.enter(now)
	a, r, err := b.exchange(ctx, now, 0, b.debt == 0)
	if err == nil && a.granted && r.want > 0 && b.debt > 0 {
		b.debt-- // its call went without it
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

// ErrNotCounted is in the error of a call that a [Budget] refused since Redis could not be asked.
var ErrNotCounted = errors.New("the Redis that counts the calls cannot be asked")

// unknown refuses a call that nobody can count.
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

// Used returns how many requests of this month have been counted, by all processes. It asks Redis, and fails if that
// is away or holds no count.
func (b *Budget) Used(ctx context.Context) (int, error) {
	return b.fleet.used(ctx, b.fleet.monthKey(b.now()))
}

// Resets returns when the present month ends and the count begins again, in UTC+8.
func (b *Budget) Resets() time.Time { return nextMonth(b.now().In(serviceZone)) }

// Limit returns how many requests a month may have.
func (b *Budget) Limit() int { return b.limit }
