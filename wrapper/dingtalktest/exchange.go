package dingtalktest

import (
	"encoding/json"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

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
