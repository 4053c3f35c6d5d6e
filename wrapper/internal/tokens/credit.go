package tokens

import (
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

// creditTime is how long a success speaks for the tokens of its time, and how long an operation that made the client
// drop a token may not do so again.
const creditTime = time.Minute

// Credit tells a bad token from an operation that refuses a good one, as an operation does whose permission or address
// is wrong and which answers 401. The successes of other operations speak for the token. They must outlive it: twenty
// bad calls in parallel reject each new token before a good call has used it.
type Credit struct {
	Clock  clock.Clock
	recent [2]atomic.Pointer[success] // of different operations
}

type success struct {
	of *Use
	at time.Time
}

// Use is how one operation gets on with tokens.
type Use struct{ dropped atomic.Pointer[Drop] }

// Drop is when an operation made the client drop a token.
type Drop struct{ at time.Time }

// Last returns the operation's last drop. A call asks before it gets its token.
func (u *Use) Last() *Drop { return u.dropped.Load() }

// Good records a success of an operation. after is the operation's drop that it proves right; nil: none.
func (c *Credit) Good(u *Use, after *Drop) {
	if after != nil {
		u.dropped.CompareAndSwap(after, nil)
	}
	now := c.Clock.Steady()
	oldest := &c.recent[0]
	for i := range c.recent {
		slot := &c.recent[i]
		s := slot.Load()
		if s != nil && s.of == u {
			if now.Sub(s.at) >= time.Second { // at most one allocation a second
				slot.CompareAndSwap(s, &success{u, now})
			}
			return
		}
		if first := oldest.Load(); s == nil || first != nil && s.at.Before(first.at) {
			oldest = slot
		}
	}
	oldest.Store(&success{u, now})
}

// Others reports whether another operation had a success lately.
func (c *Credit) Others(u *Use) bool {
	for i := range c.recent {
		if s := c.recent[i].Load(); s != nil && s.of != u && c.lately(s.at) {
			return true
		}
	}
	return false
}

func (c *Credit) lately(at time.Time) bool {
	return c.Clock.Steady().Sub(at) < creditTime
}

// Rejected judges the rejection of a token that a call got after the operation's drop last. ours: the operation refuses
// tokens that are good for others, which is its own failure. drop: the token is to be dropped; otherwise, another call
// of the operation has dropped it already.
func (c *Credit) Rejected(u *Use, last *Drop) (ours, drop bool) {
	if last != nil && c.lately(last.at) && c.Others(u) {
		return true, false
	}
	return false, u.dropped.CompareAndSwap(last, &Drop{c.Clock.Steady()})
}
