package dingtalktest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"slices"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
)

// What getChat returns.
const (
	statusNormal    = 1
	statusDisbanded = 2
	internalGroup   = 2 // a conversationTag
)

// convert answers chatIdToOpenConversationId. It ignores the request's body.
func (s *state) convert(x *exchange) answer.Answer {
	if slices.Contains(x.OwnersNotVisible, x.Params[0]) {
		return answer.Refusal(nil, generated.CodeOwnerNotVisible)
	}
	id, known := s.groups.openConversationID(x.setup, x.Params[0])
	if !known {
		return answer.Refusal(nil, generated.CodeInvalidChatID)
	}
	return answer.Success(generated.ChatIDToOpenConversationIDResponseBody{OpenConversationID: id})
}

// createGroup answers createGroup. Whether the service adds a robot to a group that an app creates is not documented; here
// [RobotCode] is in it.
func (s *state) createGroup(x *exchange, request *generated.CreateGroupRequest) answer.Answer {
	if len(request.UserIDs) == 0 {
		return x.refuse(generated.CodeCreateGroupInvalidParameter)
	}
	var ids [32]byte
	_, _ = rand.Read(ids[:]) // It never fails.
	g := Group{
		ChatID: "chat" + hex.EncodeToString(ids[:16]), OpenConversationID: "cid" + base64.StdEncoding.EncodeToString(ids[16:]),
		Name: request.Name, Owner: request.Owner, Members: request.UserIDs,
	}.complete()
	s.groups.keep(g)
	tag := int32(internalGroup)
	if request.ConversationTag != nil {
		tag = *request.ConversationTag
	}
	return answer.Success(generated.CreateGroupResponseBody{ChatID: g.ChatID, OpenConversationID: g.OpenConversationID, ConversationTag: &tag})
}

// describe answers getChat.
func (s *state) describe(x *exchange, _ *any) answer.Answer {
	g, ok := s.groups.byChat(x.setup, x.Request.URL.Query().Get("chatid"))
	if !ok {
		return x.refuse(generated.CodeGetChatWrongChatID)
	}
	status, tag, none, said := int32(statusNormal), int32(internalGroup), generated.GroupSetting(0), "ok"
	if g.Disbanded {
		status = statusDisbanded
	}
	return answer.Success(generated.GetChatResponseBody{Errmsg: &said, ChatInfo: &generated.ChatInfo{
		ChatID: &g.ChatID, Name: &g.Name, Owner: &g.Owner, UserIDs: g.Members, Status: &status, ConversationTag: &tag,
		ChatBannedType: &none, ManagementType: &none, MentionAllAuthority: &none, Searchable: &none, ShowHistoryType: &none, ValidationType: &none,
	}})
}

// robots answers getBotListInGroup.
func (s *state) robots(x *exchange, request *generated.GetBotListInGroupRequest) answer.Answer {
	g, ok := s.groups.byConversation(x.setup, request.OpenConversationID)
	if !ok {
		return x.refuse(generated.CodeGetBotListInGroupInvalidConversationID)
	}
	list := make([]generated.GroupRobot, len(g.Robots))
	for i := range g.Robots {
		name, kind := "Robot "+g.Robots[i], int32(1)
		list[i] = generated.GroupRobot{RobotCode: &g.Robots[i], Name: &name, OpenRobotType: &kind}
	}
	return answer.Success(generated.GetBotListInGroupResponseBody{ChatbotInstanceVOList: list})
}
