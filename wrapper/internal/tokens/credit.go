package tokens

import (
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// creditTime is how long a success speaks for the tokens of its time, and how long an operation that made the client
// drop a token may not do so again.
const creditTime = time.Minute

// Credit tells a bad token from an operation that refuses a good one, as an operation does whose permission or address
// is wrong and which answers 401. The successes of other operations speak for the token. They must outlive it: twenty
// bad calls in parallel reject each new token before a good call has used it.
type Credit struct {
	Steady func() time.Time // as in clock.Clock
	mu     sync.Mutex
	last   success
	other  success // the last one of another operation
}

type success struct {
	of *Use
	at time.Time
}

// Use is how one operation gets on with tokens. Its Credit guards it.
type Use struct {
	dropped time.Time // when it made the client drop a token; zero: never
}

// Last returns when the operation made the client drop a token. A call asks before it gets its token.
func (c *Credit) Last(u *Use) time.Time {
	defer guard.Lock(&c.mu)()
	return u.dropped
}

// Good records a success of an operation. after is the operation's drop that it proves right; zero: none.
func (c *Credit) Good(u *Use, after time.Time) {
	defer guard.Lock(&c.mu)()
	if after.Equal(u.dropped) {
		u.dropped = time.Time{}
	}
	if c.last.of != u {
		c.other = c.last
	}
	c.last = success{u, c.Steady()}
}

// Others reports whether another operation had a success lately.
func (c *Credit) Others(u *Use) bool {
	defer guard.Lock(&c.mu)()
	s := c.last
	if s.of == u {
		s = c.other
	}
	return s.of != nil && c.Steady().Sub(s.at) < creditTime
}

// Rejected judges the rejection of a token that a call got after the operation's drop last. ours: the operation refuses
// tokens that are good for others, which is its own failure. drop: the token is to be dropped; otherwise, another call
// of the operation has dropped it already.
func (c *Credit) Rejected(u *Use, last time.Time) (ours, drop bool) {
	others := c.Others(u)
	defer guard.Lock(&c.mu)()
	now := c.Steady()
	ours = !last.IsZero() && now.Sub(last) < creditTime && others
	if drop = !ours && u.dropped.Equal(last); drop {
		u.dropped = now
	}
	return ours, drop
}
