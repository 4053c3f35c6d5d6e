package dingtalk

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// envelope is an error's body of every observed form: the gateway's, the legacy API's, and a banned address's.
type envelope struct {
	code, message, requestID string
	scopes                   []string

	legacyCode, subCode, legacyMessage string
	otherCode, otherMessage            string // beside a field such as success: false
	status, punish                     string
}

// read reads an answer, whatever the case of its fields' names.
func read(answer object) (e envelope) {
	for name, raw := range answer.fields {
		switch strings.ToLower(name) {
		case "code":
			e.code = scalar(raw)
		case "message":
			e.message = scalar(raw)
		case "requestid":
			e.requestID = scalar(raw)
		case "accessdenieddetail":
			var scopes []string
			_ = json.Unmarshal([]byte(object(raw).field("requiredScopes")), &scopes) // of another type, it says nothing
			e.scopes = scopes
		case "errcode":
			e.legacyCode = scalar(raw)
		case "sub_code":
			e.subCode = scalar(raw)
		case "errmsg":
			e.legacyMessage = scalar(raw)
		case "errorcode":
			e.otherCode = scalar(raw)
		case "errormsg", "errormessage":
			e.otherMessage = cmp.Or(e.otherMessage, scalar(raw))
		case "status":
			e.status = scalar(raw)
		case "punish":
			e.punish = scalar(raw)
		}
	}
	return e
}

// isBan reports whether the body is the whole answer to a banned address. A name of it alone may be a success's field or
// an echo of the request.
func (e *envelope) isBan() bool { return e.status == "1111" && e.punish != "" && e.code == "" }

// error returns the code and message of either API. For errors of its gateway, the legacy API answers a general code
// and a sub_code. known reports whether the operation's contract lists a code; of the code 88 the sub_code decides even
// if it is not known.
func (e *envelope) error(known func(code string) bool) (code, message string) {
	if e.code == "" && e.refused() {
		if e.subCode != "" && e.legacyCode == "88" || known(e.subCode) {
			return e.subCode, e.legacyMessage
		}
		return e.legacyCode, e.legacyMessage
	}
	message = cmp.Or(e.message, e.otherMessage)
	if e.legacyCode == "" {
		message = cmp.Or(message, e.legacyMessage)
	}
	return cmp.Or(e.code, e.otherCode), message
}

// refused reports whether the body is an error of the legacy API.
func (e *envelope) refused() bool { return !isSuccess(e.legacyCode) }

// isSuccess reports whether a code is none, or that of a success in any spelling of the number.
func isSuccess(code string) bool {
	if code == "" || code == "0" {
		return true
	}
	n, err := strconv.ParseFloat(code, 64)
	return err == nil && (n == 0 || n == http.StatusOK)
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
