package dingtalkredis

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// One exchange with Redis answers all that a process wants to know at that moment: looks at conversions, turns of the
// limiter, grants of the budget. A process has one exchange under way; what is wanted meanwhile shares the next one. So a
// call costs one round trip, however far Redis is, and however many calls there are.

const (
	// horizon is how far ahead a turn may be reserved; a later call asks again. What a killed process reserved is lost.
	horizon = time.Second
	// pauseTime is the pause of a schedule that may have been lost, until turns reserved before have passed. lostTime is that
	// after an outage, until every process has noticed that it is over.
	pauseTime = 1200 * time.Millisecond
	lostTime  = 2500 * time.Millisecond
	// lateness is the longest delay between a call's turn and the next reservation that the schedule makes up for.
	lateness = 8 * time.Millisecond
	// windowTime is how often a process says that it is there. It counts until three windows later.
	windowTime = 10 * time.Second
	// lookups is the number of conversions that one exchange looks up.
	lookups = 16
)

// exchangeScript handles one exchange. KEYS: 1 the limiter's schedule; 2 the processes; 3 the month's count; 4 to 19 the
// conversions, then any key that is no string. Some proxies want each key to be written as KEYS[n].
//
// ARGV: 1 the process; 2 the window in which it said that it is there; 3 the number of conversions. The limiter: 4 the
// rate, 0 for none; 5 the turns wanted, and 6 how many more if conversions are missing; 7 what the process knows: new
// (nothing), known (a schedule), lost (it went on without Redis); 8 whether the service throttled a request. The budget:
// 9 the limit, -1 for none; 10 the calls wanted, and 11 how many more; 12 the number sent without Redis; 13 the number of
// the request, 0 for a report alone; 14 who asks, and 15 the slot; 16 the epoch, 17 the total and 18 the month known to the
// process; 19 the month by Redis's clock, and the seconds when it 20 begins and 21 ends.
//
// It returns the time in µs, alone if it is in another month than 19. Then: the conversions; the process's place and the
// number of places; the window; the number of turns, the µs until the first, the µs between them and until the process
// should ask again; the number of grants, or -1 while the count settles; the total; the epoch; the month; the ms until
// the count has settled.
//
// The schedule is the generic cell rate algorithm: the time of the next call. A turn further ahead than any that can be
// reserved comes from another clock. A line of those that found no turn tells each when to ask again.
//
// A process's place is the lowest free one when it comes, so that processes without Redis share the time: see ownTurn.
//
// The count is explained at [tally].
var exchangeScript = redis.NewScript(fmt.Sprintf(`
local horizon, pause, longest, lateness, length, settling = %d, %d, %d, %d, %d, %d
`, horizon.Microseconds(), pauseTime.Microseconds(), lostTime.Microseconds(), lateness.Microseconds(), windowTime.Microseconds(), settleTime.Microseconds()) + `
local process, rate, limit = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if limit >= 0 and (now < ARGV[20] * 1000000 or now >= ARGV[21] * 1000000) then return {now} end
local function number(text, most)
	local n = tonumber(text or '')
	if n and n >= 0 and n <= most then return n end
end
local function whole(n) return string.format('%.0f', n) end
local found, misses = {}, 0
if ARGV[3] ~= '0' then
	found = redis.call('MGET', KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13],
		KEYS[14], KEYS[15], KEYS[16], KEYS[17], KEYS[18], KEYS[19])
	for n = 1, tonumber(ARGV[3]) do
		if not found[n] then misses = misses + 1 end
	end
end
local place, window, counted = -1, math.floor(now / length), redis.pcall('HGET', KEYS[2], 'places')
if type(counted) == 'table' then redis.call('DEL', KEYS[2]) end
local places = type(counted) == 'string' and number(counted, 100000)
if not places or tonumber(ARGV[2]) ~= window then
	local all, taken, others = redis.call('HGETALL', KEYS[2]), {}, 0
	places = 0
	for n = 1, #all, 2 do
		local at, id, seen = tonumber(all[n]), string.match(all[n + 1], '^(%w+) (%d+)$')
		if at and id == process then
			place = at
		elseif at and id and math.abs(window - seen) < 3 then
			taken[at], others, places = true, others + 1, math.max(places, at + 1)
		elseif all[n] ~= 'places' then
			redis.call('HDEL', KEYS[2], all[n])
		end
	end
	if place < 0 or place > others then
		redis.call('HDEL', KEYS[2], place)
		place = 0
		while taken[place] do place = place + 1 end
	end
	places = math.max(places, place + 1)
	redis.call('HSET', KEYS[2], place, process .. ' ' .. window, 'places', places)
	redis.call('PEXPIRE', KEYS[2], 6 * length / 1000)
end
local run = redis.pcall('INFO', 'server')
run = type(run) == 'string' and string.match(run, 'run_id:(%x+)') or '-'
local given, first, step, again = 0, now, 0, 0
local turns = tonumber(ARGV[5]) + math.min(misses, tonumber(ARGV[6]))
if rate > 0 and (turns > 0 or ARGV[8] == '1') then
	local kept = redis.pcall('HMGET', KEYS[1], 'next', 'step', 'line', 'run', 'cut', 'bad', 'lost')
	if kept.err then
		redis.call('DEL', KEYS[1])
		kept = {}
	end
	local turn, before, line = number(kept[1], 9e15), number(kept[2], 9e15) or 0, number(kept[3], 9e15) or 0
	local cut, bad, fastest = number(kept[5], now), number(kept[6], 1000000), rate
	if cut and bad and bad > 0 then
		local age = (now - cut) / 1000000
		local known = bad / 2
		if age >= 2 then known = bad * 0.95 * 1.01 ^ math.max(age - 20, 0) end
		rate = math.max(math.min(rate, known), math.min(fastest, 0.1))
	end
	step = 1000000 / rate
	local lost = kept[4] and kept[4] ~= run
	if ARGV[7] == 'lost' and now - (number(kept[7], now) or 0) > 30000000 then -- of the processes that come back, the first pauses all
		lost = true
		redis.call('HSET', KEYS[1], 'lost', whole(now))
	end
	if not turn or turn > now + longest + before then
		turn, line, lost = 0, 0, turn or ARGV[7] ~= 'new'
	end
	if lost then turn = math.max(turn, now + (ARGV[7] == 'lost' and longest or pause)) end
	if ARGV[8] == '1' and now - (cut or 0) >= 1000000 then -- throttles within a second are one
		turn = math.max(turn, now + 1000000)
		redis.call('HSET', KEYS[1], 'cut', whole(now), 'bad', string.format('%.6f', math.max(rate, math.min(fastest, 0.2))))
	end
	first = math.max(turn, now - lateness)
	turn = first
	while given < turns and turn <= now + horizon do
		given, turn = given + 1, turn + step
	end
	if given < turns then
		line = math.max(line, turn)
		again, line = line - now - horizon / 2, math.min(line + step, now + 3600000000)
	end
	redis.call('HSET', KEYS[1], 'next', whole(turn), 'step', whole(step), 'line', whole(line), 'run', run)
	redis.call('PEXPIRE', KEYS[1], whole(3600000 + step / 1000))
end
local answer, total, epoch, month, wait = 0, 0, '', 0, 0
if limit >= 0 then
	local slot, asked, due = 'slot ' .. ARGV[15], ARGV[14] .. ' ' .. ARGV[13] .. ' ', tonumber(ARGV[19])
	local kept = redis.pcall('HMGET', KEYS[3], 'epoch', 'base', 'new', 'at', 'run', 'month', slot)
	if kept.err then kept = {} end
	local base, new, at = number(kept[2], 1e9), number(kept[3], 1e9), number(kept[4], 9e15)
	epoch, month = kept[1], number(kept[6], 1e6)
	local sound = epoch and base and new and at and month
	if not sound then
		redis.call('DEL', KEYS[3])
		kept, base, new, at, month = {}, 0, 0, 0, due
	end
	local known, reported, begins = tonumber(ARGV[18]), tonumber(ARGV[17]), nil
	if due > month or due < month - 1 then -- a clock that is a little behind does not go back to the month before
		base, new, month, begins = 0, 0, due, now - settling
	end
	if known ~= month then reported = 0 end
	if not sound or kept[5] ~= run or epoch == ARGV[16] and reported > base + new then begins = now end
	if begins then
		epoch, base, new, at = process .. ' ' .. whole(now), base + new, 0, begins
	end
	at = math.min(at, now)
	if epoch ~= ARGV[16] then base = math.max(base, reported) end
	wait = math.max(at + settling - now, 0)
	if ARGV[13] ~= '0' then
		if kept[7] and string.sub(kept[7], 1, #asked) == asked then
			answer = number(string.sub(kept[7], #asked + 1), 1e9) or 0
		elseif wait > 0 then
			answer = -1
		else
			new = new + ARGV[12]
			answer = math.max(math.min(ARGV[10] + math.min(misses, tonumber(ARGV[11])), limit - base - new), 0)
			new = new + answer
			redis.call('HSET', KEYS[3], slot, asked .. whole(answer))
		end
	end
	total = base + new
	redis.call('HSET', KEYS[3], 'epoch', epoch, 'base', whole(base), 'new', whole(new), 'at', whole(at), 'run', run, 'month', month)
	redis.call('PEXPIRE', KEYS[3], 63 * 24 * 3600000)
end
return {now, found, place, places, window, given, first - now, step, again, answer, total, epoch, month, wait / 1000}
`)

