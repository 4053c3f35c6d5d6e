package admin_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// ask sends a body to an operation of the emulator itself.
func (b both) ask(op generated.Operation, body string) (status int, answer string) {
	b.t.Helper()
	return b.send(op.Method, b.URL+op.Path, body, "Content-Type", "application/json", generated.TokenHeader, b.IssueToken())
}

// A group is created by a request, changed by the admin API, and found in what the emulator answers; one of the settings
// is found by its chat id.
func TestGroupsOverHTTP(t *testing.T) {
	b := start(t)
	b.want(200, "GET", "/groups", "", `[]`)
	b.want(200, "GET", "/groups?chatId=chat1", "", `[]`)
	_, answer := b.ask(generated.OperationCreateGroup, `{"name":"Project","owner":"boss","useridlist":["boss","clerk"]}`)
	var created generated.CreateGroupResponseBody
	if err := json.Unmarshal([]byte(answer), &created); err != nil || created.ChatID == "" {
		t.Fatalf("%s", answer)
	}
	group := fmt.Sprintf(`{"chatId":%q,"openConversationId":%q,"name":"Project","owner":"boss","members":["boss","clerk"],"robots":[%q],"disbanded":`,
		created.ChatID, created.OpenConversationID, dingtalktest.RobotCode)
	b.want(200, "GET", "/groups", "", "["+group+"false}]")
	b.want(200, "POST", "/groups", group+"true}", group+"true}")
	b.want(200, "GET", "/groups?chatId="+created.ChatID, "", "["+group+"true}]")
	send := fmt.Sprintf(`{"msgKey":"sampleText","msgParam":"{}","openConversationId":%q,"robotCode":%q}`, created.OpenConversationID, dingtalktest.RobotCode)
	if status, answer := b.ask(generated.OperationOrgGroupSend, send); status != 400 || !strings.Contains(answer, string(generated.CodeOrgGroupSendGroupDisbanded)) {
		t.Errorf("sent to a disbanded group: %d %s", status, answer)
	}

	b.want(200, "POST", "/groups", `{"chatId":"chat1"}`, `"openConversationId":"`+dingtalktest.OpenConversationIDOf("chat1")+`"`)
	if status, answer := b.convert(b.token(), "chat1"); status != 200 || !strings.Contains(answer, dingtalktest.OpenConversationIDOf("chat1")) {
		t.Errorf("%d %s", status, answer)
	}
	b.want(200, "PATCH", "/settings", `{"groups":[{"chatId":"chat2","owner":"clerk"}]}`, `"groups":[{"chatId":"chat2",`)
	b.want(200, "GET", "/groups?chatId=chat2", "", `"owner":"clerk"`)
	for _, wrong := range []string{`{}`, `null`, `{"chatId":"chat1","colour":"red"}`, `{"chatId":"chat1","robots":null}`, `{"chatId":["chat1"]}`} {
		b.want(400, "POST", "/groups", wrong, `{"error":`)
	}
	b.want(400, "GET", "/groups?chat=chat1", "", "there is no parameter")
	b.want(204, "POST", "/reset", "", "")
	b.want(200, "GET", "/groups?chatId=chat1", "", `[]`)
}

// A message that a robot sent is listed, read by whom the API says, and listed as recalled once it is.
func TestMessagesOverHTTP(t *testing.T) {
	b := start(t)
	b.want(200, "GET", "/messages", "", `[]`)
	where := fmt.Sprintf(`"openConversationId":%q,"robotCode":%q`, dingtalktest.OpenConversationID, dingtalktest.RobotCode)
	_, answer := b.ask(generated.OperationOrgGroupSend, `{"msgKey":"sampleText","msgParam":"{\"content\":\"hello\"}",`+where+`}`)
	var sent generated.OrgGroupSendResponseBody
	if err := json.Unmarshal([]byte(answer), &sent); err != nil || sent.ProcessQueryKey == "" {
		t.Fatalf("%s", answer)
	}
	listed := fmt.Sprintf(`"processQueryKey":%q,"chatId":%q,%s,"msgKey":"sampleText","msgParam":"{\"content\":\"hello\"}",`, sent.ProcessQueryKey, dingtalktest.ChatID, where)
	b.want(200, "GET", "/messages", "", listed+`"readBy":[],"recalled":false}]`)
	for range 2 { // A user counts once.
		b.want(204, "POST", "/messages/read", fmt.Sprintf(`{"processQueryKey":%q,"userIds":["u1","u2"]}`, sent.ProcessQueryKey), "")
	}
	if status, answer := b.ask(generated.OperationOrgGroupQuery, fmt.Sprintf(`{"processQueryKey":%q}`, sent.ProcessQueryKey)); status != 200 || !strings.Contains(answer, `["u1","u2"]`) {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := b.ask(generated.OperationOrgGroupRecall, fmt.Sprintf(`{%s,"processQueryKeys":[%q]}`, where, sent.ProcessQueryKey)); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	b.want(200, "GET", "/messages", "", listed+`"readBy":["u1","u2"],"recalled":true}]`)
	b.want(404, "POST", "/messages/read", `{"processQueryKey":"none","userIds":["u1"]}`, "no message")
	for _, wrong := range []string{`{}`, `null`, `{"processQueryKey":"none","userIds":[]}`, `{"processQueryKey":"none","userIds":[null]}`, `{"processQueryKey":"none","userIds":["u1"],"x":1}`} {
		b.want(400, "POST", "/messages/read", wrong, `{"error":`)
	}
	b.want(204, "POST", "/reset", "", "")
	b.want(200, "GET", "/messages", "", `[]`)
}
