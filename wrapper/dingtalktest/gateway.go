package dingtalktest

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// decide returns the next queued fault's answer, or the regular one. If it makes clients drop their token, the token is
// revoked.
func (s *state) decide(x *exchange) answer.Answer {
	x.fault, x.faulty = s.faults.take(func(f *Fault) bool { return s.meets(x, f) })
	if !x.faulty {
		return s.regular(x)
	}
	a := x.fault.answer(&x.Call, func() answer.Answer { return s.regular(x) })
	if x.fault.Kind != kindStickyToken && a.RejectsToken(x.Operation()) {
		s.tokens.Reject(x.Token())
	}
	return a
}

// meets reports whether a fault is for a request. A request without a token meets a rejection of tokens only by the name of its
// operation.
func (s *state) meets(x *exchange, f *Fault) bool {
	row := generated.LookupErrorCode(string(f.Code))
	rejects := f.Kind == kindStickyToken || f.Kind == kindCode && row != nil && row.Token == generated.TokenDrop
	switch {
	case f.Operation != "" && f.Operation != x.OperationID(), f.Operation == "" && x.Public() && rejects,
		f.Kind == kindBusinessFailure && (x.Route == nil || x.Operation().Success == nil),
		f.Reused && !x.reused,
		f.ChatID != "" && f.ChatID != s.chatOf(x),
		f.AppKey != "" && f.AppKey != s.appOf(x):
		return false
	}
	for name, value := range f.RequestHeaders {
		if !slices.Contains(x.Request.Header.Values(name), value) {
			return false
		}
	}
	return true
}

// chatOf is the chat that a request is about: by its chat id, or by the openConversationId in its body.
func (s *state) chatOf(x *exchange) string {
	if id := x.ChatID(); id != "" {
		return id
	}
	g, _ := s.groups.byConversation(x.setup, x.Field("openConversationId"))
	return g.ChatID
}

// appOf is the app that a request is of: by its token, or by the app key in the body of a token call.
func (s *state) appOf(x *exchange) string {
	app, _ := s.tokens.Check(x.Token(), x.Now)
	return cmp.Or(app, x.Field("appKey"))
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
	case x.BannedAddress:
		return answer.BanPage()
	case x.Route == nil && !call.UnderGateway(x.routes, x.Path):
		return answer.NotRouted()
	case x.Route == nil:
		return answer.Refusal(nil, generated.CodeActionNotFound)
	}
	if x.Public() {
		return handler(x)(s, x)
	}
	if code := s.admit(x); code != "" {
		return answer.Refusal(x.Operation(), code)
	}
	return handler(x)(s, x)
}

// admit makes the checks that the gateway makes for every operation that takes a token, and returns the code of a refusal. The order is an assumption:
// that of the real gateway is not documented.
func (s *state) admit(x *exchange) generated.Code {
	token, needed := x.Token(), x.Operation().Permission
	app, valid := s.tokens.Check(token, x.Now)
	switch {
	case token == "":
		return generated.CodeMissingToken
	case !valid:
		return generated.CodeInvalidAuthentication
	case x.AddressNotAllowed:
		return generated.CodeIPNotAllowed
	case needed != "" && slices.Contains(x.MissingScopes, needed):
		return generated.CodePermissionDenied
	}
	return s.limits.Admit(x.QPS, x.MonthlyQuota, app, x.OperationID(), x.Now)
}

// handlers implement operations of this contract; every other operation gets its contract's example.
var handlers = map[string]func(*state, *exchange) answer.Answer{
	generated.OperationChatIDToOpenConversationID.ID: (*state).convert,
	generated.OperationGetAccessToken.ID:             reading((*state).issueToken),
	generated.OperationCreateGroup.ID:                reading((*state).createGroup),
	generated.OperationGetChat.ID:                    reading((*state).describe),
	generated.OperationGetBotListInGroup.ID:          reading((*state).robots),
	generated.OperationOrgGroupSend.ID:               reading((*state).sendMessage),
	generated.OperationOrgGroupQuery.ID:              reading((*state).queryMessage),
	generated.OperationOrgGroupRecall.ID:             reading((*state).recallMessages),
}

