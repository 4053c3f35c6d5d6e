// Package limits counts what an app may do in a second and an organisation in a month.
package limits

import (
	"sync"
	"time"
)

// Verdict is the decision on a call.
type Verdict int

// The verdicts.
const (
	Passes       Verdict = iota
	OverRate             // the app made too many calls of the operation in the last second
	OverTheMonth         // the organisation made too many calls this month
)

// Counter counts calls. Its zero value is ready.
type Counter struct {
	mu      sync.Mutex
	windows map[[2]string]*window // by app and operation
	month   string                // a calendar month in the service's time zone
	used    int
}

// monthOf is a time's month. The documentation does not say where the month begins; here it does in UTC+8.
func monthOf(t time.Time) string { return t.In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01") }

// Admit counts one call, or says which limit refuses it. A perSecond of 0 and a negative perMonth are no limits.
func (c *Counter) Admit(perSecond, perMonth int, app, operation string, now time.Time) Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	if perSecond > 0 {
		key := [2]string{app, operation}
		if c.windows == nil {
			c.windows = map[[2]string]*window{}
		}
		if c.windows[key] == nil {
			c.windows[key] = new(window)
		}
		if !c.windows[key].admit(perSecond, now) {
			return OverRate
		}
	}
	if current := monthOf(now); current != c.month {
		c.month, c.used = current, 0
	}
	if perMonth >= 0 && c.used >= perMonth {
		return OverTheMonth
	}
	c.used++
	return Passes
}

// Used returns how many calls have counted in now's month.
func (c *Counter) Used(now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if monthOf(now) != c.month {
		return 0
	}
	return c.used
}

// ForgetMonth begins the month's count again.
func (c *Counter) ForgetMonth() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = 0
}

// Forget begins every count again.
func (c *Counter) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows, c.used = nil, 0
}

// window holds when the calls of the last second passed, oldest first, from first on.
type window struct {
	passed []time.Time
	first  int
}

// admit lets a call pass if fewer than n passed within the second before now.
func (w *window) admit(n int, now time.Time) bool {
	// A call of the future passed before the clock was set back.
	for w.first < len(w.passed) && now.Sub(w.passed[w.first]).Abs() >= time.Second {
		w.first++
	}
	if len(w.passed)-w.first >= n {
		return false
	}
	// Where at least half is past, what is left moves to the front: each call is moved once at most, on average.
	if w.first > len(w.passed)/2 {
		w.passed, w.first = w.passed[:copy(w.passed, w.passed[w.first:])], 0
	}
	w.passed = append(w.passed, now)
	return true
}
