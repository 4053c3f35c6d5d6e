package dingtalktest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// legacy says whether an operation is one of the API that came before, which carries the token in its URL.
func (r *route) legacy() bool { return r != nil && r.Operation.TokenQuery != "" }

// token is the access token of a request, from where its operation carries it.
func (c *call) token() string {
	if c.route.legacy() {
		return c.request.URL.Query().Get(c.route.Operation.TokenQuery)
	}
	return firstValue(c.request.Header, tokenHeader)
}

// legacyCodes are the legacy API's numbers of what the gateway refuses, where one is on record.
var legacyCodes = map[generated.Code]generated.Code{
	generated.CodeMissingToken:          generated.CodeGetChatInvalidToken,
	generated.CodeInvalidAuthentication: generated.CodeGetChatInvalidToken,
	generated.CodeAppQPSLimit:           generated.CodeGetChatThrottled,
}

// legacy puts an error into the legacy API's envelope, with its status 200. A code without a number there keeps the gateway's
// form: no answer of that kind was ever captured.
func (a answer) legacy() answer {
	if a.act != respond || a.code == "" || a.body != nil {
		return a
	}
	if row := legacyCodes[a.code]; row != "" {
		a.message = generated.OperationGetChat.LookupErrorCode(string(row)).Message
		a.code = row
	}
	number, err := strconv.Atoi(string(a.code))
	if err != nil {
		return a
	}
	body, err := json.Marshal(struct {
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}{number, a.message})
	if err != nil { // It holds a number and a text.
		panic(err)
	}
	a.status, a.body = http.StatusOK, body
	return a
}
