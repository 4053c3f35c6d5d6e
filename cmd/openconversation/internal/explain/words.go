package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Rows formats a number of rows: 1 row, 2 rows.
func Rows[N ~int | ~int64](n N) lang.Text { return lang.N(n, "%d row", "%d rows", n) }

// Chats formats a number of chats.
func Chats[N ~int | ~int64](n N) lang.Text { return lang.N(n, "%d chat", "%d chats", n) }

// Calls formats a number of calls.
func Calls[N ~int | ~int64](n N) lang.Text { return lang.N(n, "%d call", "%d calls", n) }

// Duration formats a duration for people, such as 90 days, 2 hours 5 minutes, 1.5 seconds.
func Duration(d time.Duration) lang.Said {
	switch {
	case d < 0:
		return lang.T("-%s", Duration(-d))
	case d < time.Second:
		return lang.Literal(d.String())
	case d < time.Minute:
		seconds := strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0")
		if seconds == "1" {
			return lang.T("1 second")
		}
		return lang.T("%s seconds", seconds)
	}
	d = d.Round(time.Second)
	var parts []lang.Said
	for _, unit := range []struct {
		size time.Duration
		say  func(n int64) lang.Text
	}{
		{24 * time.Hour, func(n int64) lang.Text { return lang.N(n, "%d day", "%d days", n) }},
		{time.Hour, func(n int64) lang.Text { return lang.N(n, "%d hour", "%d hours", n) }},
		{time.Minute, func(n int64) lang.Text { return lang.N(n, "%d minute", "%d minutes", n) }},
		{time.Second, func(n int64) lang.Text { return lang.N(n, "%d second", "%d seconds", n) }},
	} {
		if n := int64(d / unit.size); n > 0 {
			parts = append(parts, unit.say(n))
			d %= unit.size
		}
		if len(parts) == 2 {
			break
		}
	}
	return lang.Join(" ", parts...)
}

// later tells when to try again: after a duration, or on a day.
func later(wait time.Duration, now time.Time) lang.Text {
	if wait < 24*time.Hour {
		return lang.T("try again after %s", Duration(wait))
	}
	return lang.T("try again on %s", now.Add(wait).Format("2006-01-02 15:04 -0700"))
}
