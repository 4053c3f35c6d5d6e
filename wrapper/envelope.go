package dingtalk

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// envelope is every error body that has been seen: the gateway's (whose fields encoding/json matches in any case), the
// legacy API's, and the one that a banned address gets.
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

// read takes the fields of a body. What is no JSON leaves them empty.
func (e *envelope) read(body []byte) {
	if !e.plain(string(body)) {
		*e = envelope{}
		_ = json.Unmarshal(body, e) // a field of another type than it used to be must not cost the others
	}
}

// plain reads the usual body, an object of texts without escapes, as encoding/json does and in a fraction of its time. It
// reports false for every other body.
func (e *envelope) plain(body string) bool {
	rest, is := strings.CutPrefix(body, "{")
	for is {
		var name, value string
		if name, rest, is = plainText(rest); !is || strings.EqualFold(name, "accessdenieddetail") {
			return false
		}
		if rest, is = strings.CutPrefix(rest, ":"); !is {
			return false
		}
		if value, rest, is = plainText(rest); !is {
			return false
		}
		if field := e.field(name); field != nil {
			*field = text.Scalar(value)
		}
		if rest == "}" {
			return utf8.ValidString(body)
		}
		rest, is = strings.CutPrefix(rest, ",")
	}
	return false
}

// plainText is the text at the beginning of s, and what comes after it.
func plainText(s string) (value, rest string, is bool) {
	if s, is = strings.CutPrefix(s, `"`); !is {
		return "", s, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			return s[:i], s[i+1:], true
		case c == '\\' || c < ' ':
			return "", s, false
		}
	}
	return "", s, false
}

// field is the text field of this name, in any case; nil if there is none.
func (e *envelope) field(name string) *text.Scalar {
	for _, field := range []struct {
		name  string
		value *text.Scalar
	}{
		{"code", &e.Code}, {"message", &e.Message}, {"requestid", &e.RequestID},
		{"errcode", &e.LegacyCode}, {"sub_code", &e.LegacySubCode}, {"errmsg", &e.LegacyMessage},
		{"status", &e.Status}, {"punish", &e.Punish},
	} {
		if strings.EqualFold(name, field.name) {
			return field.value
		}
	}
	return nil
}

// bannedStatus is the field "status" of the body that a banned address gets.
const bannedStatus = "1111"

// error is the code and message of either API. The legacy API answers one code for errors of its gateway, and a second one
// that says which; known reports whether a code is one of those that the caller's operation may answer.
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

// china is the zone of the times in the service's messages. It has had no summer time since 1991.
var china = time.FixedZone("UTC+8", 8*60*60)

// throttledFor finds the end of a throttle in a message such as «…限制将在 2006-01-02 15:04:05 结束», and returns how long that
// is from now. It is 0 without one. The message is not contractual: it may lengthen a wait, and decides nothing else.
func throttledFor(message string, now time.Time) time.Duration {
	for i := 0; i+len(time.DateTime) <= len(message); i++ {
		if message[i] != '2' { // of the year
			continue
		}
		if end, err := time.ParseInLocation(time.DateTime, message[i:i+len(time.DateTime)], china); err == nil {
			return max(end.Sub(now), 0)
		}
	}
	return 0
}
