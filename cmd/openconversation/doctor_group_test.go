package main

import (
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestDoctorOfAGroup: doctor says whether a robot's message to a chat's group would arrive, and what to do if not.
func TestDoctorOfAGroup(t *testing.T) {
	server := dingtalktest.NewServer(t,
		dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chatgone", Name: "Old", Disbanded: true}),
		dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chatfull", Name: "Sales", Robots: []string{"robot1", "robot2"}}),
		dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chatempty", Name: "Empty", Robots: []string{}}),
	)
	env := map[string]string{"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret, "DINGTALK_BASE_URL": server.URL}
	refuse := func(op generated.Operation, f dingtalktest.Fault) *dingtalktest.Fault { f = f.For(op); return &f }
	for _, tt := range []struct {
		name, args, stdout, stderr string
		fault                      *dingtalktest.Fault
		code                       int
	}{
		{"in the group", "--chat chatfull --robot robot2", "ok           group        in use: Sales\nok           robot        it is in the group: Robot robot2\n", "this spends three calls", nil, 0},
		{"not in the group", "--chat chatfull --robot robot3", "FAIL         robot        robot3 is not in the group, which has robot1, robot2\n", "hint: add the robot in the group's settings", nil, 1},
		{"no robot at all", "--chat chatempty --robot robot3", "FAIL         robot        robot3 is not in the group, which has no robot\n", "hint: add the robot", nil, 1},
		{"disbanded", "--chat chatgone --robot robot1", "FAIL         group        the group was disbanded\nnot checked  robot\n", "hint: nothing can be sent to it any more", nil, 1},
		{"unknown chat", "--chat unknown --robot robot1", "FAIL         conversion   chat id is unknown", "hint: use the chatId of a group", nil, 1},
		{"one from the JSAPI", "--chat chatfull --robot robot1", "ok           group        not described: ", "", refuse(generated.OperationGetChat, dingtalktest.Code(generated.CodeGetChatWrongChatID)), 0},
		{"no permission to list", "--chat chatfull --robot robot1", "FAIL         robot        permission", "hint: grant the app qyapi_chat_manage", refuse(generated.OperationGetBotListInGroup, dingtalktest.Fault{Kind: "code", Code: generated.CodePermissionDenied, Scopes: []string{}}), 3},
		{"a robot without a chat", "--robot robot1", "", "--robot needs --chat", nil, 2},
		{"as JSON", "--chat chatfull --robot robot3 --json", `{"check":"robot","status":"fail","detail":"robot3 is not in the group, which has robot1, robot2","hint":"add the robot`, "", nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fault != nil {
				server.FailNext(*tt.fault)
			}
			got := call{args: append([]string{"doctor"}, strings.Fields(tt.args)...), env: env}.run()
			if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("%d %s\n%s", got.code, got.stdout, got.stderr)
			}
		})
	}
	before := server.Count(generated.OperationGetBotListInGroup)
	if got := (call{args: []string{"doctor", "--chat", "chatfull"}, env: env}).run(); got.code != 0 || server.Count(generated.OperationGetBotListInGroup) != before {
		t.Errorf("without --robot: %+v", got)
	}
}
