package dingtalkredis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Limiter limits the rate of a whole fleet. It implements [dingtalk.Limiter].
type Limiter struct {
	fleet *Fleet
	key   string
	rate  float64
	turn  chan struct{} // held by the process's only caller with a reserved turn
	local *dingtalk.AdaptiveLimiter
}

// Limiter allows all processes together perSecond calls a second, evenly spaced, by the generic cell rate algorithm in
// one key and Redis's clock. Pass it to [dingtalk.WithLimiter]. The service's limit for each app and API is
// [dingtalk.DefaultRate], which is used if perSecond is not positive. A throttle pauses all processes for a second and
// halves the rate for another. The rate then stays a little below the throttled one, and rises slowly after twenty
// seconds.
//
// While Redis is down, each process uses a [dingtalk.AdaptiveLimiter] of its own: at its share of the rate with
// [WithPods], and at the whole rate without.
func (f *Fleet) Limiter(perSecond float64) *Limiter {
	if !(perSecond > 0) {
		perSecond = dingtalk.DefaultRate
	}
	return &Limiter{
		fleet: f, rate: perSecond * paceMargin, turn: make(chan struct{}, 1),
		key:   f.limiterKey(),
		local: dingtalk.NewLimiter(perSecond / float64(max(f.pods, 1))),
	}
}

func (f *Fleet) limiterKey() string {
	return f.key("rate", f.scope, generated.OperationChatIDToOpenConversationID.ID)
}

const (
	// paceMargin keeps evenly spaced calls below a limit counted in whole seconds, despite network jitter.
	paceMargin = 0.97
	// lateness is the longest delay between a call's turn and the next reservation that the schedule makes up for.
	lateness = 8 * time.Millisecond
	// farthest is how far ahead a turn may be reserved; a later call asks again. A killed process loses the turns it
	// reserved.
	farthest = 5 * time.Second
)

// limiterStart reads the state: the next call's turn in µs, and the time and rate of the last throttle. It ignores
// foreign values, and values from before the clock was set back.
const limiterStart = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('HMGET', KEYS[1], 'next', 'cut', 'bad')
local function number(text, least, most)
	local n = tonumber(text)
	if n and n >= least and n <= most then return n end
	return 0
end
local turn = number(state[1], 0, now + 60000000)
local cut = number(state[2], 0, now)
local bad = number(state[3], 0.1, 1000000)
local rate = tonumber(ARGV[1])
if cut > 0 and bad > 0 then
	local age = (now - cut) / 1000000
	local known = bad / 2
	if age >= 2 then known = bad * 0.95 * 1.01 ^ math.max(age - 20, 0) end
	rate = math.max(math.min(rate, known), 0.1)
end
`

// reserve reserves the next turn if it is at most ARGV[2] µs ahead, and returns how far ahead it is.
var reserve = redis.NewScript(limiterStart + `
local at = math.max(turn, now - tonumber(ARGV[3]))
local wait = math.ceil(math.max(at - now, 0))
if wait > tonumber(ARGV[2]) then return {0, wait} end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', at + 1000000 / rate))
redis.call('PEXPIRE', KEYS[1], 3600000)
return {1, wait}
`)

// slow records a throttle. Throttles within a second count as one: they answer requests sent before it.
var slow = redis.NewScript(limiterStart + `
if now - cut < 1000000 then return 0 end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', math.max(turn, now + 1000000)),
	'cut', string.format('%.0f', now), 'bad', string.format('%.6f', math.max(rate, 0.2)))
redis.call('PEXPIRE', KEYS[1], 3600000)
return 1
`)

var errTooLate = fmt.Errorf("dingtalkredis: the call's turn would come after its deadline: %w", context.DeadlineExceeded)

// Wait blocks until the caller's turn. It returns an error if ctx ends, or at once if ctx's deadline is too early.
func (l *Limiter) Wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		most := farthest
		deadline, limited := ctx.Deadline()
		if limited {
			most = max(min(most, time.Until(deadline)), 0)
		}
		wait, mine, err := l.reserve(ctx, most)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return l.local.Wait(ctx)
		case !mine && limited && wait > time.Until(deadline):
			return errTooLate
		case !mine:
			wait = max(wait-farthest/2, time.Millisecond)
		}
		if wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
		}
		if mine {
			return nil
		}
	}
}

func (l *Limiter) reserve(ctx context.Context, most time.Duration) (wait time.Duration, mine bool, err error) {
	answer, err := ask(ctx, l.fleet, func(ctx context.Context) ([]int64, error) {
		return reserve.Run(ctx, l.fleet.redis, []string{l.key}, l.rate, most.Microseconds(), lateness.Microseconds()).Int64Slice()
	})
	if err == nil && len(answer) != 2 {
		err = errForeign
	}
	if err != nil {
		return 0, false, err
	}
	return time.Duration(answer[1]) * time.Microsecond, answer[0] == 1, nil
}

// Answered reports a throttle to the fleet.
func (l *Limiter) Answered(throttled bool) {
	l.local.Answered(throttled)
	if throttled {
		_, _ = ask(context.Background(), l.fleet, func(ctx context.Context) (any, error) {
			return slow.Run(ctx, l.fleet.redis, []string{l.key}, l.rate).Result()
		})
	}
}
