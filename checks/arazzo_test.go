package openconversation_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestWorkflows has Redocly's respect run workflows.arazzo.yaml against an emulator, which then holds what the workflows say
// that they do. It needs Node.js: make lint runs it.
func TestWorkflows(t *testing.T) {
	redocly := os.Getenv("OPENCONVERSATION_REDOCLY")
	if redocly == "" {
		t.Skip("run make lint")
	}
	const stored = "chatstoredlongago"
	server := dingtalktest.NewServer(t, dingtalktest.WithGroup(dingtalktest.Group{ChatID: stored, Name: "Old", Robots: []string{"robot1", dingtalktest.RobotCode}}))
	inputs, err := json.Marshal(map[string]string{
		"appKey": dingtalktest.AppKey, "appSecret": dingtalktest.AppSecret, "chatId": stored, "robotCode": dingtalktest.RobotCode, "name": "New", "owner": "user1",
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), redocly, "respect", "workflows.arazzo.yaml", "--server", "dingtalk="+server.URL, "--input", string(inputs))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	created, sent := server.Groups(), server.Messages()
	if len(created) != 1 || created[0].Name != "New" || len(sent) != 2 {
		t.Fatalf("groups %+v, messages %+v", created, sent)
	}
	if sent[0].ChatID != stored || sent[1].ChatID != created[0].ChatID || sent[0].MsgParam != `{"content":"It works."}` {
		t.Errorf("messages %+v", sent)
	}
	for _, o := range []generated.Operation{generated.OperationChatIDToOpenConversationID, generated.OperationOrgGroupQuery, generated.OperationCreateGroup} {
		if n := server.Count(o); n != 1 {
			t.Errorf("%s was called %d times, want once", o.ID, n)
		}
	}
}
