package dingtalktest

import (
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// limits count what an app may do in a second and an organisation in a month.
type limits struct {
	mu      sync.Mutex
	windows map[windowKey]*window
	month   month
	used    int
}

// windowKey names what a limit per second holds for: an app and an operation.
type windowKey struct{ app, operation string }

// month is a calendar month in the service's time zone.
type month struct {
	year  int
	month time.Month
}

// serviceZone is where the month is taken to begin. The documentation does not say.
var serviceZone = time.FixedZone("UTC+8", 8*60*60)

func monthOf(t time.Time) month {
	year, m, _ := t.In(serviceZone).Date()
	return month{year, m}
}

// admit counts one call, or says which limit refuses it.
func (l *limits) admit(s *settings, app, operation string, now time.Time) (code generated.Code, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.qps > 0 && !l.window(app, operation).admit(s.qps, now) {
		return generated.CodeAppQPSLimit, true
	}
	if current := monthOf(now); current != l.month {
		l.month, l.used = current, 0
	}
	if s.monthlyQuota >= 0 && l.used >= s.monthlyQuota {
		return generated.CodeOrgQuotaExhausted, true
	}
	l.used++
	return "", false
}

func (l *limits) window(app, operation string) *window {
	key := windowKey{app, operation}
	w := l.windows[key]
	if w == nil {
		if l.windows == nil {
			l.windows = map[windowKey]*window{}
		}
		w = new(window)
		l.windows[key] = w
	}
	return w
}

// QuotaUsed returns how many conversions have counted towards the monthly quota this month.
func (e *Emulator) QuotaUsed() int {
	l := &e.limits
	now := e.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if monthOf(now) != l.month {
		return 0
	}
	return l.used
}

// forget begins every count again.
func (l *limits) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.windows, l.used = nil, 0
}

// ResetQuota begins the month's count again.
func (e *Emulator) ResetQuota() {
	e.limits.mu.Lock()
	defer e.limits.mu.Unlock()
	e.limits.used = 0
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
