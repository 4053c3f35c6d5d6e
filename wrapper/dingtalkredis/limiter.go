package dingtalkredis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Limiter paces the calls of a whole fleet. It implements [dingtalk.Limiter].
type Limiter struct {
	fleet *Fleet
	key   string
	rate  float64
	turn  chan struct{} // held by the one caller of this process that has a place in the queue
	local *dingtalk.AdaptiveLimiter
}

// Limiter lets all processes together make perSecond calls a second, evenly spaced: the generic cell rate algorithm in
// one key, told the time by Redis. It is for [dingtalk.WithLimiter]. The service's limit is [dingtalk.DefaultRate] for
// each app and API. A throttle that one process meets stops all for a second and halves the rate for another; then it
// stays a little below what was throttled, and after twenty seconds creeps up again. A rate that is not positive is
// taken as the default.
//
// While Redis is away, each process keeps to its share of the rate, if [WithPods] says how many they are, and else to
// the whole rate. Either is a [dingtalk.AdaptiveLimiter], which slows down when the service throttles.
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
	// paceMargin keeps even pacing under a limit that counts whole seconds, in spite of the network's jitter.
	paceMargin = 0.97
	// lateness is how much of the time that passes between a call's turn and the next one's asking is made up for.
	lateness = 8 * time.Millisecond
	// farthest is how far ahead a call's turn may be that is promised to it; whoever is later asks again. What has been
	// promised is lost with a process that is killed.
	farthest = 5 * time.Second
)

// limiterStart reads the state: when the next call's turn is, in µs; when the last throttle came, and at what rate.
// A value that is none of this script's, or from a clock that has been set back, counts as nothing.
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

// reserve gives the caller the next turn, if it is no farther ahead than ARGV[2] µs, and says how far it is.
var reserve = redis.NewScript(limiterStart + `
local at = math.max(turn, now - tonumber(ARGV[3]))
local wait = math.ceil(math.max(at - now, 0))
if wait > tonumber(ARGV[2]) then return {0, wait} end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', at + 1000000 / rate))
redis.call('PEXPIRE', KEYS[1], 3600000)
return {1, wait}
`)

// slow notes a throttle. Those within a second of one are answers to what was sent before it.
var slow = redis.NewScript(limiterStart + `
if now - cut < 1000000 then return 0 end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', math.max(turn, now + 1000000)),
	'cut', string.format('%.0f', now), 'bad', string.format('%.6f', math.max(rate, 0.2)))
redis.call('PEXPIRE', KEYS[1], 3600000)
return 1
`)

var errTooLate = fmt.Errorf("dingtalkredis: the call's turn would come after its deadline: %w", context.DeadlineExceeded)

// Wait blocks until it is the caller's turn. It fails if ctx ends, or would end before.
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

// Answered tells the fleet of a throttle.
func (l *Limiter) Answered(throttled bool) {
	l.local.Answered(throttled)
	if throttled {
		_, _ = ask(context.Background(), l.fleet, func(ctx context.Context) (any, error) {
			return slow.Run(ctx, l.fleet.redis, []string{l.key}, l.rate).Result()
		})
	}
}
