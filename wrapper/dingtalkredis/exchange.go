package dingtalkredis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// One exchange with Redis answers all that a call wants to know: it looks for the conversion, and if there is none, reserves a
// turn of the limiter and a grant of the budget. So a call costs one round trip.

const (
	settleTime = 3 * time.Second         // for reports of a total that Redis may have lost
	pauseTime  = 1200 * time.Millisecond // of a schedule that may have been lost, until turns reserved before have passed
	lostTime   = 2500 * time.Millisecond // of a schedule after an outage, until every process has noticed that it is over
	lateness   = 8 * time.Millisecond    // the longest delay between a turn and the next that the schedule makes up for
	beatTime   = time.Second             // how long a process does not ask; half of it with calls that wait, and without Redis
)

// exchangeScript handles one exchange. KEYS: 1 the limiter's schedule; 2 the processes; 3 the month's count; 4 the conversion.
// Some proxies want each to be written as KEYS[n].
//
// ARGV: 1 the process; 2 the rate, 0 without a limiter; 3 the limit, -1 without a budget; 4 whether a conversion is wanted;
// 5 the turns wanted beside one for a missing conversion; 6 the pause of a lost schedule; 7 whether the service throttled
// a request. The budget: 8 the grants wanted in all beside one for each turn; 9 those spent and 10 those known; 11 the epoch
// and 12 the total known; 13 whether answers are under way, so that grants which are not known are wanted, too.
//
// It returns the conversion and, in one text, the time in µs; the process's place and the number of places; the number of
// turns, the ns until the first, between them and until the process should ask again; the ns until the count has settled; the
// grants in all, the total and the epoch.
//
// The schedule is the generic cell rate algorithm: the time of the next call. A turn further ahead than any that can be
// reserved comes from another clock. A line of those that found no turn tells each when to ask again. A process's place is
// the lowest free one when it comes: see ownTurn. The count is explained at [tally].
var exchangeScript = redis.NewScript(fmt.Sprintf(`
local horizon, short, longest, lateness, length, settling = %d, %d, %d, %d, %d, %d
`, horizon.Microseconds(), pauseTime.Microseconds(), lostTime.Microseconds(), lateness.Microseconds(), windowTime.Microseconds(), settleTime.Microseconds()) + `
local process, rate, limit, pause = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function number(text, most)
	local n = tonumber(text or '')
	if n and n >= 0 and n <= most then return n end
end
local function whole(n) return string.format('%.0f', n) end
local found, missing = false, 0
if ARGV[4] == '1' then
	found = redis.pcall('GET', KEYS[4])
	if type(found) ~= 'string' then found, missing = false, 1 end
end
local kept, window = redis.pcall('HMGET', KEYS[2], 'places', process), math.floor(now / length)
if kept.err then redis.call('DEL', KEYS[2]) end
local places = number(kept[1], 100000)
local place, seen, granted, grantedIn = string.match(kept[2] or '', '^(%d+) (%d+) (%d+) (%S*)$')
place = tonumber(place or '')
if not places or tonumber(seen or '') ~= window then
	local all, taken, others = redis.call('HGETALL', KEYS[2]), {}, 0
	places = 0
	for n = 1, #all, 2 do
		local at, last = string.match(all[n + 1], '^(%d+) (%d+) ')
		if all[n] ~= process and at and math.abs(window - last) < 3 then
			at = tonumber(at)
			taken[at], others, places = true, others + 1, math.max(places, at + 1)
		elseif all[n] ~= process then
			redis.call('HDEL', KEYS[2], all[n])
		end
	end
	if not place or place > others or taken[place] then
		place = 0
		while taken[place] do place = place + 1 end
	end
	places = math.max(places, place + 1)
end
local run = redis.pcall('INFO', 'server')
run = type(run) == 'string' and string.match(run, 'run_id:(%x+)') or '-'
local given, first, step, again = 0, now, 0, 0
local turns = math.max(ARGV[5] + missing, 0)
if rate > 0 and (turns > 0 or ARGV[7] == '1' or pause == longest) then
	kept = redis.pcall('HMGET', KEYS[1], 'next', 'step', 'line', 'run', 'cut', 'bad', 'lost')
	if kept.err then redis.call('DEL', KEYS[1]) end
	local turn, before, line = number(kept[1], 9e15), number(kept[2], 9e15) or 0, number(kept[3], 9e15) or 0
	local cut, bad, fastest = number(kept[5], now), number(kept[6], 1000000), rate
	if cut and bad and bad > 0 then
		local age, known = (now - cut) / 1000000, bad / 2
		if age >= 2 then known = bad * 0.95 * 1.01 ^ math.max(age - 20, 0) end
		rate = math.max(math.min(rate, known), math.min(fastest, 0.1))
	end
	step = 1000000 / rate
	local lost = kept[4] and kept[4] ~= run
	if pause == longest and now - (number(kept[7], now) or 0) > 30000000 then -- of the processes that come back, the first pauses all
		lost = true
		redis.call('HSET', KEYS[1], 'lost', whole(now))
	end
	if not turn or turn > now + longest + before then
		turn, line, lost = 0, 0, turn or pause > 0
	end
	if lost then turn = math.max(turn, now + math.max(pause, short)) end
	if ARGV[7] == '1' and now - (cut or 0) >= 1000000 then -- throttles within a second are one
		turn = math.max(turn, now + 1000000)
		redis.call('HSET', KEYS[1], 'cut', whole(now), 'bad', string.format('%.6f', math.max(rate, math.min(fastest, 0.2))))
	end
	first = math.max(turn, now - lateness)
	turn = first
	if turns > 0 and turn <= now + horizon then
		given, turn = 1, turn + step
	elseif turns > 0 then
		line = math.max(line, turn)
		again, line = line - now - horizon / 2, math.min(line + step, now + 3600000000)
	end
	redis.call('HSET', KEYS[1], 'next', whole(turn), 'step', whole(step), 'line', whole(line), 'run', run)
	redis.call('PEXPIRE', KEYS[1], whole(3600000 + step / 1000))
end
local mine, total, epoch, wait = tonumber(granted or 0), 0, grantedIn or '-', 0
if limit >= 0 then
	local days = math.floor((now / 1000000 + 28800) / 86400) + 719468 -- since 1 March of the year 0: years end with February
	local era = math.floor(days / 146097)
	local day = days - era * 146097
	local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
	day = day - 365 * year - math.floor(year / 4) + math.floor(year / 100)
	local due = 12 * (400 * era + year) + math.floor((5 * day + 2) / 153) + 2
	kept = redis.pcall('HMGET', KEYS[3], 'epoch', 'base', 'new', 'run')
	epoch = kept[1] or ''
	local base, new = number(kept[2], 1e9), number(kept[3], 1e9)
	local month, at = string.match(epoch, '^(%d+):%w+:(%d+)$')
	month, at = tonumber(month or ''), tonumber(at or '')
	local sound = base and new and month
	if not sound then
		redis.call('DEL', KEYS[3])
		base, new, month, at = 0, 0, due, 0
	end
	local begins
	if due > month or due < month - 1 then -- a clock that is a little behind does not go back to the month before
		base, new, month, begins = 0, 0, due, now - settling
	end
	local known, reported = ARGV[11], 0
	if string.match(known, '^%d+') == whole(month) then reported = tonumber(ARGV[12]) end
	if not sound or kept[4] ~= run or at > now or known == epoch and reported > base + new then begins = now end
	if begins then
		epoch, base, new, at = whole(month) .. ':' .. process .. ':' .. whole(begins), base + new, 0, begins
	end
	wait = math.max(at + settling - now, 0)
	if grantedIn ~= epoch then mine = nil end
	if known == epoch or known == '' then
		mine = mine or tonumber(ARGV[10])
		local sent = math.max(ARGV[9] - mine, 0) -- without Redis
		mine, new = mine + sent, new + sent
		local more = ARGV[8] + (rate > 0 and given or missing) - (ARGV[13] == '1' and ARGV[10] or mine)
		more = math.min(more, limit - base - new)
		if wait == 0 and more > 0 then mine, new = mine + more, new + more end
	else
		base = math.max(base, reported)
	end
	mine, total = mine or 0, base + new
	redis.call('HSET', KEYS[3], 'epoch', epoch, 'base', whole(base), 'new', whole(new), 'run', run)
	redis.call('PEXPIRE', KEYS[3], 63 * 24 * 3600000)
end
redis.call('HSET', KEYS[2], 'places', places, process, place .. ' ' .. whole(window) .. ' ' .. whole(mine) .. ' ' .. epoch)
redis.call('PEXPIRE', KEYS[2], 6 * length / 1000)
local function ns(n) return whole(n * 1000) end
return {found, table.concat({whole(now), place, places, given, ns(first - now), ns(step), ns(again), ns(wait), whole(mine), whole(total), epoch}, ' ')}
`)

