package dingtalkredis

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Budget counts a fleet's calls in each calendar month. It implements [dingtalk.Budget].
type Budget struct {
	fleet *Fleet
	limit int
	id    string // of this process, in the count
	now   func() time.Time

	turn chan struct{} // held while the rest is used
	spending
}

// spending is what one process knows of one month.
type spending struct {
	month string
	spent int    // calls of this process
	told  int    // of those, the ones that Redis has confirmed
	total int    // of all processes, when Redis last said it
	epoch string // what Redis called its count then
}

// Budget lets all processes together send perMonth requests in a calendar month; further ones fail with
// [dingtalk.ErrQuotaExhausted] and are not sent. It is for [dingtalk.WithBudget]. The service's quota on the standard
// edition is 5,000 for all apps of an organisation: see [WithOrganization].
//
// A request is counted before it is sent, so the count is never too low: what a killed process did not come to send
// has counted, and so has one that the service throttled, which the service does not count. The month is that of UTC+8,
// since no page says when the service's begins.
//
// While Redis is away, which is when it has not answered for two seconds, each process counts by itself and may spend
// what was left when it last knew, or its share of that if [WithPods] says how many they are. What was spent is added
// when Redis is back; only then can the total have passed the budget. The processes also restore
// a count that Redis has lost. Where none is running meanwhile, only a Redis with persistence keeps the count.
func (f *Fleet) Budget(perMonth int) *Budget {
	return &Budget{fleet: f.patient(budgetPatience), limit: max(perMonth, 0), id: rand.Text()[:13], now: time.Now, turn: make(chan struct{}, 1)}
}

// budgetPatience is long since a count that is kept apart is worse than a call that is late.
const budgetPatience = 2 * time.Second

// serviceZone is where the month is taken to begin. The documentation does not say.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

// spend counts one more call of a process, if that is within the limit, and first what Redis does not know yet.
//
// The count is what was known when the key was made (base) and what came since (new). Beside it stands how many each
// process has told, so that telling one twice, as after an answer that was lost, counts once, and one that Redis forgot,
// as in a restart from an older state, counts again. Where the whole key was lost, or holds what is none of this
// script's, a new one begins a new epoch: each process then says the greatest total that it knows from before, and the
// greatest of those was the last.
//
// ARGV: the limit, the process, its calls before this one, those of them that are confirmed, the epoch and the total
// that it knows, when the key ends.
var spend = redis.NewScript(`
local limit, process, spent, told = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local kind = redis.call('TYPE', KEYS[1]).ok
local values = {}
if kind == 'hash' then values = redis.call('HMGET', KEYS[1], 'epoch', 'base', 'new', 'process ' .. process) end
local numbers = {}
local sound = values[1]
for i = 2, 4 do
	local n = values[i] and tonumber(values[i]) or 0
	if values[i] and not (tonumber(values[i]) and n >= 0 and n < 1000000000) then sound = false end
	numbers[i] = n
end
if not sound then
	if kind ~= 'none' then redis.call('DEL', KEYS[1]) end
	values, numbers = {process .. '-' .. spent}, {0, 0, 0, 0}
end
local epoch, base, new, mine = values[1], numbers[2], numbers[3], numbers[4]
if epoch ~= ARGV[5] then
	base = math.max(base, tonumber(ARGV[6]))
	mine = math.max(mine, told)
end
if spent > mine then
	new = new + spent - mine
	mine = spent
end
local granted = 1
if mine == spent then
	if base + new < limit then
		new, mine = new + 1, mine + 1
	else
		granted = 0
	end
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'base', string.format('%.0f', base), 'new', string.format('%.0f', new),
	'process ' .. process, string.format('%.0f', mine))
redis.call('PEXPIREAT', KEYS[1], ARGV[7])
return {granted, base + new, epoch}
`)

// spendAnswer is what the script returns.
type spendAnswer struct {
	granted bool
	total   int
	epoch   string
}

func (b *Budget) ask(ctx context.Context, now time.Time) (spendAnswer, error) {
	return ask(ctx, b.fleet, func(ctx context.Context) (spendAnswer, error) {
		values, err := spend.Run(ctx, b.fleet.redis, []string{b.key(b.month)}, b.limit, b.id, b.spent, b.told,
			b.epoch, b.total, nextMonth(now).AddDate(0, 1, 0).UnixMilli()).Slice()
		if err != nil {
			return spendAnswer{}, err
		}
		if len(values) == 3 {
			granted, ok1 := values[0].(int64)
			total, ok2 := values[1].(int64)
			epoch, ok3 := values[2].(string)
			if ok1 && ok2 && ok3 {
				return spendAnswer{granted == 1, int(total), epoch}, nil
			}
		}
		return spendAnswer{}, errForeign
	})
}

// Spend counts one request that is about to be sent, or refuses it.
func (b *Budget) Spend(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	now := b.now().In(serviceZone)
	b.enter(now)
	answer, err := b.ask(ctx, now)
	switch {
	case ctx.Err() != nil && err != nil:
		return ctx.Err() // if it was counted, the next call is not
	case err != nil:
		left := max(b.limit-b.total, 0) / max(b.fleet.pods, 1)
		if b.spent-b.told >= left {
			return b.refusal(now)
		}
		b.spent++
		return nil
	}
	if answer.granted {
		b.spent++
	}
	b.told, b.total, b.epoch = b.spent, answer.total, answer.epoch
	if !answer.granted {
		return b.refusal(now)
	}
	return nil
}

// enter begins a month.
func (b *Budget) enter(now time.Time) {
	if month := now.Format("2006-01"); month != b.month {
		b.spending = spending{month: month}
	}
}

func (b *Budget) key(month string) string { return b.fleet.key("budget", b.fleet.org, month) }

func nextMonth(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, serviceZone)
}

func (b *Budget) refusal(now time.Time) error {
	return &dingtalk.Error{
		Kind: dingtalk.ErrQuotaExhausted, Local: true, RetryAfter: nextMonth(now).Sub(now),
		Message: fmt.Sprintf("not sent: the budget of %d calls for %s is used up", b.limit, b.month),
	}
}

// Used returns how many requests of this month have been counted, by all processes. It asks Redis, and fails if that
// is away.
func (b *Budget) Used(ctx context.Context) (int, error) {
	month := b.now().In(serviceZone).Format("2006-01")
	return ask(ctx, b.fleet, func(ctx context.Context) (int, error) {
		fields, err := b.fleet.redis.HMGet(ctx, b.key(month), "base", "new").Result()
		if redis.HasErrorPrefix(err, "WRONGTYPE") {
			return 0, nil
		}
		used := 0
		for _, field := range fields {
			text, _ := field.(string)
			n, _ := strconv.Atoi(text) // what is no number is none of ours, and will be replaced
			used += max(n, 0)
		}
		return used, err
	})
}

// Resets returns when the present month ends and the count begins again, in UTC+8.
func (b *Budget) Resets() time.Time { return nextMonth(b.now().In(serviceZone)) }

// Limit returns how many requests a month may have.
func (b *Budget) Limit() int { return b.limit }
