package emulatortest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// ask sends a body to an operation, and returns the model of a success, or the error's code.
func ask[T any](a *api, op generated.Operation, body string) (model T, code generated.Code) {
	a.t.Helper()
	r := a.request(op.Method, op.Path, a.IssueToken(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	got := a.do(r)
	if got.status != http.StatusOK {
		return model, generated.Code(got.apiError(a.t).Code)
	}
	return decoded[T](a.t, got), ""
}

// code is what ask returns of an error.
func (a *api) code(op generated.Operation, body string) generated.Code {
	_, code := ask[any](a, op, body)
	return code
}

const newGroup = `{"name":"n","owner":"u","useridlist":["u"]}`

// describe asks the legacy API for a group.
func (a *api) describe(token, chatID string) generated.GetChatResponseBody {
	a.t.Helper()
	query := url.Values{"access_token": {token}, "chatid": {chatID}}
	got := a.do(a.request(http.MethodGet, generated.OperationGetChat.Path+"?"+query.Encode(), "", nil))
	return decoded[generated.GetChatResponseBody](a.t, got)
}

// sendBody is a message to the known group.
var sendBody = message(knownGroup, robot, "{}")

func (a *api) message() *http.Request {
	return a.request("POST", sendOp.Path, a.IssueToken(), strings.NewReader(sendBody))
}

func message(group, robot, text string) string {
	return fmt.Sprintf(`{"msgKey":"sampleText","msgParam":%q,"openConversationId":%q,"robotCode":%q}`, text, group, robot)
}

// TestGroupFromItsCreation: a group that was created can be converted, described, sent to, queried and recalled.
func TestGroupFromItsCreation(t *testing.T) {
	t.Parallel()
	a := start(t)
	created, code := ask[generated.CreateGroupResponseBody](a, generated.OperationCreateGroup, `{"name":"Project","owner":"boss","useridlist":["boss","clerk"]}`)
	if code != "" {
		t.Fatal(code)
	}
	a.convert(a.IssueToken(), created.ChatID).wantID(t, created.OpenConversationID)
	chat := a.describe(a.IssueToken(), created.ChatID)
	if info := chat.ChatInfo; chat.Errcode != 0 || *info.Name != "Project" || *info.Owner != "boss" || *info.Status != 1 || !slices.Equal(info.UserIDs, []string{"boss", "clerk"}) {
		t.Errorf("described as %+v", info)
	}
	robots, code := ask[generated.GetBotListInGroupResponseBody](a, generated.OperationGetBotListInGroup, `{"openConversationId":"`+created.OpenConversationID+`"}`)
	if code != "" || *robots.ChatbotInstanceVOList[0].RobotCode != robot {
		t.Errorf("robots %+v, code %s", robots, code)
	}
	sent, code := ask[generated.OrgGroupSendResponseBody](a, sendOp, message(created.OpenConversationID, robot, `{"content":"hello"}`))
	if code != "" {
		t.Fatal(code)
	}
	list := a.Messages()
	if len(list) != 1 || list[0].ChatID != created.ChatID || list[0].MsgParam != `{"content":"hello"}` || list[0].MsgKey != "sampleText" || list[0].ProcessQueryKey != sent.ProcessQueryKey || list[0].Recalled {
		t.Errorf("messages %+v", list)
	}
	a.MarkRead(sent.ProcessQueryKey, "u1", "u2", "u3")
	var read []string
	for token := ""; ; {
		page, code := ask[generated.OrgGroupQueryResponseBody](a, queryOp, fmt.Sprintf(`{"processQueryKey":%q,"maxResults":2,"nextToken":%q}`, sent.ProcessQueryKey, token))
		if code != "" || page.SendStatus != "SUCCESS" {
			t.Fatalf("%+v %s", page, code)
		}
		read = append(read, page.ReadUserIDs...)
		if !*page.HasMore {
			break
		}
		token = *page.NextToken
	}
	if !slices.Equal(read, []string{"u1", "u2", "u3"}) {
		t.Errorf("read by %q", read)
	}
	recall := fmt.Sprintf(`{"openConversationId":%q,"robotCode":%q,"processQueryKeys":[%q,"other"]}`, created.OpenConversationID, robot, sent.ProcessQueryKey)
	for _, want := range []int{1, 0} { // the second recall finds it recalled
		recalled, code := ask[generated.OrgGroupRecallResponseBody](a, recallOp, recall)
		if code != "" || len(recalled.SuccessResult) != want || len(recalled.FailedResult) != 2-want {
			t.Errorf("recalled %+v, code %s", recalled, code)
		}
	}
	state, _ := ask[generated.OrgGroupQueryResponseBody](a, queryOp, `{"processQueryKey":"`+sent.ProcessQueryKey+`"}`)
	if state.SendStatus != "RECALLED" || !a.Messages()[0].Recalled {
		t.Errorf("after the recall: %+v", state)
	}
}

// TestSendIsRefused: robots that may not send, conversations without a group, and malformed messages.
func TestSendIsRefused(t *testing.T) {
	t.Parallel()
	gone := dingtalktest.Group{ChatID: "chatgone", Disbanded: true}
	other := dingtalktest.Group{ChatID: "chatother", Robots: []string{"otherrobot"}}
	empty := dingtalktest.Group{ChatID: "chatempty", Robots: []string{}}
	a := start(t, dingtalktest.WithGroup(gone), dingtalktest.WithGroup(other), dingtalktest.WithGroup(empty))
	long := `{"content":"` + strings.Repeat("x", 15_000) + `"}`
	id := dingtalktest.OpenConversationIDOf
	for _, tt := range []struct {
		body string
		want generated.Code
	}{
		{message(id("chatother"), "otherrobot", "{}"), ""},
		{message(id("chatother"), robot, "{}"), generated.CodeOrgGroupSendNoSuchRobot},
		{message(id("chatempty"), robot, "{}"), generated.CodeOrgGroupSendNoSuchRobot},
		{message(id("chatgone"), robot, "{}"), generated.CodeOrgGroupSendGroupDisbanded},
		{message("cidunknown", robot, "{}"), generated.CodeOrgGroupSendInvalidConversationID},
		{message("", robot, "{}"), generated.CodeOrgGroupSendMissingConversationID},
		{message(knownGroup, "", "{}"), generated.CodeOrgGroupSendMissingRobotCode},
		{message(knownGroup, robot, "hello"), generated.CodeOrgGroupSendInvalidMessageParam},
		{message(knownGroup, robot, long), generated.CodeOrgGroupSendMessageParamTooLong},
		{strings.Replace(message(knownGroup, robot, "{}"), "sampleText", "", 1), generated.CodeOrgGroupSendInvalidMessageKey},
		{strings.Replace(message(knownGroup, robot, "{}"), `"{}"`, "{}", 1), generated.CodeInvalidBody},
		{"", generated.CodeMissingBody},
	} {
		if got := a.code(sendOp, tt.body); got != tt.want {
			t.Errorf("%.200s: %q, want %q", tt.body, got, tt.want)
		}
	}
	if n := len(a.Messages()); n != 1 {
		t.Errorf("%d messages were sent", n)
	}
	if chat := a.describe(a.IssueToken(), "chatgone"); *chat.ChatInfo.Status != 2 {
		t.Errorf("a disbanded group: %+v", chat.ChatInfo)
	}
	// A robot is added, a group disbanded, while the emulator runs.
	g, ok := a.Group("chatempty")
	if !ok || len(g.Robots) != 0 {
		t.Fatalf("%+v, %v", g, ok)
	}
	g.Robots = []string{robot}
	for _, want := range []generated.Code{"", generated.CodeOrgGroupSendGroupDisbanded} {
		a.SetGroup(g)
		if got := a.code(sendOp, message(id("chatempty"), robot, "{}")); got != want {
			t.Errorf("%+v: %q", g, got)
		}
		g.Disbanded = true
	}
}

func TestOtherRefusals(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, tt := range []struct {
		op   generated.Operation
		body string
		want generated.Code
	}{
		{generated.OperationCreateGroup, `{"name":"","owner":"a","useridlist":["a"]}`, generated.CodeCreateGroupInvalidParameter},
		{generated.OperationCreateGroup, `{"name":"123456789012345678901","owner":"a","useridlist":["a"]}`, generated.CodeCreateGroupInvalidParameter},
		{generated.OperationCreateGroup, `{"name":"群群群群群群群群群群群群群群群群群群群群","owner":"a","useridlist":["a"]}`, ""},
		{generated.OperationCreateGroup, `{"name":"a","owner":"a"}`, generated.CodeCreateGroupInvalidParameter},
		{generated.OperationGetBotListInGroup, `{"openConversationId":"cidunknown"}`, generated.CodeGetBotListInGroupInvalidConversationID},
		{queryOp, `{"processQueryKey":"none"}`, "InvalidprocessQueryKey"},
		{queryOp, `{"processQueryKey":"none","maxResults":201}`, "InvalidmaxResults"},
		{queryOp, `{"processQueryKey":"none","nextToken":"x"}`, "InvalidnextToken"},
		{recallOp, `{"openConversationId":"a","robotCode":"b","processQueryKeys":[]}`, "InvalidprocessQueryKeys"},
	} {
		if got := a.code(tt.op, tt.body); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.op.ID, tt.body, got, tt.want)
		}
	}
}

