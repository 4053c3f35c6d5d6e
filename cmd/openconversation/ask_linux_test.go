package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const aMessage = `{"msgKey":"sampleText","msgParam":{"content":"hello"},"openConversationId":"` + dingtalktest.OpenConversationID + `","robotCode":"` + dingtalktest.RobotCode + `"}`

// TestCallAsks: what is not safe to repeat is asked for by a terminal before it is sent, and only there.
func TestCallAsks(t *testing.T) {
	server := dingtalktest.NewServer(t)
	environment := []string{
		"DINGTALK_APP_KEY=" + dingtalktest.AppKey, "DINGTALK_APP_SECRET=" + dingtalktest.AppSecret, "DINGTALK_BASE_URL=" + server.URL,
	}
	for _, tt := range []struct {
		name, answer, args string
		asked              bool
		code, sent         int
	}{
		{"yes", "y\n", "orgGroupSend --body " + aMessage, true, 0, 1},
		{"Yes", "Yes\n", "orgGroupSend --body " + aMessage, true, 0, 1},
		{"no", "n\n", "orgGroupSend --body " + aMessage, true, 1, 0},
		{"nothing", "\n", "orgGroupSend --body " + aMessage, true, 1, 0},
		{"the end of the input", "\x04", "orgGroupSend --body " + aMessage, true, 1, 0},
		{"another word", "yesterday\n", "orgGroupSend --body " + aMessage, true, 1, 0},
		{"--yes, and the alias", "", "sendGroupMessage --yes --body " + aMessage, false, 0, 1},
		{"safe", "", "getBotListInGroup --body {\"openConversationId\":\"" + dingtalktest.OpenConversationID + "\"}", false, 0, 0},
		{"an emulator", "", "orgGroupSend --emulator --body " + aMessage, false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.ResetRequests()
			tty := newTerminal(t, 200)
			cmd := command(t, append([]string{"call"}, strings.Fields(tt.args)...)...)
			cmd.Env = append(append(cmd.Env, "TERM=xterm"), environment...)
			if strings.Contains(tt.args, "--emulator") {
				cmd.Env = append(cmd.Env, "DINGTALK_BASE_URL=")
			}
			var stdout bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = tty.slave, &stdout, tty.slave
			if _, err := tty.master.WriteString(tt.answer); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Run()
			shown := tty.all()
			if asked := strings.Contains(shown, "[y/N]"); asked != tt.asked || cmd.ProcessState.ExitCode() != tt.code {
				t.Errorf("exit code %d, want %d: %q %s", cmd.ProcessState.ExitCode(), tt.code, shown, &stdout)
			}
			if n := server.Count(generated.OperationOrgGroupSend); n != tt.sent {
				t.Errorf("%d messages were sent, want %d", n, tt.sent)
			}
		})
	}
	// A script is asked nothing, also where its errors go to a terminal.
	tty := newTerminal(t, 200)
	cmd := command(t, "call", "orgGroupSend", "--body", "@-")
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(aMessage), tty.slave
	server.ResetRequests()
	if err := cmd.Run(); err != nil || server.Count(generated.OperationOrgGroupSend) != 1 {
		t.Errorf("%v %s", err, tty.text())
	}
	if shown := tty.all(); strings.Contains(shown, "[y/N]") {
		t.Errorf("it asked: %s", shown)
	}
}
