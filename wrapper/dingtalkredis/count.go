package dingtalkredis

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// How the count of a month stays exact.
//
// Redis keeps one hash: base and new, whose sum is the number of grants; the epoch of base; when that epoch began (at);
// and the server that counted (run). The script runs atomically, so no two processes get the same grant.
//
// A request carries an id of its process and a number. A process has one open request, and repeats it until an answer
// arrives. Redis keeps each process's last answer in one of a fixed number of slots, so a repeated request is not
// counted twice. If two processes share a slot, a lost answer may count twice: the fleet then has one call less, never
// one more.
//
// A new epoch begins if the key is missing, holds something else, or was counted by another server, which may be behind
// after a failover. Nothing is granted for settleTime. Meanwhile each running process reports the greatest total it
// knows of the previous epoch. The greatest report becomes the new base: the process with the last grant knows the last
// total. To report in time, each process that has spent something asks once per beatTime.
const (
	settleTime = 3 * time.Second
	beatTime   = time.Second
	slots      = 512
	// windowTime is the window in which each process is counted once.
	windowTime = 10 * time.Second
)

// countScript handles one request. ARGV: 1 the limit; 2 the number of calls wanted, 0 or 1; 3 the number sent without
// Redis (debt); 4 the process; 5 the number of the request, 0 for a report alone; 6 the slot; 7 the epoch and 8 the
// total known to the process; 9 the window it was counted in; 10 when the key expires; 11 settleTime and 12 windowTime,
// in ms.
//
// It returns: 1 for a grant, 0 for a refusal, -1 while the count settles; the total; the epoch; the number of
// processes; the window; the ms until the count has settled.
var countScript = redis.NewScript(`
local limit, want, debt, process, request = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local slot = 'slot ' .. ARGV[6]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or '-'
local kind = redis.call('TYPE', KEYS[1]).ok
local kept = {}
if kind == 'hash' then
	kept = redis.call('HMGET', KEYS[1], 'epoch', 'base', 'new', 'at', 'run', 'window', 'seen', 'before', slot)
end
local function number(text, most)
	local n = tonumber(text or '')
	if n and n >= 0 and n <= most and n == math.floor(n) then return n end
end
local epoch, base, new, at = kept[1], number(kept[2], 1e9), number(kept[3], 1e9), number(kept[4], 1e15)
local sound = epoch and base and new and at
local changed = false
if not sound then
	if kind ~= 'none' then redis.call('DEL', KEYS[1]) end
	kept, base, new = {}, 0, 0
end
if not sound or kept[5] ~= run or (epoch == ARGV[7] and tonumber(ARGV[8]) > base + new) then
	epoch, base, new, at, changed = process .. ' ' .. string.format('%.0f', now), base + new, 0, now, true
end
if at > now then -- the clock has been set back
	at, changed = now, true
end
if epoch ~= ARGV[7] and tonumber(ARGV[8]) > base then
	base, changed = tonumber(ARGV[8]), true
end
local length = tonumber(ARGV[12])
local window = math.floor(now / length)
local counted = number(kept[6], 1e12)
local seen, before = number(kept[7], 1e9) or 0, number(kept[8], 1e9) or 0
if counted ~= window then
	before = counted == window - 1 and seen or 0
	seen, changed = 0, true
end
if tonumber(ARGV[9]) ~= window then
	seen, changed = seen + 1, true
end
local answer, mine = 0, ''
local wait = math.max(at + tonumber(ARGV[11]) - now, 0)
if request ~= '0' then
	local last = process .. ' ' .. request .. ' '
	if kept[9] and string.sub(kept[9], 1, #last) == last then
		answer, mine = tonumber(string.sub(kept[9], #last + 1)) or 0, kept[9]
	elseif wait > 0 then
		answer = -1
	else
		new = new + debt
		if want > 0 and base + new < limit then
			new, answer = new + 1, 1
		end
		mine, changed = last .. answer, true
	end
end
if changed then
	redis.call('HSET', KEYS[1], 'epoch', epoch, 'base', string.format('%.0f', base), 'new', string.format('%.0f', new),
		'at', string.format('%.0f', at), 'run', run, 'window', string.format('%.0f', window),
		'seen', string.format('%.0f', seen), 'before', string.format('%.0f', before))
	if mine ~= '' then redis.call('HSET', KEYS[1], slot, mine) end
	redis.call('PEXPIREAT', KEYS[1], ARGV[10])
end
return {answer, base + new, epoch, math.max(seen, before), window, wait}
`)

