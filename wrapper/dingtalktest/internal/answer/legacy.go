package answer

import (
	"net/http"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// legacyCodes are the legacy API's numbers of the gateway's refusals, where one was recorded.
var legacyCodes = map[generated.Code]generated.Code{
	generated.CodeMissingToken:          generated.CodeGetChatInvalidToken,
	generated.CodeInvalidAuthentication: generated.CodeGetChatInvalidToken,
	generated.CodeAppQPSLimit:           generated.CodeGetChatThrottled,
}

// Legacy puts an error into the legacy API's envelope, with its status 200. A code without a number there keeps the gateway's
// form: no answer of that kind was ever captured.
func (a Answer) Legacy() Answer {
	if a.Action != Respond || a.Code == "" || a.Body != nil {
		return a
	}
	if row := legacyCodes[a.Code]; row != "" {
		a.Message = generated.OperationGetChat.LookupErrorCode(string(row)).Message
		a.Code = row
	}
	number, err := strconv.Atoi(string(a.Code))
	if err != nil {
		return a
	}
	a.Status, a.Body = http.StatusOK, data.Encode(struct {
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}{number, a.Message})
	return a
}
