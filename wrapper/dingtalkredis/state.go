package dingtalkredis

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Fleet shares state between the processes of one app. Make one with [New].
type Fleet struct {
	redis   redis.UniversalClient
	seal    *seal  // of access tokens; the only trace of the app secret
	app     string // digest of the app: whose limit it is
	org     string // digest of host and organisation: whose budget and conversions they are
	host    string // of the service; empty for International
	pods    int
	timeout time.Duration
	log     *slog.Logger
	moves   bool   // the client finds a key's node, or the primary, itself
	process string // this process, as the script knows it

	mu     sync.Mutex
	flying int       // exchanges without an answer yet
	beats  bool      // see live
	heard  time.Time // the end of the last exchange
	clock  clock
	health
	schedule
	tally
}

func (f *Fleet) locked(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

const (
	horizon    = time.Second            // how far ahead a turn may be reserved; what a killed process reserved is lost
	windowTime = 10 * time.Second       // for which a process is known to be there; it counts until three windows later
	staleTime  = 100 * time.Millisecond // how long a turn is worth something: calls that use old turns come in a burst
)

// health tells whether Redis is there. Only beats ask a Redis that is away. Each outage is logged once.
type health struct {
	worked bool // Redis has answered
	away   bool
	since  time.Time // when Redis went away
	cause  error     // of the last failure
	fault  Fault
	last   time.Time // the last failure
	noted  bool      // the outage is in the log
	nagged time.Time
	warned time.Time // of the clocks
}

// clock relates Redis's clock to this process's steady one.
type clock struct {
	redis time.Time
	here  time.Time
	trip  time.Duration // of the measurement
}

// now returns Redis's time, or this machine's if Redis has never told.
func (c clock) now() time.Time {
	if c.here.IsZero() {
		return time.Now()
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

// schedule is what a process knows of the fleet's turns.
type schedule struct {
	rate   float64       // 0 without a limiter
	turns  []time.Time   // reserved, not yet taken
	queue  int           // callers that wait
	pause  time.Duration // that this process wants if the schedule is lost: see exchangeScript
	place  int           // of this process, without Redis
	places int           // 0: Redis has never told
	latest time.Time     // the latest own turn
}

// ahead drops turns that are too old, and returns how many are left. f.mu is held.
func (f *Fleet) ahead() int {
	for len(f.turns) > 0 && time.Since(f.turns[0]) >= staleTime {
		f.turns = f.turns[1:]
	}
	return len(f.turns)
}

// answer is what exchangeScript returns.
type answer struct {
	found          string
	now            int64
	place, places  int
	turns          int
	first, step    time.Duration
	again, settles time.Duration // until there may be a turn; until the count has settled
	granted, total int
	epoch          string
}

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

const prefix = "openconversation:"

// key makes a Redis key of the organisation. The part in braces selects the slot in a cluster: one script may use all keys of
// an organisation.
func (f *Fleet) key(parts ...string) string {
	return prefix + schema + ":{" + f.org + "}:" + strings.Join(parts, ":")
}

// tokenKey makes a key of the token that a client keeps under a name. An app has one token, in whatever organisation.
func (f *Fleet) tokenKey(name string, parts ...string) string {
	return strings.Join(append([]string{prefix + schema, "token", "{" + digest(name) + "}"}, parts...), ":")
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func (f *Fleet) limiterKey() string {
	return f.key("rate", f.app, generated.OperationChatIDToOpenConversationID.ID)
}
