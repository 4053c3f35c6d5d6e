package wire

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter caps the header's value: no arithmetic on it overflows.
const maxRetryAfter = 24 * time.Hour

// RetryAfter parses the Retry-After header: seconds, or a date with a named or numeric zone. It returns 0 for a
// missing, invalid or past value.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0 // the usual case: two failed parses would cost more than the rest of an error
	}
	if seconds, err := strconv.ParseFloat(value, 64); (err == nil || errors.Is(err, strconv.ErrRange)) && seconds == seconds {
		return time.Duration(min(max(seconds, 0), maxRetryAfter.Seconds()) * float64(time.Second))
	}
	date, err := http.ParseTime(value)
	if err != nil {
		date, err = time.Parse(time.RFC1123Z, value)
	}
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
