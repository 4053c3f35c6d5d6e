package dingtalk

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

	BusinessCode    text.Scalar `json:"errorcode"` // beside a field such as success: false
	BusinessMessage text.Scalar `json:"errormsg"`
	BusinessText    text.Scalar `json:"errormessage"`

	Status text.Scalar `json:"status"`
	Punish text.Scalar `json:"punish"`
}

// read decodes a body. The fields of a body that is not JSON stay empty.
func (e *envelope) read(body []byte) {
	if !e.plain(string(body)) {
		*e = envelope{}
		_ = json.Unmarshal(body, e) // a field with an unexpected type must not cost the others
	}
}

// plain decodes the usual body, an object of strings without escapes, as encoding/json would, in a fraction of its
// time. It returns false for every other body.
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

// plainText splits s after the JSON string at its start.
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

// field returns the field of this name, ignoring case, or nil.
func (e *envelope) field(name string) *text.Scalar {
	for _, field := range []struct {
		name  string
		value *text.Scalar
	}{
		{"code", &e.Code}, {"message", &e.Message}, {"requestid", &e.RequestID},
		{"errcode", &e.LegacyCode}, {"sub_code", &e.LegacySubCode}, {"errmsg", &e.LegacyMessage},
		{"errorcode", &e.BusinessCode}, {"errormsg", &e.BusinessMessage}, {"errormessage", &e.BusinessText},
		{"status", &e.Status}, {"punish", &e.Punish},
	} {
		if strings.EqualFold(name, field.name) {
			return field.value
		}
	}
	return nil
}

// isBan reports whether the body is the whole answer to a banned address. A name of it alone may be a success's field or
// an echo of the request.
func (e *envelope) isBan() bool { return e.Status == "1111" && e.Punish != "" && e.Code == "" }

// error returns the code and message of either API. For errors of its gateway, the legacy API answers a general code
// and a sub_code. known reports whether the operation's contract lists a code; of the code 88 the sub_code decides even
// if it is not known.
func (e *envelope) error(known func(code string) bool) (code, message text.Scalar) {
	if e.Code == "" && e.refused() {
		if e.LegacySubCode != "" && e.LegacyCode == "88" || known(string(e.LegacySubCode)) {
			return e.LegacySubCode, e.LegacyMessage
		}
		return e.LegacyCode, e.LegacyMessage
	}
	message = cmp.Or(e.Message, e.BusinessMessage, e.BusinessText)
	if e.LegacyCode == "" {
		message = cmp.Or(message, e.LegacyMessage)
	}
	return cmp.Or(e.Code, e.BusinessCode), message
}

// refused reports whether the body is an error of the legacy API.
func (e *envelope) refused() bool { return !isSuccess(e.LegacyCode) }

// isSuccess reports whether a code is none, or that of a success in any spelling of the number.
func isSuccess(code text.Scalar) bool {
	if code == "" || code == "0" {
		return true
	}
	n, err := strconv.ParseFloat(string(code), 64)
	return err == nil && (n == 0 || n == http.StatusOK)
}

func (e *envelope) empty() bool {
	return e.Code == "" && !e.refused() && e.Message == "" && e.Status == "" && e.Punish == "" && e.BusinessCode == "" && e.BusinessMessage == "" && e.BusinessText == ""
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
