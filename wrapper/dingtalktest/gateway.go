package dingtalktest

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/limits"
)

// decide returns the next queued fault's answer, or the regular one. If it makes clients drop their token, the token is
// revoked.
func (s *state) decide(x *exchange) answer.Answer {
	x.fault, x.faulty = s.faults.take(x.OperationID(), x.Public())
	if !x.faulty {
		return s.regular(x)
	}
	a := x.fault.answer(&x.Call, func() answer.Answer { return s.regular(x) })
	if x.fault.kind != kindStickyToken && a.RejectsToken(x.Operation()) {
		s.tokens.Reject(x.Token())
	}
	return a
}

// regular answers a request without a fault.
func (s *state) regular(x *exchange) answer.Answer {
	a := s.gateway(x)
	if x.Route.Legacy() {
		a = a.Legacy()
	}
	return a
}

// gateway answers as the gateway does, or leaves it to the operation.
func (s *state) gateway(x *exchange) answer.Answer {
	switch {
	case x.settings.banned:
		return answer.BanPage()
	case x.Route == nil && !call.UnderGateway(x.settings.routes, x.Path):
		return answer.NotRouted()
	case x.Route == nil:
		return answer.Refusal(nil, generated.CodeActionNotFound)
	}
	if !x.Public() {
		if code, refused := s.admit(x); refused {
			a := answer.Refusal(nil, code)
			if code == generated.CodePermissionDenied {
				a.Scopes = x.settings.missingScopes
			}
			return a
		}
	}
	return handler(x)(s, x)
}

// admit makes the checks that the gateway makes for every operation that takes a token. The order is an assumption:
// that of the real gateway is not documented.
func (s *state) admit(x *exchange) (code generated.Code, refused bool) {
	token := x.Token()
	if token == "" {
		return generated.CodeMissingToken, true
	}
	var valid bool
	if x.app, valid = s.tokens.Check(token, x.Now); !valid {
		return generated.CodeInvalidAuthentication, true
	}
	if x.settings.addressRefused {
		return generated.CodeIPNotAllowed, true
	}
	if len(x.settings.missingScopes) > 0 {
		return generated.CodePermissionDenied, true
	}
	switch s.limits.Admit(x.settings.qps, x.settings.monthlyQuota, x.app, x.OperationID(), x.Now) {
	case limits.OverRate:
		return generated.CodeAppQPSLimit, true
	case limits.OverTheMonth:
		return generated.CodeOrgQuotaExhausted, true
	}
	return "", false
}

// handlers implement operations; every other operation gets its contract's example. The stateful ones serve this contract's
// operations alone.
var handlers = map[string]func(*state, *exchange) answer.Answer{
	generated.OperationChatIDToOpenConversationID.ID: (*state).convert,
	generated.OperationGetAccessToken.ID:             (*state).issueToken,
}

var stateful = map[string]func(*state, *exchange) answer.Answer{
	generated.OperationCreateGroup.ID:       (*state).createGroup,
	generated.OperationGetChat.ID:           (*state).describe,
	generated.OperationGetBotListInGroup.ID: (*state).robots,
	generated.OperationOrgGroupSend.ID:      (*state).sendMessage,
	generated.OperationOrgGroupQuery.ID:     (*state).queryMessage,
	generated.OperationOrgGroupRecall.ID:    (*state).recallMessages,
}

// handler returns the handler of a request.
func handler(x *exchange) func(*state, *exchange) answer.Answer {
	id := x.OperationID()
	if handle := handlers[id]; handle != nil {
		return handle
	}
	if handle := stateful[id]; handle != nil && x.Route.Own && x.settings.answers[id] == nil {
		return handle
	}
	return (*state).example
}

// issueToken answers getAccessToken.
func (s *state) issueToken(x *exchange) answer.Answer {
	var credentials generated.GetAccessTokenRequest
	code := x.Decode(&credentials)
	switch {
	case code != "":
	case credentials.AppKey == "":
		code = generated.CodeMissingAppKey
	case credentials.AppSecret == "":
		code = generated.CodeMissingAppSecret
	}
	if code != "" {
		return answer.Refusal(nil, code)
	}
	secret, known := x.settings.apps[credentials.AppKey]
	if !known || subtle.ConstantTimeCompare([]byte(secret), []byte(credentials.AppSecret)) != 1 {
		return answer.Refusal(nil, generated.CodeInvalidClientIDOrSecret)
	}
	return answer.Success(generated.GetAccessTokenResponseBody{
		AccessToken: s.tokens.Issue(credentials.AppKey, x.settings.tokenLifetime, x.settings.stickyToken, x.Now),
		ExpireIn:    x.settings.claimedLifetime(),
	})
}

// example answers an operation with the example of its contract, if the request has what the contract requires.
func (s *state) example(x *exchange) answer.Answer {
	if code := x.Lacks(); code != "" {
		return answer.Refusal(nil, code)
	}
	if x.Route.Operation.Empty {
		return answer.Answer{Status: x.Route.Operation.Status}
	}
	body := json.RawMessage(x.Route.Example)
	if respond := x.settings.answers[x.OperationID()]; respond != nil {
		var err error
		if body, err = json.Marshal(respond(x.Request)); err != nil {
			a := answer.Refusal(nil, generated.CodeUnknownError)
			a.Status, a.Message = http.StatusInternalServerError, "the answer of the test is no JSON: "+err.Error()
			return a
		}
	}
	return answer.JSON(x.Route.Operation.Status, body)
}