// request is a process's request to the count.
type request struct {
	number uint64
	want   int // calls: 1, or 0 to settle a debt alone
	debt   int
}

// answer is Redis's answer to a request.
type answer struct {
	granted bool
	settles time.Duration // positive while the count settles
	total   int
}

// knowledge is a process's view of a month's count.
type knowledge struct {
	month     string
	epoch     string
	total     int    // of all processes, at Redis's last answer
	debt      int    // requests sent without Redis, not yet counted
	processes int    // number of processes at Redis's last answer
	window    int64  // window in which this process was counted
	number    uint64 // number of the last request
	open      *request
}

// tally is a process's side of the count.
type tally struct {
	fleet *Fleet
	limit int
	id    string // of this process
	slot  int
	knowledge
}

// serviceZone is the assumed time zone of the quota's months. The documentation does not say.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

func nextMonth(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, serviceZone)
}

// monthKey is the key of a month's count.
func (f *Fleet) monthKey(now time.Time) string {
	return f.key("budget", f.org, now.In(serviceZone).Format("2006-01"))
}

// enter starts a new month if there is one.
func (b *tally) enter(now time.Time) {
	if month := now.Format("2006-01"); month != b.month {
		b.knowledge = knowledge{month: month, number: b.number}
	}
}

// exchange sends the open request (a new one if there is none), and applies the answer. It returns the request it sent.
// report sends no request, only the process's total.
func (b *tally) exchange(ctx context.Context, now time.Time, want int, report bool) (answer, request, error) {
	var r request
	switch {
	case b.open != nil && !report:
		r = *b.open
	case b.open == nil && (want > 0 || b.debt > 0):
		b.number++
		b.open = &request{number: b.number, want: want, debt: b.debt}
		r = *b.open
	}
	args := []any{
		b.limit, r.want, r.debt, b.id, r.number, b.slot, b.epoch, b.total, b.window,
		nextMonth(now).AddDate(0, 1, 0).UnixMilli(), settleTime.Milliseconds(), windowTime.Milliseconds(),
	}
	values, err := ask(ctx, b.fleet, func(ctx context.Context) ([]any, error) {
		return countScript.Run(ctx, b.fleet.redis, []string{b.fleet.monthKey(now)}, args...).Slice()
	})
	if err != nil {
		return answer{}, r, err
	}
	var numbers [6]int64
	for n := range values {
		number, isNumber := values[n].(int64)
		if len(values) != len(numbers) || isNumber == (n == 2) {
			return answer{}, r, errForeign
		}
		numbers[n] = number
	}
	epoch, isText := values[2].(string)
	if !isText {
		return answer{}, r, errForeign
	}
	b.epoch, b.total, b.processes, b.window = epoch, int(numbers[1]), int(numbers[3]), numbers[4]
	a := answer{granted: numbers[0] == 1, total: b.total}
	if numbers[0] < 0 {
		a.settles = max(time.Duration(numbers[5])*time.Millisecond, time.Millisecond)
	} else if r.number > 0 {
		b.open = nil
		b.debt -= r.debt
	}
	return a, r, nil
}

// slotOf returns the slot of a process's last answer.
func slotOf(process string) int {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(process)) // it never fails
	return int(sum.Sum32() % slots)
}

// used reads the count of a month.
func (f *Fleet) used(ctx context.Context, name string) (int, error) {
	return ask(ctx, f, func(ctx context.Context) (int, error) {
		fields, err := f.redis.HMGet(ctx, name, "base", "new").Result()
		if err != nil {
			return 0, err
		}
		used := 0
		for _, field := range fields {
			text, kept := field.(string)
			if !kept && field == nil {
				continue // no count yet
			}
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return 0, &SetupError{Fault: FaultKey, Err: fmt.Errorf("the key %s holds what is no count", name)}
			}
			used += n
		}
		return used, nil
	})
}