// want is what one caller asks.
type want struct {
	chat      string // the key of a conversion, or ""
	turns     int    // 0 or 1, as grants
	grants    int
	throttled bool
	beat      bool // asks, even if Redis is away
}

// ask makes an exchange, unless Redis is away. The answer is applied even if ctx ends before it comes.
func (f *Fleet) ask(ctx context.Context, w want) (a answer, err error) {
	f.mu.Lock()
	f.live()
	if f.away && !w.beat {
		defer f.mu.Unlock()
		return a, f.absent()
	}
	before, pause, ahead := f.tally, f.pause, f.ahead()
	keys := []string{f.limiterKey(), f.key("processes"), f.key("budget"), cmp.Or(w.chat, f.key("processes"))}
	args := []any{f.process, f.rate, f.limit, w.chat != "", w.turns - ahead, pause.Microseconds(), w.throttled,
		f.spent + w.grants + ahead + f.due() - min(f.paid, w.turns), f.spent, f.granted, f.epoch, f.total, f.flying > 0}
	f.flying++
	f.mu.Unlock()
	limited, cancel := patience(ctx)
	defer cancel()
	return guard.Within(limited, func() (answer, error) {
		sent := time.Now()
		a, err := run(f, func(ctx context.Context) (answer, error) { return exchange(ctx, f.redis, keys, args) })
		f.mu.Lock()
		defer f.mu.Unlock()
		f.flying--
		f.heard = time.Now()
		if err != nil {
			return a, err
		}
		at := time.UnixMicro(a.now)
		f.clock.measure(at, sent)
		f.apart(at)
		f.back()
		f.place, f.places = a.place, a.places
		if a.turns > 0 { // by when the answer came, had it not been late
			f.turns = append(f.turns, f.clock.here.Add(at.Sub(f.clock.redis)+f.clock.trip/2+a.first))
			slices.SortFunc(f.turns, time.Time.Compare)
		}
		if f.pause == pause && a.step > 0 { // the schedule is known
			f.pause = pauseTime
		}
		if before.limit >= 0 && time.Since(sent) < settleTime { // later, the count may be another
			f.counted(before, a)
		}
		return a, nil
	}, clientPanicked)
}