// want is what one caller asks, or what those of one exchange ask together: they have one limiter and one budget at most.
type want struct {
	chats     []string // the keys of conversions; a caller's is one at most
	limiter   *Limiter
	turns     int
	throttled bool
	budget    *Budget
	grants    int
	rest      time.Duration // between probes while Redis is down

	done chan struct{}
	err  error
	answer
}

// fits reports whether a caller's want can join, and adds it.
func (w *want) fits(one *want) bool {
	if w.limiter != nil && one.limiter != nil && w.limiter != one.limiter || w.budget != nil && one.budget != nil && w.budget != one.budget ||
		len(w.chats)+len(one.chats) > lookups {
		return false
	}
	w.limiter, w.budget = cmp.Or(w.limiter, one.limiter), cmp.Or(w.budget, one.budget)
	w.chats, w.turns, w.grants, w.throttled = append(w.chats, one.chats...), w.turns+one.turns, w.grants+one.grants, w.throttled || one.throttled
	return true
}

// answer is what exchangeScript returns.
type answer struct {
	now           int64
	alone         bool // the time alone: the month was wrong
	found         []any
	place, places int
	window        int64
	turns         int
	first, step   time.Duration
	again         time.Duration // until there may be a turn; 0: there was one
	grants        int           // -1 while the count settles
	total         int
	epoch         string
	month         int
	settles       time.Duration
	refused       bool // the budget is used up
}

