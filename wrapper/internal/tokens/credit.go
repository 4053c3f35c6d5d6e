package tokens

import (
	"sync"
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
	mu     sync.Mutex
	recent [2]struct { // successes of different operations
		of *Use
		at time.Time
	}
}

// Use is how one operation gets on with tokens. Its Credit guards it.
type Use struct{ dropped *Drop }

// Drop is when an operation made the client drop a token.
type Drop struct{ at time.Time }

// Last returns the operation's last drop. A call asks before it gets its token.
func (c *Credit) Last(u *Use) *Drop {
	c.mu.Lock()
	defer c.mu.Unlock()
	return u.dropped
}

// Good records a success of an operation. after is the operation's drop that it proves right; nil: none.
func (c *Credit) Good(u *Use, after *Drop) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if after != nil && u.dropped == after {
		u.dropped = nil
	}
	slot, other := &c.recent[0], &c.recent[1]
	if slot.of != u && (other.of == u || other.at.Before(slot.at)) {
		slot = other
	}
	slot.of, slot.at = u, c.Clock.Steady()
}

// Others reports whether another operation had a success lately.
func (c *Credit) Others(u *Use) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.others(u)
}

func (c *Credit) others(u *Use) bool {
	for _, s := range c.recent {
		if s.of != nil && s.of != u && c.Clock.Steady().Sub(s.at) < creditTime {
			return true
		}
	}
	return false
}

// Rejected judges the rejection of a token that a call got after the operation's drop last. ours: the operation refuses
// tokens that are good for others, which is its own failure. drop: the token is to be dropped; otherwise, another call
// of the operation has dropped it already.
func (c *Credit) Rejected(u *Use, last *Drop) (ours, drop bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Steady()
	ours = last != nil && now.Sub(last.at) < creditTime && c.others(u)
	if drop = !ours && u.dropped == last; drop {
		u.dropped = &Drop{now}
	}
	return ours, drop
}
