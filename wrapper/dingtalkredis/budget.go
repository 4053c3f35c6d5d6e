package dingtalkredis

import (
	"context"
	"crypto/rand"
	"errors"
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
	month  string
	spent  int // calls of this process
	told   int // of those, the ones that Redis has confirmed
	total  int // of all processes, when Redis last said it
	before int // spent, at that time
}

// Budget lets all processes together send perMonth requests in a calendar month; further ones fail with
// [dingtalk.ErrQuotaExhausted] and are not sent. It is for [dingtalk.WithBudget]. The service's quota on the standard
// edition is 5,000 for all apps of an organisation: see [WithOrganization].
//
// A request is counted before it is sent, so the count is never too low: what a killed process did not come to send
// has counted, and so has a repeat. The month is that of UTC+8. Neither this nor whether the service counts requests
// that it throttles is documented.
//
// While Redis is away, each process counts by itself and may spend what was left when it last knew, or its share of
// that if [WithPods] says how many they are, and what was spent is added when Redis is back. The processes also restore
// a count that Redis has lost. Where none is running meanwhile, only a Redis with persistence keeps the count.
func (f *Fleet) Budget(perMonth int) *Budget {
	return &Budget{fleet: f, limit: max(perMonth, 0), id: rand.Text()[:13], now: time.Now, turn: make(chan struct{}, 1)}
}

// serviceZone is where the month is taken to begin. The documentation does not say.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

// totalField is the count of all processes. The other fields are the processes' own, so that telling one twice, as
// after an answer that was lost, counts once.
const totalField = "total"

const budgetStart = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
local function number(field)
	local n = tonumber(redis.call('HGET', KEYS[1], field) or 0)
	if n and n >= 0 and n < 1000000000 then return math.floor(n) end
	return 0
end
`

// spend counts one more call of a process, if that is within the limit, and first what Redis does not know yet.
// ARGV: the limit, the process, its calls that Redis has confirmed, its calls before this one, the greatest total that
// it has seen, when the key ends, the field of the total.
var spend = redis.NewScript(budgetStart + `
local limit, told, spent, seen = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local total = math.max(number(ARGV[7]), seen)
local mine = math.max(number(ARGV[2]), told)
if spent > mine then
	total = total + spent - mine
	mine = spent
end
local granted = 1
if mine <= spent then
	if total < limit then
		total = total + 1
		mine = mine + 1
	else
		granted = 0
	end
end
redis.call('HSET', KEYS[1], ARGV[7], string.format('%.0f', total), ARGV[2], string.format('%.0f', mine))
redis.call('PEXPIREAT', KEYS[1], ARGV[6])
return {granted, total, mine}
`)

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
	answer, err := ask(ctx, b.fleet, func(ctx context.Context) ([]int64, error) {
		return spend.Run(ctx, b.fleet.redis, []string{b.key(b.month)}, b.limit, b.id, b.told, b.spent, b.total,
			nextMonth(now).AddDate(0, 1, 0).UnixMilli(), totalField).Int64Slice()
	})
	if err == nil && len(answer) != 3 {
		err = errForeign
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return ctx.Err() // if it was counted, the next call is not
	case err != nil:
		left := max(b.limit-b.total, 0) / max(b.fleet.pods, 1)
		if b.spent-b.before >= left {
			return b.refusal(now)
		}
		b.spent++
		return nil
	}
	granted := answer[0] == 1
	if granted {
		b.spent++
	}
	b.total, b.told, b.before = int(answer[1]), min(int(answer[2]), b.spent), b.spent
	if !granted {
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
		text, err := b.fleet.redis.HGet(ctx, b.key(month), totalField).Result()
		if errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		used, err := strconv.Atoi(text)
		if err != nil || used < 0 {
			return 0, nil
		}
		return used, nil
	})
}

// Limit returns how many requests a month may have.
func (b *Budget) Limit() int { return b.limit }
