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
func (e *Emulator) decide(x *exchange) answer.Answer {
	x.fault, x.faulty = e.faults.take(func(f *Fault) bool { return e.meets(x, f) })
	if !x.faulty {
		return e.regular(x)
	}
	a := x.fault.answer(&x.Call, func() answer.Answer { return e.regular(x) })
	if x.fault.Kind != kindStickyToken && a.RejectsToken(x.Route.Operation) {
		e.tokens.Reject(x.Token())
	}
	return a
}

// meets reports whether a fault is for a request. A request without a token meets a rejection of tokens only by the name of its
// operation.
func (e *Emulator) meets(x *exchange, f *Fault) bool {
	row := generated.LookupErrorCode(string(f.Code))
	rejects := f.Kind == kindStickyToken || f.Kind == kindCode && row != nil && row.Token == generated.TokenDrop
	switch {
	case f.Operation != "" && f.Operation != x.Route.Operation.ID, f.Operation == "" && x.Route.Operation.Public && rejects,
		f.Kind == kindBusinessFailure && x.Route.Operation.Success == nil,
		f.Reused && !x.reused,
		f.ChatID != "" && f.ChatID != e.chatOf(x),
		f.AppKey != "" && f.AppKey != e.appOf(x):
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
func (e *Emulator) chatOf(x *exchange) string {
	if id := x.ChatID(); id != "" {
		return id
	}
	g, _ := e.groups.byConversation(x.setup, x.Field("openConversationId"))
	return g.ChatID
}

// appOf is the app that a request is of: by its token, or by the app key in the body of a token call.
func (e *Emulator) appOf(x *exchange) string {
	app, _ := e.tokens.Check(x.Token(), x.Now)
	return cmp.Or(app, x.Field("appKey"))
}

// regular answers a request without a fault.
func (e *Emulator) regular(x *exchange) answer.Answer {
	a := e.gateway(x)
	if x.Route.Legacy() {
		a = a.Legacy()
	}
	return a
}

// gateway answers as the gateway does, or leaves it to the operation.
func (e *Emulator) gateway(x *exchange) answer.Answer {
	switch {
	case x.BannedAddress:
		return answer.BanPage()
	case x.Route.Operation.ID == "" && !call.UnderGateway(x.routes, x.Path):
		return answer.NotRouted()
	case x.Route.Operation.ID == "":
		return x.refuse(generated.CodeActionNotFound)
	}
	if code := e.admit(x); code != "" {
		return x.refuse(code)
	}
	return handler(x)(e, x)
}

// admit makes the checks of the gateway for every operation that takes a token, and returns the code of a refusal. Their order is
// not documented.
func (e *Emulator) admit(x *exchange) generated.Code {
	token, operation := x.Token(), x.Route.Operation
	app, valid := e.tokens.Check(token, x.Now)
	switch {
	case operation.Public:
		return ""
	case token == "":
		return generated.CodeMissingToken
	case !valid:
		return generated.CodeInvalidAuthentication
	case x.AddressNotAllowed:
		return generated.CodeIPNotAllowed
	case operation.Permission != "" && slices.Contains(x.MissingScopes, operation.Permission):
		return generated.CodePermissionDenied
	}
	return e.limits.Admit(x.QPS, x.MonthlyQuota, app, operation.ID, x.Now)
}

// handlers implement operations of this contract; every other operation gets its contract's example.
var handlers = map[string]func(*Emulator, *exchange) answer.Answer{
	generated.OperationChatIDToOpenConversationID.ID: (*Emulator).convert,
	generated.OperationGetAccessToken.ID:             reading((*Emulator).issueToken),
	generated.OperationCreateGroup.ID:                reading((*Emulator).createGroup),
	generated.OperationGetChat.ID:                    reading((*Emulator).describe),
	generated.OperationGetBotListInGroup.ID:          reading((*Emulator).robots),
	generated.OperationOrgGroupSend.ID:               reading((*Emulator).sendMessage),
	generated.OperationOrgGroupQuery.ID:              reading((*Emulator).queryMessage),
	generated.OperationOrgGroupRecall.ID:             reading((*Emulator).recallMessages),
}

// handler returns the handler of a request. A conversion and a token call are answered from the state, whoever describes them.
func handler(x *exchange) func(*Emulator, *exchange) answer.Answer {
	id := x.Route.Operation.ID
	always := id == generated.OperationChatIDToOpenConversationID.ID || id == generated.OperationGetAccessToken.ID
	if handle := handlers[id]; handle != nil && (always || x.Route.Own && x.Answers[id] == nil) {
		return handle
	}
	return reading((*Emulator).example)
}

// issueToken answers getAccessToken.
func (e *Emulator) issueToken(x *exchange, credentials *generated.GetAccessTokenRequest) answer.Answer {
	secret, known := x.apps[credentials.AppKey]
	if !known || subtle.ConstantTimeCompare([]byte(secret), []byte(credentials.AppSecret)) != 1 {
		return x.refuse(generated.CodeInvalidClientIDOrSecret)
	}
	return answer.Success(generated.GetAccessTokenResponseBody{
		AccessToken: e.tokens.Issue(credentials.AppKey, time.Duration(x.TokenLifetime), x.StickyToken, x.Now),
		ExpireIn:    x.claimedLifetime(),
	})
}

// example answers an operation with the example of its contract, if the request has what the contract requires.
func (e *Emulator) example(x *exchange, _ *any) answer.Answer {
	if x.Route.Operation.Empty {
		return answer.Answer{Status: x.Route.Operation.Status}
	}
	body := json.RawMessage(x.Route.Example)
	if respond := x.Answers[x.Route.Operation.ID]; respond != nil {
		x.Request.Body = io.NopCloser(bytes.NewReader(x.Body))
		var err error
		if body, err = json.Marshal(respond(x.Request)); err != nil {
			a := x.refuse(generated.CodeUnknownError)
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
	return answer.Refusal(x.Route.Operation, code)
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
func reading[T any](respond func(*Emulator, *exchange, *T) answer.Answer) func(*Emulator, *exchange) answer.Answer {
	return func(e *Emulator, x *exchange) answer.Answer {
		request, lack := new(T), x.Lacks()
		if _, none := any(request).(*any); lack == nil && !none && json.Unmarshal(x.Body, request) != nil {
			lack = &call.Lack{Code: generated.CodeInvalidBody}
		}
		if lack == nil {
			return respond(e, x, request)
		}
		if code, known := fieldCodes[x.Route.Operation.ID+"."+lack.Field]; known && x.Route.Own {
			return x.refuse(code)
		}
		a := x.refuse(lack.Code)
		a.Message += lack.Why
		return a
	}
}
