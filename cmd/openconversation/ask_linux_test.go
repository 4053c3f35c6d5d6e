package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestCallAsks: what is not safe to repeat is asked for by a terminal before it is sent, and only there.
func TestCallAsks(t *testing.T) {
	const message = `{"msgKey":"sampleText","msgParam":{"content":"hello"},"openConversationId":"` + openID + `","robotCode":"` + dingtalktest.RobotCode + `"}`
	server := dingtalktest.NewServer(t)
	for _, tt := range []struct {
		name, answer, args string
		asked              bool
		code, sent         int
	}{
		{"yes", "y\n", "orgGroupSend --body " + message, true, 0, 1},
		{"Yes", "Yes\n", "orgGroupSend --body " + message, true, 0, 1},
		{"no", "n\n", "orgGroupSend --body " + message, true, 1, 0},
		{"nothing", "\n", "orgGroupSend --body " + message, true, 1, 0},
		{"the end of the input", "\x04", "orgGroupSend --body " + message, true, 1, 0},
		{"another word", "yesterday\n", "orgGroupSend --body " + message, true, 1, 0},
		{"--yes, and the alias", "", "sendGroupMessage --yes --body " + message, false, 0, 1},
		{"safe", "", "getBotListInGroup --body {\"openConversationId\":\"" + openID + "\"}", false, 0, 0},
		{"an emulator", "", "orgGroupSend --emulator --body " + message, false, 0, 0},
		{"a script, whose errors go to a terminal", "", "orgGroupSend --body @-", false, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.ResetRequests()
			env := serverEnv(server)
			env["TERM"] = "xterm"
			tty := newTerminal(t, 200)
			cmd := command(t, env, append([]string{"call"}, strings.Fields(tt.args)...)...)
			var stdout bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = tty.slave, &stdout, tty.slave
			if strings.HasSuffix(tt.args, "@-") {
				cmd.Stdin = strings.NewReader(message)
			}
			if _, err := tty.master.WriteString(tt.answer); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Run()
			shown := tty.all()
			if asked := strings.Contains(shown, "[y/N]"); asked != tt.asked || cmd.ProcessState.ExitCode() != tt.code || server.Count(generated.OperationOrgGroupSend) != tt.sent {
				t.Errorf("exit code %d, want %d; %d were sent: %q %s", cmd.ProcessState.ExitCode(), tt.code, server.Count(generated.OperationOrgGroupSend), shown, &stdout)
			}
		})
	}
}
