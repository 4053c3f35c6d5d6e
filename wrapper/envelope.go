package dingtalk

import (
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// envelope decodes every observed error body: the gateway's (encoding/json ignores the case of its names), the legacy
// API's, and a banned address's.
type envelope struct {
	Code    text.Scalar `json:"code"`
	Message text.Scalar `json:"message"`

	RequestID text.Scalar `json:"requestid"`
	Detail    struct {
		RequiredScopes []string `json:"requiredScopes"`
	} `json:"accessdenieddetail"`

	LegacyCode    text.Scalar `json:"errcode"`
	LegacySubCode text.Scalar `json:"sub_code"`
	LegacyMessage text.Scalar `json:"errmsg"`

	Status text.Scalar `json:"status"`
	Punish text.Scalar `json:"punish"`
}

// bannedStatus is the value of "status" in the answer to a banned address.
const bannedStatus = "1111"

// error returns the code and message of either API. For errors of its gateway, the legacy API answers a general code
// and a sub_code. known reports whether the operation's contract lists a code.
func (e *envelope) error(known func(code string) bool) (code, message text.Scalar) {
	if e.Code == "" && e.LegacyCode != "" && e.LegacyCode != "0" {
		if known(string(e.LegacySubCode)) {
			return e.LegacySubCode, e.LegacyMessage
		}
		return e.LegacyCode, e.LegacyMessage
	}
	return e.Code, e.Message
}

func (e *envelope) empty() bool {
	return e.Code == "" && (e.LegacyCode == "" || e.LegacyCode == "0") && e.Message == "" && e.Status == "" && e.Punish == ""
}

// china is the time zone of the service's messages. It has had no summer time since 1991.
var china = time.FixedZone("UTC+8", 8*60*60)

// throttledFor returns how long the throttle in a message such as «…限制将在 2006-01-02 15:04:05 结束» still lasts, or 0.
// Messages are not contractual, so this may lengthen a wait and decides nothing else.
func throttledFor(message string, now time.Time) time.Duration {
	for i := 0; i+len(time.DateTime) <= len(message); i++ {
		if message[i] != '2' { // of the year 2xxx
			continue
		}
		if end, err := time.ParseInLocation(time.DateTime, message[i:i+len(time.DateTime)], china); err == nil {
			return max(end.Sub(now), 0)
		}
	}
	return 0
}
