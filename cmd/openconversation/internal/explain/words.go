package explain

import (
	"fmt"
	"strings"
	"time"
)

// Count is a number with its noun: 1 row, 2 rows. plural is the noun's plural, where it is not the noun with an s.
func Count[N ~int | ~int64](n N, noun string, plural ...string) string {
	many := noun + "s"
	if len(plural) > 0 {
		many = plural[0]
	}
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Duration is a time span for people: such as 90 days, 2 hours 5 minutes, 1.5 seconds.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Second:
		return d.String()
	case d < time.Minute:
		seconds := fmt.Sprintf("%.1f", d.Seconds())
		if seconds = strings.TrimSuffix(seconds, ".0"); seconds == "1" {
			return "1 second"
		}
		return seconds + " seconds"
	}
	d = d.Round(time.Second)
	parts := []string{}
	for _, unit := range []struct {
		size time.Duration
		noun string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int64(d / unit.size); n > 0 {
			parts = append(parts, Count(n, unit.noun))
			d %= unit.size
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}

// later says when it may be tried again: after a while, or on a day.
func later(wait time.Duration, now time.Time) string {
	if wait < 24*time.Hour {
		return fmt.Sprintf("try again after %s", Duration(wait))
	}
	return fmt.Sprintf("try again on %s", now.Add(wait).Format("2006-01-02 15:04 -0700"))
}

// List is names as a sentence has them: a, b or c.
func List(names []string, last string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}
