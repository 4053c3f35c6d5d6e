package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 50 * time.Millisecond: "50ms", time.Second: "1 second", 1500 * time.Millisecond: "1.5 seconds", time.Minute: "1 minute", 5 * time.Minute: "5 minutes",
		2*time.Hour + 5*time.Minute: "2 hours 5 minutes", 25 * time.Hour: "1 day 1 hour", -time.Minute: "-1 minute", time.Hour + 59*time.Minute + 29*time.Second: "1 hour 59 minutes",
	} {
		if got := Duration(d).Say(lang.English); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	// A wait of days is said as a date, in this machine's time.
	now := time.Date(2026, 11, 25, 20, 0, 0, 0, time.FixedZone("", 8*3600))
	for wait, want := range map[time.Duration]string{5 * time.Minute: "(try again after 5 minutes)", 120*time.Hour + 2*time.Minute: "(try again on 2026-11-30 20:02 +0800)"} {
		if got := (Description{&dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted, RetryAfter: wait}, now}).String(); !strings.HasSuffix(got, want) {
			t.Errorf("%s", got)
		}
	}
}