// TestLegacyAnswers: the legacy API's errors have status 200 and numbers, and its token stands in the query alone.
func TestLegacyAnswers(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, tt := range []struct {
		token, chat string
		fault       *dingtalktest.Fault
		want        int32
	}{
		{a.IssueToken(), knownChat, nil, 0},
		{a.IssueToken(), "unknown", nil, 40016},
		{a.IssueToken(), "", nil, 40016},
		{"wrong", knownChat, nil, 40014},
		{"", knownChat, nil, 40014},
		{a.IssueToken(), knownChat, ptr(dingtalktest.Code(generated.CodeAppQPSLimit)), 90002},
		{a.IssueToken(), knownChat, ptr(dingtalktest.Code(generated.CodeGetChatCode49000)), 49000},
	} {
		if tt.fault != nil {
			a.FailNext(*tt.fault)
		}
		if got := a.describe(tt.token, tt.chat); got.Errcode != tt.want || (tt.want == 0) != (got.ChatInfo != nil) {
			t.Errorf("%+v: got %d %v", tt, got.Errcode, got.ChatInfo)
		}
	}
	header := a.request(http.MethodGet, generated.OperationGetChat.Path+"?chatid="+knownChat, a.IssueToken(), nil)
	if got := a.do(header); !strings.Contains(got.body, `"errcode":40014`) {
		t.Errorf("with a token in the header: %s", got.body)
	}
	if got := a.do(a.request(http.MethodGet, "/chat/other", "", nil)); !strings.Contains(got.body, `"errcode":404`) {
		t.Errorf("an unknown path of the legacy API: %s", got.body)
	}
}

func ptr[T any](v T) *T { return &v }