// desk collects what is wanted.
type desk struct {
	mu      sync.Mutex
	waiting []*want
	busy    bool     // an exchange is under way
	limiter *Limiter // the fleet's first, for calls that are about to want a turn
	budget  *Budget

	clock  clock
	window int64
	place  int // of this process, without Redis
	places int // 0: Redis has never told
}

// clock relates Redis's clock to this process's steady one.
type clock struct {
	redis time.Time
	here  time.Time
	trip  time.Duration // of the measurement
}

// now returns Redis's time, or this machine's if Redis has never told.
func (c clock) now(wall func() time.Time) time.Time {
	if c.here.IsZero() {
		return wall()
	}
	return c.redis.Add(time.Since(c.here))
}

// measure keeps the time of the shortest round trip of late: it is the most exact one.
func (c *clock) measure(redisTime, sent time.Time) {
	trip := time.Since(sent)
	if c.here.IsZero() || trip <= c.trip || time.Since(c.here) > windowTime {
		*c = clock{redis: redisTime, here: sent.Add(trip / 2), trip: trip}
	}
}

// ask waits for the answer of an exchange, at most until ctx ends or a quarter of its time has passed: the rest is left
// for the call itself.
func (f *Fleet) ask(ctx context.Context, w *want) (answer, error) {
	if err := f.health.mayAsk(cmp.Or(w.rest, awayTime)); err != nil {
		return answer{}, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancel := context.WithTimeout(ctx, max(time.Until(deadline)/4, 0))
		defer cancel()
		ctx = limited
	}
	w.done = make(chan struct{})
	f.desk.mu.Lock()
	f.desk.waiting = append(f.desk.waiting, w)
	if !f.desk.busy {
		f.desk.busy = true
		go f.serve()
	}
	f.desk.mu.Unlock()
	select {
	case <-w.done:
		return w.answer, w.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// serve makes exchanges until nothing is wanted.
func (f *Fleet) serve() {
	for {
		batch, sum := f.desk.take()
		if len(batch) == 0 {
			return
		}
		a, err := f.exchange(sum)
		f.desk.mu.Lock()
		trip := f.desk.clock.trip
		if err != nil { // Redis counts as down: nobody else waits for it
			batch, f.desk.waiting = append(batch, f.desk.waiting...), nil
		}
		f.desk.mu.Unlock()
		for _, w := range batch {
			if w.answer, w.err = a, err; err == nil && len(w.chats) > 0 {
				w.found, a.found = a.found[:1], a.found[1:]
			}
			close(w.done)
		}
		time.Sleep(min(trip/16, 10*time.Millisecond)) // who got an answer is about to want more, in one exchange
	}
}

// take returns the wants of the next exchange.
func (d *desk) take() (batch []*want, sum *want) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum = new(want)
	d.waiting = slices.DeleteFunc(d.waiting, func(w *want) bool {
		fits := sum.fits(w)
		if fits {
			batch = append(batch, w)
		}
		return fits
	})
	if d.busy = len(batch) > 0; len(sum.chats) > 0 { // a chat that is not found is about to want a turn and a grant
		sum.limiter = cmp.Or(sum.limiter, d.limiter)
	}
	if len(sum.chats) > 0 || sum.turns > 0 {
		sum.budget = cmp.Or(sum.budget, d.budget)
	}
	return batch, sum
}

// exchange sends what a batch wants, and applies the answer.
func (f *Fleet) exchange(sum *want) (a answer, err error) {
	rate, more, knows := 0.0, 0, "new"
	if sum.limiter != nil {
		rate = sum.limiter.rate
		sum.turns, more, knows = sum.limiter.wants(sum.turns, len(sum.chats))
	}
	keys := append([]string{f.limiterKey(), f.key("processes"), f.monthKey()}, sum.chats...)
	for len(keys) < 3+lookups {
		keys = append(keys, keys[0])
	}
	for { // again, if this process was wrong about the month
		f.desk.mu.Lock()
		clk, window := f.desk.clock, f.desk.window
		f.desk.mu.Unlock()
		m := monthOf(clk.now(f.health.now))
		args := []any{f.process, window, len(sum.chats), rate, sum.turns, more, knows, sum.throttled}
		var r request
		if sum.budget == nil {
			args = append(args, -1, 0, 0, 0, 0, "", 0, "", 0, 0, 0, 0, 0)
		} else {
			r = sum.budget.request(sum)
			args = append(args, sum.budget.limit, r.want, r.more, r.debt, r.number, sum.budget.id, crc32.ChecksumIEEE([]byte(sum.budget.id))%slots, r.epoch, r.total, r.month)
			args = append(args, m.index, m.begins.Unix(), m.ends.Unix())
		}
		sent := time.Now()
		a, err = guarded(context.Background(), f, func(ctx context.Context) (answer, error) {
			return answerOf(exchangeScript.Run(ctx, f.redis, keys, args...).Slice())
		})
		if err != nil {
			return a, err
		}
		at := time.UnixMicro(a.now)
		f.health.clocks(at)
		f.desk.mu.Lock()
		f.desk.clock.measure(at, sent)
		clk = f.desk.clock
		if !a.alone {
			f.desk.window, f.desk.places = a.window, a.places
		}
		if !a.alone && a.place >= 0 {
			f.desk.place = a.place
		}
		f.desk.mu.Unlock()
		if a.alone {
			continue
		}
		if sum.limiter != nil {
			sum.limiter.got(a, clk.here.Add(at.Sub(clk.redis)+clk.trip/2)) // when the answer came, had it not been late
		}
		if sum.budget != nil {
			sum.budget.counted(r, &a, m)
		}
		return a, nil
	}
}

// answerOf reads the script's answer.
func answerOf(values []any, err error) (a answer, _ error) {
	if err != nil {
		return a, err
	}
	if a.alone = len(values) == 1; !a.alone && len(values) != 14 {
		return a, errForeign
	}
	var numbers [14]int64
	for n, value := range values {
		is := false
		switch n {
		case 1:
			a.found, is = value.([]any)
		case 11:
			a.epoch, is = value.(string)
		default:
			numbers[n], is = value.(int64)
		}
		if !is {
			return a, errForeign
		}
	}
	micro := func(n int) time.Duration { return time.Duration(numbers[n]) * time.Microsecond }
	a.now, a.place, a.places, a.window = numbers[0], int(numbers[2]), int(numbers[3]), numbers[4]
	a.turns, a.first, a.step, a.again = int(numbers[5]), micro(6), micro(7), micro(8)
	a.grants, a.total, a.month, a.settles = int(numbers[9]), int(numbers[10]), int(numbers[12]), 1000*micro(13)
	return a, nil
}
