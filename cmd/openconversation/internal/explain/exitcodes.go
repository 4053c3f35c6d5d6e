package explain

import (
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// The exit codes. Scripts decide by them: they are part of the command's interface.
const (
	OK          = 0
	SomeFailed  = 1
	UsageExit   = 2
	Credentials = 3
	Limited     = 4
	Unavailable = 5
	signalled   = 128 // plus the signal's number, as in shells
	HungUp      = signalled + 1
	Interrupted = signalled + 2
	Terminated  = signalled + 15
)

// exitCodes explains each code to people, for the commands that end with it.
var exitCodes = []struct {
	codes                         string
	convert, call, doctor, budget lang.Format
}{
	{"0", "every chat was converted", "the call succeeded", "every check passed", "the count was printed"},
	{"1", "some chats could not be converted, or are probably no chat ids (see --accept-unknown)", "the service refused the call", "the chat cannot be converted", ""},
	{
		"2", "usage error, unreadable input or unwritable output; nothing was sent (except rows of a stream before its fault)",
		"usage error; nothing was sent", "usage error; nothing was sent", "usage error; nothing was sent",
	},
	{
		"3", "credentials or a permission are missing or wrong; the run stopped", "credentials or a permission are missing or wrong",
		"credentials or a permission are missing or wrong", "credentials are missing or wrong",
	},
	{
		"4", "throttled, banned, or the quota, --monthly-budget or --max-calls is used up; the same command goes on later",
		"throttled, banned, or the quota is used up", "throttled, banned, or the quota is used up", "",
	},
	{
		"5", "the network, the service or this machine failed, or --timeout passed; the same command goes on",
		"the network, the service or this machine failed", "the network, the service or this machine failed", "Redis or this machine failed",
	},
	{
		"129, 130, 143", "stopped by SIGHUP (a closed terminal), SIGINT (Ctrl-C) or SIGTERM; the same command goes on",
		"stopped by SIGHUP, SIGINT or SIGTERM", "stopped by SIGHUP, SIGINT or SIGTERM", "stopped by SIGHUP, SIGINT or SIGTERM",
	},
}

// ExitText returns the table for the help of a command: convert, call, doctor or budget.
func ExitText(l lang.Language, command string) string {
	var b strings.Builder
	b.WriteString(l.Sprintf("Exit codes:") + "\n")
	for _, row := range exitCodes {
		meaning := row.convert
		switch command {
		case "call":
			meaning = row.call
		case "doctor":
			meaning = row.doctor
		case "budget":
			meaning = row.budget
		}
		if meaning != "" {
			b.WriteString(term.Beside("  "+row.codes, l.Sprintf(meaning), 17))
		}
	}
	return b.String()
}
