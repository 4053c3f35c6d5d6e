package wire

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A date is relative to the clock of this machine.
func TestRetryAfterDate(t *testing.T) {
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("CST", 8*3600))
	for header, want := range map[string]time.Duration{
		"Fri, 01 Jan 2027 19:04:15 GMT":       10 * time.Second,
		"Friday, 01-Jan-27 19:04:15 GMT":      10 * time.Second,
		"Fri Jan  1 19:04:15 2027":            10 * time.Second,
		"Fri, 01 Jan 2027 19:04:05 GMT":       0,
		"Fri, 01 Jan 2027 19:04:04 GMT":       0,
		"Sat, 02 Jan 2027 03:04:15 +0800":     10 * time.Second,
		"Sat, 02 Jan 2027 03:04:15 CST":       0, // which may be any of three zones
		"Sun, 03 Jan 2027 19:04:05 GMT":       24 * time.Hour,
		"  7 ":                                7 * time.Second,
		"":                                    0,
		"Inf":                                 24 * time.Hour,
		"0x10":                                0,
		"1e400":                               24 * time.Hour,
		"9223372036854775808":                 24 * time.Hour,
		"-9223372036854775809":                0,
		"Fri, 31 Dec 9999 23:59:59 GMT":       24 * time.Hour,
		"Mon, 01 Jan 0001 00:00:00 GMT":       0,
		"7, 8":                                0,
		strings.Repeat("9", 1000):             24 * time.Hour,
		"0." + strings.Repeat("0", 400) + "1": 0,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {header}}, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
