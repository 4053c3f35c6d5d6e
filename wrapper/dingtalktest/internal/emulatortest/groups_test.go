package emulatortest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// ask sends a body to an operation, and decodes the answer of a success; otherwise it returns the error's code.
func (a *api) ask(op generated.Operation, body string, into any) generated.Code {
	a.t.Helper()
	r := a.request(op.Method, op.Path, a.IssueToken(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	got := a.do(r)
	if got.status != http.StatusOK {
		return generated.Code(got.apiError(a.t).Code)
	}
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		a.t.Fatalf("%s: %s: %v", op.ID, got.body, err)
	}
	return ""
}

const newGroup = `{"name":"n","owner":"u","useridlist":["u"]}`

// describe asks the legacy API for a group.
func (a *api) describe(token, chatID string) generated.GetChatResponseBody {
	a.t.Helper()
	query := url.Values{"access_token": {token}, "chatid": {chatID}}
	got := a.do(a.request(http.MethodGet, generated.OperationGetChat.Path+"?"+query.Encode(), "", nil))
	return decoded[generated.GetChatResponseBody](a.t, got)
}

func message(group, robot, text string) string {
	return fmt.Sprintf(`{"msgKey":"sampleText","msgParam":%q,"openConversationId":%q,"robotCode":%q}`, text, group, robot)
}

// TestGroupFromItsCreation: a group that was created can be converted, described, sent to, queried and recalled.
func TestGroupFromItsCreation(t *testing.T) {
	t.Parallel()
	a := start(t)
	var created generated.CreateGroupResponseBody
	if code := a.ask(generated.OperationCreateGroup, `{"name":"Project","owner":"boss","useridlist":["boss","clerk"]}`, &created); code != "" {
		t.Fatal(code)
	}
	a.convert(a.IssueToken(), created.ChatID).wantID(t, created.OpenConversationID)
	chat := a.describe(a.IssueToken(), created.ChatID)
	if info := chat.ChatInfo; chat.Errcode != 0 || *info.Name != "Project" || *info.Owner != "boss" || *info.Status != 1 || !slices.Equal(info.UserIDs, []string{"boss", "clerk"}) {
		t.Errorf("described as %+v", info)
	}
	var robots generated.GetBotListInGroupResponseBody
	if code := a.ask(generated.OperationGetBotListInGroup, `{"openConversationId":"`+created.OpenConversationID+`"}`, &robots); code != "" || *robots.ChatbotInstanceVOList[0].RobotCode != dingtalktest.RobotCode {
		t.Errorf("robots %+v, code %s", robots, code)
	}
	var sent generated.OrgGroupSendResponseBody
	if code := a.ask(generated.OperationOrgGroupSend, message(created.OpenConversationID, dingtalktest.RobotCode, `{"content":"hello"}`), &sent); code != "" {
		t.Fatal(code)
	}
	list := a.Messages()
	if len(list) != 1 || list[0].ChatID != created.ChatID || list[0].MsgParam != `{"content":"hello"}` || list[0].MsgKey != "sampleText" || list[0].ProcessQueryKey != sent.ProcessQueryKey || list[0].Recalled {
		t.Errorf("messages %+v", list)
	}
	a.MarkRead(sent.ProcessQueryKey, "u1", "u2", "u3")
	var read []string
	for token := ""; ; {
		var page generated.OrgGroupQueryResponseBody
		if code := a.ask(generated.OperationOrgGroupQuery, fmt.Sprintf(`{"processQueryKey":%q,"maxResults":2,"nextToken":%q}`, sent.ProcessQueryKey, token), &page); code != "" || page.SendStatus != "SUCCESS" {
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
	recall := fmt.Sprintf(`{"openConversationId":%q,"robotCode":%q,"processQueryKeys":[%q,"other"]}`, created.OpenConversationID, dingtalktest.RobotCode, sent.ProcessQueryKey)
	for _, want := range []int{1, 0} { // the second recall finds it recalled
		var recalled generated.OrgGroupRecallResponseBody
		if code := a.ask(generated.OperationOrgGroupRecall, recall, &recalled); code != "" || len(recalled.SuccessResult) != want || len(recalled.FailedResult) != 2-want {
			t.Errorf("recalled %+v, code %s", recalled, code)
		}
	}
	var state generated.OrgGroupQueryResponseBody
	if a.ask(generated.OperationOrgGroupQuery, `{"processQueryKey":"`+sent.ProcessQueryKey+`"}`, &state); state.SendStatus != "RECALLED" || !a.Messages()[0].Recalled {
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
		{message(id("chatother"), dingtalktest.RobotCode, "{}"), generated.CodeOrgGroupSendNoSuchRobot},
		{message(id("chatempty"), dingtalktest.RobotCode, "{}"), generated.CodeOrgGroupSendNoSuchRobot},
		{message(id("chatgone"), dingtalktest.RobotCode, "{}"), generated.CodeOrgGroupSendGroupDisbanded},
		{message("cidunknown", dingtalktest.RobotCode, "{}"), generated.CodeOrgGroupSendInvalidConversationID},
		{message("", dingtalktest.RobotCode, "{}"), generated.CodeOrgGroupSendMissingConversationID},
		{message(dingtalktest.OpenConversationID, "", "{}"), generated.CodeOrgGroupSendMissingRobotCode},
		{message(dingtalktest.OpenConversationID, dingtalktest.RobotCode, "hello"), generated.CodeOrgGroupSendInvalidMessageParam},
		{message(dingtalktest.OpenConversationID, dingtalktest.RobotCode, long), generated.CodeOrgGroupSendMessageParamTooLong},
		{strings.Replace(message(dingtalktest.OpenConversationID, dingtalktest.RobotCode, "{}"), "sampleText", "", 1), generated.CodeOrgGroupSendInvalidMessageKey},
		{strings.Replace(message(dingtalktest.OpenConversationID, dingtalktest.RobotCode, "{}"), `"{}"`, "{}", 1), generated.CodeInvalidBody},
		{"", generated.CodeMissingBody},
	} {
		if got := a.ask(generated.OperationOrgGroupSend, tt.body, new(generated.OrgGroupSendResponseBody)); got != tt.want {
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
	g.Robots = []string{dingtalktest.RobotCode}
	for _, want := range []generated.Code{"", generated.CodeOrgGroupSendGroupDisbanded} {
		a.SetGroup(g)
		if got := a.ask(sendOp, message(id("chatempty"), dingtalktest.RobotCode, "{}"), new(any)); got != want {
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
		{generated.OperationCreateGroup, `{"name":1}`, generated.CodeInvalidBody},
		{generated.OperationGetBotListInGroup, `{"openConversationId":"cidunknown"}`, generated.CodeGetBotListInGroupInvalidConversationID},
		{generated.OperationOrgGroupQuery, `{"processQueryKey":"none"}`, "InvalidprocessQueryKey"},
		{generated.OperationOrgGroupQuery, `{"processQueryKey":"none","maxResults":201}`, "InvalidmaxResults"},
		{generated.OperationOrgGroupQuery, `{"processQueryKey":"none","nextToken":"x"}`, "InvalidnextToken"},
		{generated.OperationOrgGroupRecall, `{"openConversationId":"a","robotCode":"b","processQueryKeys":[]}`, "InvalidprocessQueryKeys"},
	} {
		if got := a.ask(tt.op, tt.body, new(any)); got != tt.want {
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
		{a.IssueToken(), dingtalktest.ChatID, nil, 0},
		{a.IssueToken(), "unknown", nil, 40016},
		{a.IssueToken(), "", nil, 40016},
		{"wrong", dingtalktest.ChatID, nil, 40014},
		{"", dingtalktest.ChatID, nil, 40014},
		{a.IssueToken(), dingtalktest.ChatID, ptr(dingtalktest.Code(generated.CodeAppQPSLimit)), 90002},
		{a.IssueToken(), dingtalktest.ChatID, ptr(dingtalktest.Code(generated.CodeGetChatCode49000)), 49000},
	} {
		if tt.fault != nil {
			a.FailNext(*tt.fault)
		}
		if got := a.describe(tt.token, tt.chat); got.Errcode != tt.want || (tt.want == 0) != (got.ChatInfo != nil) {
			t.Errorf("%+v: got %d %v", tt, got.Errcode, got.ChatInfo)
		}
	}
	header := a.request(http.MethodGet, generated.OperationGetChat.Path+"?chatid="+dingtalktest.ChatID, a.IssueToken(), nil)
	if got := a.do(header); !strings.Contains(got.body, `"errcode":40014`) {
		t.Errorf("with a token in the header: %s", got.body)
	}
	if got := a.do(a.request(http.MethodGet, "/chat/other", "", nil)); !strings.Contains(got.body, `"errcode":404`) {
		t.Errorf("an unknown path of the legacy API: %s", got.body)
	}
}

func ptr[T any](v T) *T { return &v }
