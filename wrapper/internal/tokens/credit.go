package tokens

import (
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// creditTime is how long a success speaks for the tokens of its time, and how long an operation that made the client
// replace a token may not do so again.
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
	refused string    // the token that it made the client replace
	at      time.Time // when
}

// Good records a success of an operation, after the token before was refused: that was right. None was: "".
func (c *Credit) Good(u *Use, before string) {
	defer guard.Lock(&c.mu)()
	if before == u.refused {
		*u = Use{}
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

// Rejected judges an operation's rejection of a token. ours: it is good for others, and so was the one before, which the operation
// refused, too: its own failure. The cache, if there is one, is told at once that the token is to be replaced, so that no other
// call gets it once more; again is its answer. tell: a foreign source is to be told, while others succeed once a minute at most.
func (c *Credit) Rejected(u *Use, token string, cache *Cache) (ours, tell, again bool) {
	now, pause, others := c.Steady(), FailureMemory, c.Others(u)
	if others {
		pause = creditTime
	}
	defer guard.Lock(&c.mu)()
	recent, other := now.Sub(u.at) < pause, token != u.refused
	if u.refused = token; !recent || other && !others { // no success after the one before proves anything any more
		u.at = now
		again = cache != nil && cache.reject(token, others)
	}
	return others && recent && other, !others || !recent, again
}
