// Package limits counts what an app may do in a second and an organisation in a month.
package limits

import (
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Counter counts calls. Its zero value is ready.
type Counter struct {
	mu      sync.Mutex
	windows map[[2]string][]time.Time // when the calls of the last second passed, by app and operation
	month   string                    // a calendar month in the service's time zone
	used    int
}

// monthOf is a time's month. The documentation does not say where the month begins; here it does in UTC+8.
func monthOf(t time.Time) string { return t.In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01") }

// Admit counts one call, or returns the code of the limit that refuses it. A perSecond of 0 and a negative perMonth are no limits.
func (c *Counter) Admit(perSecond, perMonth int, app, operation string, now time.Time) generated.Code {
	c.mu.Lock()
	defer c.mu.Unlock()
	if perSecond > 0 {
		key := [2]string{app, operation}
		if c.windows == nil {
			c.windows = map[[2]string][]time.Time{}
		}
		passed := c.windows[key]
		// A call of the future passed before the clock was set back.
		for len(passed) > 0 && now.Sub(passed[0]).Abs() >= time.Second {
			passed = passed[1:]
		}
		if c.windows[key] = passed; len(passed) >= perSecond {
			return generated.CodeAppQPSLimit
		}
		c.windows[key] = append(passed, now)
	}
	if current := monthOf(now); current != c.month {
		c.month, c.used = current, 0
	}
	if perMonth >= 0 && c.used >= perMonth {
		return generated.CodeOrgQuotaExhausted
	}
	c.used++
	return ""
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