// handler returns the handler of a request. A conversion and a token call are answered from the state, whoever describes them.
func handler(x *exchange) func(*state, *exchange) answer.Answer {
	id := x.OperationID()
	always := id == generated.OperationChatIDToOpenConversationID.ID || id == generated.OperationGetAccessToken.ID
	if handle := handlers[id]; handle != nil && (always || x.Route.Own && x.Answers[id] == nil) {
		return handle
	}
	return reading((*state).example)
}

// issueToken answers getAccessToken.
func (s *state) issueToken(x *exchange, credentials *generated.GetAccessTokenRequest) answer.Answer {
	secret, known := x.apps[credentials.AppKey]
	if !known || subtle.ConstantTimeCompare([]byte(secret), []byte(credentials.AppSecret)) != 1 {
		return answer.Refusal(nil, generated.CodeInvalidClientIDOrSecret)
	}
	return answer.Success(generated.GetAccessTokenResponseBody{
		AccessToken: s.tokens.Issue(credentials.AppKey, time.Duration(x.TokenLifetime), x.StickyToken, x.Now),
		ExpireIn:    x.claimedLifetime(),
	})
}

// example answers an operation with the example of its contract, if the request has what the contract requires.
func (s *state) example(x *exchange, _ *any) answer.Answer {
	if x.Route.Operation.Empty {
		return answer.Answer{Status: x.Route.Operation.Status}
	}
	body := json.RawMessage(x.Route.Example)
	if respond := x.Answers[x.OperationID()]; respond != nil {
		x.Request.Body = io.NopCloser(bytes.NewReader(x.Body))
		var err error
		if body, err = json.Marshal(respond(x.Request)); err != nil {
			a := answer.Refusal(nil, generated.CodeUnknownError)
			a.Status, a.Message = http.StatusInternalServerError, "the answer of the test is no JSON: "+err.Error()
			return a
		}
	}
	return answer.JSON(x.Route.Operation.Status, body)
}

// exchange is one request on its way through the emulator, with the settings that it met.
type exchange struct {
	call.Call
	*setup
	reused bool  // whether its connection carried another request before
	fault  Fault // that was queued for it
	faulty bool  // whether there was one
}

func (x *exchange) refuse(code generated.Code) answer.Answer {
	return answer.Refusal(x.Operation(), code)
}

// fieldCodes are the operations' own codes of what a field lacks; TooLong is that of JSON in a string.
var fieldCodes = map[string]generated.Code{
	"createGroup.name":                generated.CodeCreateGroupInvalidParameter,
	"createGroup.owner":               generated.CodeCreateGroupInvalidParameter,
	"createGroup.useridlist":          generated.CodeCreateGroupInvalidParameter,
	"getChat.chatid":                  generated.CodeGetChatWrongChatID,
	"orgGroupSend.openConversationId": generated.CodeOrgGroupSendMissingConversationID,
	"orgGroupSend.robotCode":          generated.CodeOrgGroupSendMissingRobotCode,
	"orgGroupSend.msgKey":             generated.CodeOrgGroupSendInvalidMessageKey,
	"orgGroupSend.msgParam":           generated.CodeOrgGroupSendInvalidMessageParam,
	"orgGroupSend.msgParam.TooLong":   generated.CodeOrgGroupSendMessageParamTooLong,
}

// reading is an operation that reads the body into a T, and refuses a request that lacks something. A T that is any reads none.
func reading[T any](respond func(*state, *exchange, *T) answer.Answer) func(*state, *exchange) answer.Answer {
	return func(s *state, x *exchange) answer.Answer {
		request, lack := new(T), x.Lacks()
		if _, none := any(request).(*any); lack == nil && !none && json.Unmarshal(x.Body, request) != nil {
			lack = &call.Lack{Code: generated.CodeInvalidBody}
		}
		if lack == nil {
			return respond(s, x, request)
		}
		if code, known := fieldCodes[x.OperationID()+"."+lack.Field]; known && x.Route.Own {
			return answer.Refusal(x.Operation(), code)
		}
		a := answer.Refusal(x.Operation(), lack.Code)
		a.Message += lack.Why
		return a
	}
}