func exchange(ctx context.Context, client redis.Scripter, keys []string, args []any) (a answer, _ error) {
	values, err := exchangeScript.Run(ctx, client, keys, args...).Slice()
	if err != nil {
		return a, err
	}
	a.found, _ = values[0].(string)
	_, err = fmt.Sscan(values[1].(string), &a.now, &a.place, &a.places, &a.turns, &a.first, &a.step, &a.again, &a.settles, &a.granted, &a.total, &a.epoch)
	return a, err
}

// patience ends with ctx, or when a quarter of its time has passed: the rest is left for the call itself.
func patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, limited := ctx.Deadline(); limited {
		return context.WithTimeout(ctx, max(time.Until(deadline)/4, 0))
	}
	return context.WithCancel(ctx)
}

// live begins the process's beats, unless they are under way. f.mu is held.
func (f *Fleet) live() {
	if !f.beats {
		f.beats = true
		beatLater(weak.Make(f), beatTime/2)
	}
}

// beatLater beats until the fleet is garbage, the Redis client is closed or nothing is shared that needs it.
func beatLater(p weak.Pointer[Fleet], wait time.Duration) {
	time.AfterFunc(wait, func() {
		if f := p.Value(); f != nil {
			if wait, again := f.beat(); again {
				beatLater(p, wait)
			}
		}
	})
}

// beat makes an exchange if there was none for a while. So each process is known to be there, learns how many there are,
// reports its total before a lost count settles, and notices soon that Redis goes and that it is back.
func (f *Fleet) beat() (wait time.Duration, again bool) {
	f.mu.Lock()
	pace := beatTime
	if f.away || f.queue > 0 {
		pace /= 2
	}
	wait = time.Until(f.heard.Add(pace))
	f.beats = f.away || f.noted || f.rate > 0 || f.limit >= 0
	again = f.beats
	f.mu.Unlock()
	if !again || wait > 0 {
		return wait, again
	}
	_, err := f.ask(context.Background(), want{beat: true})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.beats = !errors.Is(err, redis.ErrClosed)
	return beatTime / 2, f.beats
}

// do lets Redis do something, unless it is away. That goes on when ctx ends, because the Redis client does, and because how
// it ends tells whether Redis is away.
func do[T any](ctx context.Context, f *Fleet, what func(context.Context) (T, error)) (value T, err error) {
	f.locked(func() {
		if f.away {
			err = f.absent()
		}
	})
	if err != nil {
		return value, err
	}
	limited, cancel := patience(ctx)
	defer cancel()
	return guard.Within(limited, func() (T, error) { return run(f, what) }, clientPanicked)
}

// run lets Redis do something within the fleet's time limit.
func run[T any](f *Fleet, what func(context.Context) (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(context.Background(), f.timeout)
	defer cancel()
	value, err := guard.Within(limited, func() (T, error) { return what(limited) }, clientPanicked)
	if err == nil || isNone(err) {
		f.locked(func() { f.worked = true })
		return value, err
	}
	f.failed(err)
	return value, fmt.Errorf("dingtalkredis: %w", err)
}

// failed notes that Redis could not do something.
func (f *Fleet) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !f.away {
		f.away, f.since = true, now
	}
	f.last, f.cause, f.fault = now, err, setupFault(err, f.moves)
	f.live()
	switch {
	case errors.Is(err, redis.ErrClosed): // by the app itself
		return
	case f.lasting() && now.Sub(f.nagged) >= nagTime:
		f.nagged = now
		failed := &SetupError{Fault: f.fault, Err: err}
		f.write(slog.LevelWarn, "Redis is set up wrongly, which waiting does not cure; this process shares nothing",
			slog.String("fault", string(f.fault)), slog.String("hint", failed.Hint()), slog.Any("error", err))
	case !f.noted && !f.lasting():
		f.write(slog.LevelWarn, "Redis failed; this process goes on without it", slog.Any("error", err))
	}
	f.noted = true
}

func clientPanicked(any) error { return errors.New("the Redis client panicked") }
