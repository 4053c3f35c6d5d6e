package dingtalktest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// decide returns the next queued fault's answer, or the regular one. If it makes clients drop their token, the token is revoked.
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

// What getChat returns.
const (
	statusNormal    = 1
	statusDisbanded = 2
	internalGroup   = 2 // a conversationTag
)

// convert answers chatIdToOpenConversationId. It ignores the request's body.
func (e *Emulator) convert(x *exchange) answer.Answer {
	if slices.Contains(x.OwnersNotVisible, x.Params[0]) {
		return x.refuse(generated.CodeOwnerNotVisible)
	}
	g, known := e.groups.byChat(x.setup, x.Params[0])
	if !known {
		return x.refuse(generated.CodeInvalidChatID)
	}
	return answer.Success(generated.ChatIDToOpenConversationIDResponseBody{OpenConversationID: g.OpenConversationID})
}

// createGroup answers createGroup. Whether the service adds a robot to a group that an app creates is not documented; here
// [RobotCode] is in it.
func (e *Emulator) createGroup(x *exchange, request *generated.CreateGroupRequest) answer.Answer {
	if len(request.UserIDs) == 0 {
		return x.refuse(generated.CodeCreateGroupInvalidParameter)
	}
	var ids [32]byte
	_, _ = rand.Read(ids[:]) // It never fails.
	g := Group{
		ChatID: "chat" + hex.EncodeToString(ids[:16]), OpenConversationID: "cid" + base64.StdEncoding.EncodeToString(ids[16:]),
		Name: request.Name, Owner: request.Owner, Members: request.UserIDs,
	}.complete()
	e.groups.keep(g)
	tag := int32(internalGroup)
	if request.ConversationTag != nil {
		tag = *request.ConversationTag
	}
	return answer.Success(generated.CreateGroupResponseBody{ChatID: g.ChatID, OpenConversationID: g.OpenConversationID, ConversationTag: &tag})
}

// describe answers getChat.
func (e *Emulator) describe(x *exchange, _ *any) answer.Answer {
	g, ok := e.groups.byChat(x.setup, x.Request.URL.Query().Get("chatid"))
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
func (e *Emulator) robots(x *exchange, request *generated.GetBotListInGroupRequest) answer.Answer {
	g, ok := e.groups.byConversation(x.setup, request.OpenConversationID)
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

// maxReaders is how many readers a page holds.
const maxReaders = 200

// message is the body of orgGroupSend, whose msgParam is not decoded. Which group a coolAppCode is of is not checked.
type message struct{ MsgKey, MsgParam, OpenConversationID, RobotCode, CoolAppCode string }

// sendMessage answers orgGroupSend. It does not know the templates: any msgKey is one.
func (e *Emulator) sendMessage(x *exchange, request *message) answer.Answer {
	g, ok := e.groups.byConversation(x.setup, request.OpenConversationID)
	switch {
	case !ok:
		return x.refuse(generated.CodeOrgGroupSendInvalidConversationID)
	case g.Disbanded:
		return x.refuse(generated.CodeOrgGroupSendGroupDisbanded)
	case !slices.Contains(g.Robots, request.RobotCode):
		return x.refuse(generated.CodeOrgGroupSendNoSuchRobot)
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // It never fails.
	m := &Message{
		Time: x.Now, ProcessQueryKey: base64.StdEncoding.EncodeToString(key[:]), ChatID: g.ChatID, OpenConversationID: g.OpenConversationID,
		RobotCode: request.RobotCode, MsgKey: request.MsgKey, MsgParam: request.MsgParam,
	}
	e.messages.add(m)
	return answer.Success(generated.OrgGroupSendResponseBody{ProcessQueryKey: m.ProcessQueryKey})
}

// queryMessage answers orgGroupQuery. The codes of its refusals are synthetic, as those of every operation that lists none.
func (e *Emulator) queryMessage(x *exchange, request *generated.OrgGroupQueryRequest) answer.Answer {
	size, from := maxReaders, 0
	if request.MaxResults != nil {
		size = int(*request.MaxResults)
	}
	if request.NextToken != nil && *request.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(*request.NextToken); err != nil || from < 0 {
			return x.refuse("InvalidnextToken")
		}
	}
	if size < 1 || size > maxReaders {
		return x.refuse("InvalidmaxResults")
	}
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	m := e.messages.find(request.ProcessQueryKey)
	if m == nil || differs(request.OpenConversationID, m.OpenConversationID) || differs(request.RobotCode, m.RobotCode) {
		return x.refuse("InvalidprocessQueryKey")
	}
	from = min(from, len(m.ReadBy))
	to := min(from+size, len(m.ReadBy))
	body := generated.OrgGroupQueryResponseBody{SendStatus: "SUCCESS", ReadUserIDs: append([]string{}, m.ReadBy[from:to]...)}
	if m.Recalled {
		body.SendStatus = "RECALLED"
	}
	more := to < len(m.ReadBy)
	if body.HasMore = &more; more {
		next := strconv.Itoa(to)
		body.NextToken = &next
	}
	return answer.Success(body)
}

// differs reports whether a request names something, and names another.
func differs(named *string, is string) bool { return named != nil && *named != "" && *named != is }

// recallMessages answers orgGroupRecall. The reasons in failedResult are synthetic.
func (e *Emulator) recallMessages(x *exchange, request *generated.OrgGroupRecallRequest) answer.Answer {
	if len(request.ProcessQueryKeys) == 0 || slices.Contains(request.ProcessQueryKeys, "") {
		return x.refuse("InvalidprocessQueryKeys")
	}
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	body := generated.OrgGroupRecallResponseBody{SuccessResult: []string{}, FailedResult: map[string]string{}}
	for _, key := range request.ProcessQueryKeys {
		switch m := e.messages.find(key); {
		case m == nil || m.OpenConversationID != request.OpenConversationID || m.RobotCode != request.RobotCode:
			body.FailedResult[key] = "there is no such message of this robot in this group"
		case m.Recalled:
			body.FailedResult[key] = "the message was recalled before"
		default:
			m.Recalled = true
			body.SuccessResult = append(body.SuccessResult, key)
		}
	}
	return answer.Success(body)
}
